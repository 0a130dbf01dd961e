"""The dial between distortion and perception: how much of a drawn latent goes into a restoration."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from unshrink.errors import UsageError
from unshrink.models import registry
from unshrink.models.registry import ModelSpec
from unshrink.models.weights import Loaded
from unshrink.nn.parts import Part, Reader, Size

_MOST_SEED = 2**63 - 1
ROWS = 64
"""LR rows that are drawn at once."""


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


def draw_latent(loaded: Loaded, hr: Size, size: Size, dial: Dial) -> Reader | None:
    """z ~ N(0, sigma) for an LR picture of `size` (h, w) of an HR picture of size `hr`; None for a sigma of 0.

    Any part of it, (1, C, height, width). Every `ROWS` rows are drawn from a seed of their own, so that no more than a
    part is in memory at once. Raises UsageError for a model without a dial.
    """
    require_dial(loaded.spec, dial)
    model = loaded.model
    if not dial.sigma:
        return None
    sigma, channels = dial.sigma * model.dial_end, model.at(hr, size).latent_channels
    first = torch.Generator().manual_seed(dial.seed)
    seeds = torch.randint(_MOST_SEED, (-(-size[0] // ROWS),), generator=first).tolist()

    def read(part: Part) -> Tensor:
        blocks = range(part.top // ROWS, -(-part.bottom // ROWS))
        noise = torch.cat([_draw(seeds[block], channels, size[1]) for block in blocks], dim=-2)
        top = part.top - blocks.start * ROWS
        return model.draw(noise[..., top : top + part.size[0], part.left : part.right], sigma)

    return read


def _draw(seed: int, channels: int, width: int) -> Tensor:
    return torch.randn(1, channels, ROWS, width, generator=torch.Generator().manual_seed(seed))
