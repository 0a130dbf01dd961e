"""The evaluation protocol: what is cropped, left out and compared; docs/protocol.md states every choice."""

from __future__ import annotations

import math
from pathlib import Path

import torch
from torch import Tensor

from unshrink.errors import UsageError
from unshrink.files.formats import ENDINGS
from unshrink.files.picture import Picture
from unshrink.metrics.quality import Pixels
from unshrink.nn.resample import resize
from unshrink.rescale.sizes import Scale, both_axes, scaled, whole

PROTOCOL: dict[str, object] = {
    "crop": "HR cropped at the bottom and right to a multiple of the scale (of 12 where it is no whole number)",
    "file": "the small picture is written, closed, read back, and restored from that file alone",
    "border": "scale pixels (the larger, rounded up) are left out on every side of the restored picture, not of the LR",
    "luma": "BT.601 studio range, float64, not rounded; a grey picture is its own luma",
    "ssim": "Gaussian window 11 x 11, sigma 1.5, valid region, float64",
    "lr_reference": "MATLAB bicubic (a = -0.5, antialiased) of the cropped HR, rounded to 8 bits",
    "bytes": "whole files, without the picture's own ICC profile and EXIF; hr_png_bytes by the same PNG encoder",
    "mean": "quality: mean over pictures, null where a picture is identical (infinite); bytes: totals of the set",
}
MULTIPLE = 12
"""Pictures are cropped to multiples of it at scales that are not whole, as the authors of AIDN do."""


def find_pictures(folder: Path) -> list[Path]:
    """The pictures directly in `folder`, by ending, sorted by name; raises `UsageError` where there are none."""
    if not folder.is_dir():
        raise UsageError(f"{folder} is not a folder; name folders of pictures to measure on.")
    found = sorted(path for path in folder.iterdir() if _is_picture(path))
    if not found:
        raise UsageError(f"{folder} holds no pictures ({' '.join(sorted(ENDINGS))}).")
    return found


def crop_to_multiple(picture: Picture, scale: int) -> Picture:
    """The pixels of `picture`, cut at the bottom and right to multiples of `scale`; no alpha and no metadata.

    Raises `UsageError` where nothing would be left inside the border.
    """
    height, width = (side // scale * scale for side in picture.size)
    if min(height, width) <= 2 * scale:
        raise UsageError(f"A picture of {picture.width} x {picture.height} is too small to measure at scale {scale}.")
    return Picture(rgb=picture.rgb[:height, :width].copy(), grey=picture.grey)


def bicubic_lr(hr: Picture, scale: Scale) -> Picture:
    """MATLAB's bicubic LR of `hr` (sides are multiples of a whole `scale`), rounded to 8 bits, grey as `hr`."""
    return Picture(rgb=from_tensor(resize(to_tensor(hr.rgb), lr_size_at(hr.size, scale))), grey=hr.grey)


def multiple_of(scale: Scale) -> int:
    """What both sides of an HR picture are cropped to a multiple of: the scale where it is whole, else 12."""
    return whole(scale) or MULTIPLE


def border_of(scale: Scale) -> int:
    """Pixels that are left out on every side of a restored picture: the larger scale, rounded up."""
    return math.ceil(max(both_axes(scale)))


def lr_size_at(hr: tuple[int, int], scale: Scale) -> tuple[int, int]:
    """Height and width of the LR picture of a cropped HR picture."""
    return scaled(hr, both_axes(scale))


def plain_scale(scale: Scale) -> int | float | list[float]:
    """The scale as a report has it: a whole number, a number, or those along height and width."""
    axes = both_axes(scale)
    return whole(scale) or (axes[0] if axes[0] == axes[1] else list(axes))


def to_tensor(rgb: Pixels) -> Tensor:
    """(H, W, 3) uint8 -> (1, 3, H, W) float64 in 0..1."""
    return torch.from_numpy(rgb.copy()).permute(2, 0, 1).unsqueeze(0).double() / 255


def from_tensor(x: Tensor) -> Pixels:
    """(1, 3, H, W) in 0..1 -> (H, W, 3) uint8: clamped and rounded."""
    pixels: Pixels = (x[0].clamp(0, 1) * 255).round().byte().permute(1, 2, 0).contiguous().numpy()
    return pixels


def _is_picture(path: Path) -> bool:
    return path.suffix.lower() in ENDINGS and not path.name.startswith(".") and path.is_file()
