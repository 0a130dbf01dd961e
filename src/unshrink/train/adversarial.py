"""A critic that learns to tell restored patches from photographs, and the loss of not having fooled it."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

LEVELS = 3
SLOPE = 0.2


class PatchCritic(nn.Module):
    """Judges overlapping squares of a picture, each by a logit: positive for a photograph.

    (B, 3, H, W) in [0, 1] -> (B, 1, H/8, W/8). Three levels of two convolutions, of which the second halves the size,
    with `width`, twice and four times as many channels. IRN+ has a critic of the VGG kind that judges whole patches;
    this one, small enough for a CPU and with no normalisation to keep in step, is our design.
    """

    def __init__(self, width: int = 32) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        inputs = 3
        for level in range(LEVELS):
            channels = width * 2**level
            layers += [nn.Conv2d(inputs, channels, 3, padding=1), nn.LeakyReLU(SLOPE)]
            layers += [nn.Conv2d(channels, channels, 4, stride=2, padding=1), nn.LeakyReLU(SLOPE)]
            inputs = channels
        self.layers = nn.Sequential(*layers, nn.Conv2d(inputs, 1, 3, padding=1))

    def forward(self, x: Tensor) -> Tensor:
        """Logits; see the class."""
        logits: Tensor = self.layers(2 * x - 1)
        return logits


class Adversary:
    """A critic with its optimiser, Adam (0.9, 0.99) as in IRN+; binary cross-entropy on logits, a mean over squares."""

    def __init__(self, rate: float, device: torch.device | None = None) -> None:
        self.critic = PatchCritic().to(device)
        self.optimiser = torch.optim.Adam(self.critic.parameters(), lr=rate, betas=(0.9, 0.99), foreach=True)

    def unfooled(self, restored: Tensor) -> Tensor:
        """The restoration's loss, a scalar: how sure the critic is that `restored` (B, 3, H, W) is no photograph."""
        self.critic.requires_grad_(False)  # the gradient goes through the critic, not into it
        loss = softplus(-self.critic(restored).float()).mean()
        self.critic.requires_grad_(True)
        return loss

    def learn(self, hr: Tensor, restored: Tensor, average: Callable[[nn.Module], None] | None = None) -> Tensor:
        """One step of the critic on photographs and restorations, both (B, 3, H, W); its loss before the step.

        `average` makes its gradients those of a batch that several processes share.
        """
        self.optimiser.zero_grad(set_to_none=True)
        right = softplus(-self.critic(hr).float()).mean()
        wrong = softplus(self.critic(restored.detach()).float()).mean()
        loss = right + wrong
        loss.backward()  # type: ignore[no-untyped-call]
        if average is not None:
            average(self.critic)
        self.optimiser.step()
        return loss.detach()

    def state_dict(self) -> dict[str, Any]:
        """All that changes, for a checkpoint."""
        return {"critic": self.critic.state_dict(), "optimiser": self.optimiser.state_dict()}

    def load_state_dict(self, entry: dict[str, Any]) -> None:
        """Go on from `state_dict`. Raises KeyError, RuntimeError and ValueError where it does not fit."""
        self.critic.load_state_dict(entry["critic"])
        self.optimiser.load_state_dict(entry["optimiser"])
