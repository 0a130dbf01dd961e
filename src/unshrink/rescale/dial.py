"""The dial between distortion and perception: how much of a drawn latent goes into a restoration."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from unshrink.errors import UsageError
from unshrink.models import registry
from unshrink.models.irn import IRN
from unshrink.models.registry import ModelSpec
from unshrink.models.weights import Loaded

_MOST_SEED = 2**63 - 1


@dataclass(frozen=True)
class Dial:
    """Where the dial stands. Raises UsageError for values out of range. Source: Pan, ICASSP 2022."""

    sigma: float = 0.0
    """0, the most likely restoration, to 1, the most lifelike: the standard deviation of z."""
    seed: int = 0
    """Of the draw: the same picture for the same seed, on one machine."""

    def __post_init__(self) -> None:
        if not 0 <= self.sigma <= 1:
            raise UsageError(f"Sigma goes from 0 to 1; {self.sigma:g} is outside.")
        if not 0 <= self.seed <= _MOST_SEED:
            raise UsageError(f"A seed is a whole number from 0 to {_MOST_SEED}; {self.seed} is outside.")


OFF = Dial()
"""What models without a dial do, and the others by default."""


def require_dial(spec: ModelSpec, dial: Dial) -> None:
    """Raise UsageError where sigma is above 0 and `spec` was not trained for it."""
    if dial.sigma and not spec.dial:
        having = ", ".join(name for name in registry.names() if registry.get(name).dial)
        raise UsageError(f"Sigma means nothing to {spec.name}; the models that it means something to are {having}.")


def draw_latent(loaded: Loaded, size: tuple[int, int], dial: Dial) -> Tensor | None:
    """z ~ N(0, sigma) for an LR picture of `size` (h, w), as (1, C, h, w); None for a sigma of 0.

    Raises UsageError for a model without a dial.
    """
    require_dial(loaded.spec, dial)
    if not dial.sigma or not isinstance(loaded.model, IRN):
        return None
    generator = torch.Generator().manual_seed(dial.seed)
    noise = torch.randn(1, loaded.model.latent_channels, *size, generator=generator)
    return loaded.model.draw(noise, dial.sigma)
