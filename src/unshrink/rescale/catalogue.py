"""What models there are, told without torch, and models on their own."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from unshrink.models.listing import rows
from unshrink.models.zoo import versions

if TYPE_CHECKING:
    from unshrink.models.rescaler import Rescaler


@dataclass(frozen=True, kw_only=True)
class ModelInfo:
    """One model of the registry."""

    name: str
    """What `down(model=...)` takes."""
    method: str
    """The family of networks, for example "irn"."""
    scale: int | None
    """HR pixels per LR pixel along each axis; None where any scale will do."""
    payload: str
    """What travels beside the LR pixels: "none", "alpha" or "latent"."""
    parameters: int
    """Learnable numbers in the network."""
    default: bool
    """True for the model that `down` picks for its scale."""
    dial: bool
    """True where `up(sigma=...)` means something."""
    weights: tuple[str, ...]
    """SHA-256 of each version of the weights that is installed, newest last; empty where none is."""
    paper: str
    licence: str


def list_models() -> list[ModelInfo]:
    """Every model there is, in the registry's order; those without `weights` can be trained but not yet used."""
    return [
        ModelInfo(**row, weights=tuple(version.digest for version in versions(name))) for name, row in rows().items()
    ]


def load(name: str, *, weights: str | os.PathLike[str] | None = None) -> Rescaler:
    """The torch module of model `name` with its newest weights, in evaluation mode, on the CPU.

    `module.downscale(hr)` takes float32 (B, 3, H, W) in [0, 1], H and W multiples of `module.scale`, and gives the LR
    tensor, not yet rounded, and a payload; `module.upscale(lr, payload)` takes them back. `weights` is a folder with
    model.safetensors and config.json, or an authors' .pth, to use instead of what is installed. Raises
    UnknownNameError, and WeightsError where the model ships no weights.
    """
    from unshrink.models import weights as trained

    return trained.load(name, path=None if weights is None else Path(weights)).model
