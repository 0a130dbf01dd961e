"""The evaluation protocol: crop, round trip through a written file, score; docs/protocol.md states every choice.

A *method* is whatever turns an HR picture into a file and that file into a restored picture. Models and baselines are
measured by the same loop and reported in the same JSON schema.
"""

from __future__ import annotations

import math
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from unshrink import __version__
from unshrink.bench.anyscale import border_of, lr_size_at, multiple_of
from unshrink.bench.published import published_rows
from unshrink.errors import UsageError
from unshrink.files.picture import Picture, read_picture
from unshrink.metrics.quality import Pixels, psnr_rgb, psnr_y, ssim_y
from unshrink.nn.resample import resize
from unshrink.rescale.sizes import Scale

SCHEMA = 1
"""Raised when a field changes its meaning; new fields leave it as it is."""

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
PICTURE_ENDINGS = frozenset({".bmp", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp"})

Progress = Callable[[int, int, str], None]
"""Called before each picture with how many are done, how many there are, and "set/file"."""
Report = dict[str, Any]
"""What becomes the JSON file."""
Row = dict[str, Any]
"""The figures of one picture."""


@dataclass(frozen=True, eq=False)
class Trip:
    """One picture there and back: what was restored, the LR that was read back (None where there is none), bytes."""

    restored: Picture
    lr: Picture | None
    file_bytes: int
    payload_bytes: int = 0
    extra: Mapping[str, Any] | None = None
    """Fields to add to the picture's row, such as a codec's quality setting."""


Method = Callable[[Picture, Path], Trip]
"""Takes the cropped HR picture and the path, without an ending, to write its file at."""


def find_pictures(folder: Path) -> list[Path]:
    """The pictures directly in ``folder``, by ending, sorted by name; raises ``UsageError`` where there are none."""
    if not folder.is_dir():
        raise UsageError(f"{folder} is not a folder; name folders of pictures to measure on.")
    found = sorted(path for path in folder.iterdir() if _is_picture(path))
    if not found:
        raise UsageError(f"{folder} holds no pictures ({' '.join(sorted(PICTURE_ENDINGS))}).")
    return found


def crop_to_multiple(picture: Picture, scale: int) -> Picture:
    """The pixels of ``picture``, cut at the bottom and right to multiples of ``scale``; no alpha and no metadata.

    Raises ``UsageError`` where nothing would be left inside the border.
    """
    height, width = (side // scale * scale for side in picture.size)
    if min(height, width) <= 2 * scale:
        raise UsageError(f"A picture of {picture.width} x {picture.height} is too small to measure at scale {scale}.")
    return Picture(rgb=picture.rgb[:height, :width].copy(), grey=picture.grey)


def bicubic_lr(hr: Picture, scale: Scale) -> Picture:
    """MATLAB's bicubic LR of ``hr`` (sides are multiples of a whole ``scale``), rounded to 8 bits, grey as ``hr``."""
    return Picture(rgb=from_tensor(resize(to_tensor(hr.rgb), lr_size_at(hr.size, scale))), grey=hr.grey)


def measure(method: Method, scale: Scale, folders: Sequence[Path], progress: Progress | None = None) -> Report:
    """Scores of ``method`` on every picture of every folder: ``protocol``, ``sets`` and ``published`` of a report."""
    listed = {folder.resolve().name: find_pictures(folder) for folder in folders}
    if len(listed) < len(folders):
        raise UsageError("Two folders have the same name, by which results are keyed; measure them one at a time.")
    total, done = sum(len(paths) for paths in listed.values()), 0
    sets: dict[str, Report] = {}
    with tempfile.TemporaryDirectory(prefix="unshrink-") as scratch:
        for name, paths in listed.items():
            rows = []
            for path in paths:
                if progress:
                    progress(done, total, f"{name}/{path.name}")
                rows.append(measure_one(method, scale, path, Path(scratch) / str(done)))
                done += 1
            sets[name] = summarise(rows)
    return {
        "schema": SCHEMA,
        "writer": f"unshrink {__version__}",
        "protocol": {**PROTOCOL, "border_pixels": border_of(scale), "crop_multiple": multiple_of(scale)},
        "sets": sets,
        "published": published_rows(scale, listed) if isinstance(scale, int | float) else [],
    }


def measure_one(method: Method, scale: Scale, path: Path, target: Path) -> Row:
    """The figures of the picture at ``path``; its file is written beside ``target``."""
    hr = crop_to_multiple(read_picture(path), multiple_of(scale))
    trip = method(hr, target)
    return {
        "name": path.name,
        "height": hr.height,
        "width": hr.width,
        **score(hr, trip.restored, trip.lr, scale),
        "lr_bytes": trip.file_bytes,
        "payload_bytes": trip.payload_bytes,
        "hr_png_bytes": len(hr.encode("png")),
        **(trip.extra or {}),
    }


def score(hr: Picture, restored: Picture, lr: Picture | None, scale: Scale) -> dict[str, float | None]:
    """Quality of ``restored`` against ``hr`` and of ``lr`` against bicubic; None = infinite, not there, or too small.

    ``hr`` has sides that are multiples of a whole ``scale``; a grey ``hr`` is scored on its one channel.
    """
    reference, got = _scored(hr, hr.grey), _scored(restored, hr.grey)
    border = border_of(scale)
    scores = {
        "psnr_y": _finite(psnr_y(reference, got, border)),
        "ssim_y": _ssim(reference, got, border),
        "psnr_rgb": _finite(psnr_rgb(reference, got, border)),
        "lr_psnr_y": None,
        "lr_ssim_y": None,
    }
    if lr is not None:
        guide, small = _scored(bicubic_lr(hr, scale), hr.grey), _scored(lr, hr.grey)
        scores |= {"lr_psnr_y": _finite(psnr_y(guide, small)), "lr_ssim_y": _ssim(guide, small, 0)}
    return scores


def summarise(rows: Sequence[Row]) -> Report:
    """Figures of a set from those of its pictures: means of quality, totals of bytes, and the rows themselves."""
    quality = ("psnr_y", "ssim_y", "psnr_rgb", "lr_psnr_y", "lr_ssim_y")
    shown = ("white_psnr", "black_psnr")  # only of small pictures with an alpha channel
    sums = {name: sum(row[name] for row in rows) for name in ("lr_bytes", "payload_bytes", "hr_png_bytes")}
    pixels = sum(row["height"] * row["width"] for row in rows)
    return {
        "images": len(rows),
        **{name: _mean([row[name] for row in rows]) for name in quality},
        **{name: _mean([row[name] for row in rows]) for name in shown if all(name in row for row in rows)},
        **sums,
        "lr_bits_per_hr_pixel": 8 * sums["lr_bytes"] / pixels,
        "per_image": list(rows),
    }


def to_tensor(rgb: Pixels) -> Tensor:
    """(H, W, 3) uint8 -> (1, 3, H, W) float64 in 0..1."""
    return torch.from_numpy(rgb.copy()).permute(2, 0, 1).unsqueeze(0).double() / 255


def from_tensor(x: Tensor) -> Pixels:
    """(1, 3, H, W) in 0..1 -> (H, W, 3) uint8: clamped and rounded."""
    pixels: Pixels = (x[0].clamp(0, 1) * 255).round().byte().permute(1, 2, 0).contiguous().numpy()
    return pixels


def _is_picture(path: Path) -> bool:
    return path.suffix.lower() in PICTURE_ENDINGS and not path.name.startswith(".") and path.is_file()


def _scored(picture: Picture, grey: bool) -> Pixels:
    return picture.rgb[..., 0] if grey else picture.rgb


def _ssim(a: Pixels, b: Pixels, border: int) -> float | None:
    return ssim_y(a, b, border) if min(a.shape[:2]) - 2 * border >= 11 else None


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known and len(known) == len(values) else None
