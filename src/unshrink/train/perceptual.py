"""The losses of how a restoration looks: a perceptual distance, and a critic to be fooled."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from unshrink.metrics.perceptual import Backbone, PerceptualDistance, load_distance
from unshrink.train.adversarial import Adversary
from unshrink.train.recipe import ObjectiveSettings

JUDGE: Backbone = "vgg"
"""What training minimises; reports judge with AlexNet, so that no network is judged by its own teacher."""


class Perception:
    """The perceptual and the adversarial term of an objective.

    IRN+ compares features of VGG19's last convolution; ours is shift-tolerant LPIPS on VGG16 (`metrics.perceptual`),
    whose weights a package ships, so our weights of the terms are not the paper's either. Raises UsageError where the
    extra "perceptual" is not installed and the perceptual weight is above 0.
    """

    def __init__(self, settings: ObjectiveSettings, device: torch.device | None = None) -> None:
        self.settings = settings
        self.distance: PerceptualDistance | None = None
        self.adversary: Adversary | None = None
        if settings.perceptual_weight:
            self.distance = load_distance(JUDGE).to(device)
        if settings.adversarial_weight:
            self.adversary = Adversary(settings.critic_rate, device)

    def loss(self, hr: Tensor, restored: Tensor, step: int) -> Tensor:
        """The weighted sum, a scalar, of two batches (B, 3, P, P) in [0, 1]; the critic's part once it has learnt."""
        total = restored.new_zeros(())
        if self.distance is not None:
            total = total + self.settings.perceptual_weight * self.distance(restored, hr).mean()
        if self.adversary is not None and step >= self.settings.adversarial_after:
            total = total + self.settings.adversarial_weight * self.adversary.unfooled(restored)
        return total

    def learn(self, hr: Tensor, restored: Tensor, average: Callable[[nn.Module], None] | None = None) -> None:
        """One step of the critic, where there is one; see `Adversary.learn`."""
        if self.adversary is not None:
            self.adversary.learn(hr, restored, average)


def perception_for(settings: ObjectiveSettings, device: torch.device | None = None) -> Perception | None:
    """What the objective asks for; None where it asks for neither term. Raises UsageError; see `Perception`."""
    wanted = settings.perceptual_weight or settings.adversarial_weight
    return Perception(settings, device) if wanted else None
