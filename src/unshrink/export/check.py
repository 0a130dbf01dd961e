"""Whether an exported network does what torch does."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from unshrink.errors import UnshrinkError

Array = NDArray[np.float32]
TOLERANCE = 1e-4
"""What a value may differ by before it is rounded, where its range, 255 levels, is 1."""


@dataclass(frozen=True)
class Difference:
    """The largest there is between ONNX Runtime and torch, over all pictures of a check."""

    value: float = 0.0
    """Before anything is rounded, where the range of values, 255 levels, is 1."""
    levels: int = 0
    """After rounding; 0 for the direction that rounds nothing."""
    share: float = 0.0
    """Of the rounded values of a picture, those that differ: 0 to 1."""

    def __str__(self) -> str:
        rounded = f", after rounding {self.levels} of 255, at {100 * self.share:.4f} % of values"
        return f"largest difference from torch {self.value:.1e}{rounded if self.levels else ''}"


def pictures(multiple: int) -> Iterable[Tensor]:
    """HR pictures (B, 3, H, W) that are tried, one and two at a time, H and W multiples of `multiple`."""
    for batch, height, width in ((1, 1, 1), (2, 5, 9), (1, 16, 7), (2, 12, 20)):
        yield _picture(batch, height * multiple, width * multiple)


def _picture(batch: int, height: int, width: int) -> Tensor:
    """Waves with noise, the same every time; values in [0, 1]."""
    generator = torch.Generator().manual_seed(height * width)
    y, x = torch.arange(height).float()[:, None], torch.arange(width).float()
    phase = torch.arange(batch * 3).float().view(batch, 3, 1, 1)
    waves = 0.5 + 0.4 * torch.sin(12 * torch.log1p(x) + phase) * torch.cos(y / 3 + phase)
    return (waves + 0.05 * torch.randn(waves.shape, generator=generator)).clamp(0, 1)


def compare(found: Array, wanted: Tensor) -> Difference:
    """Two pictures with values in [0, 1]."""
    return Difference(float(np.abs(found - _fitting(found, wanted)).max()))


def compare_rounded(rounded: tuple[Array, Tensor], raw: tuple[Array, Tensor], level: float) -> Difference:
    """What the file gives and what torch does: values rounded to multiples of `level`, and the same before."""
    found, wanted = rounded[0], _fitting(*rounded)
    off = np.abs(np.rint(found / level) - np.rint(wanted / level))
    value = np.abs(raw[0] - _fitting(*raw)).max() / (255 * level)
    return Difference(float(value), int(off.max()), float((off > 0).mean()))


def worst(differences: Iterable[Difference]) -> Difference:
    """The largest of each figure."""
    found = list(differences)
    return Difference(
        max(each.value for each in found), max(each.levels for each in found), max(each.share for each in found)
    )


def require_close(difference: Difference, name: str, levels: int = 1) -> None:
    """Raise UnshrinkError where the export named `name` is not what torch computes; `levels` may differ."""
    if not (difference.value <= TOLERANCE and difference.levels <= levels):
        raise UnshrinkError(
            f"{name} is not what torch computes ({difference}; allowed are {TOLERANCE:g} and {levels}), so it was not "
            "written; try another version of onnxruntime."
        )


def _fitting(found: Array, wanted: Tensor) -> Array:
    if found.shape != tuple(wanted.shape):
        raise UnshrinkError(f"ONNX Runtime gives {found.shape} where torch gives {tuple(wanted.shape)}.")
    return np.asarray(wanted.numpy())
