"""What models are compared with: bicubic both ways, and image codecs given the same number of bytes."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import features

from unshrink.errors import UnknownNameError, UsageError
from unshrink.evaluate.measure import Method, Progress, Report, Trip, measure
from unshrink.evaluate.protocol import bicubic_lr, crop_to_multiple, find_pictures, from_tensor, plain_scale, to_tensor
from unshrink.files.picture import Picture, read_picture
from unshrink.metrics.quality import luma
from unshrink.nn.resample import bicubic_down, bicubic_up, resize
from unshrink.rescale.sizes import Scale

CODECS: Mapping[str, Mapping[str, Any]] = {
    "jpeg": {"optimize": True},
    "webp": {"method": 6},
    "avif": {"speed": 6},
}
"""Codecs to compare with at equal bytes, and what Pillow's encoder is told beside the quality."""


def evaluate_bicubic(scale: Scale, folders: Sequence[Path], progress: Progress | None = None) -> Report:
    """MATLAB bicubic down, rounded and written as PNG, read back and enlarged the same way; schema of `evaluate`.

    Its LR is the reference, so the LR's PSNR is infinite, null in the report.
    """
    return _baseline("bicubic", scale, measure(_bicubic_method(scale), scale, folders, progress))


def bicubic_both_ways(hr: Picture, scale: Scale) -> Picture:
    """`hr`, whose sides are multiples of a whole `scale`, shrunk, rounded to 8 bits, enlarged and rounded again."""
    return _enlarged(bicubic_lr(hr, scale), hr.size)


def evaluate_codec(codec: str, rival: Report, folders: Sequence[Path], progress: Progress | None = None) -> Report:
    """Code the HR pictures with `codec` (a key of `CODECS`) in no more bytes than `rival`'s LR files have.

    `rival` is a report over the same folders, for instance from `evaluate`. Every picture gets the highest quality
    setting, 1 to 100, whose bytes do not exceed those of its LR file; where even the lowest does, that one is taken and
    the row says `over_budget`. Codecs have no LR, so those fields are null. Raises UnknownNameError, and UsageError
    where this Pillow lacks the codec or the report lacks a picture.
    """
    _require_codec(codec)
    scale: int = rival["scale"]
    budgets = iter([_budget(rival, folder, path) for folder in folders for path in find_pictures(folder)])

    def method(hr: Picture, target: Path) -> Trip:
        return _coded(codec, hr, target, next(budgets))

    report = _baseline(codec, scale, measure(method, scale, folders, progress))
    return {**report, "equal_bytes_to": rival["model"]}


def codecs() -> list[str]:
    """The codecs of `CODECS` that this Pillow was built with."""
    return [name for name in CODECS if features.check("jpg" if name == "jpeg" else name)]


def classic_bicubic_psnr(scale: int, folder: Path) -> float:
    """Y-PSNR in dB of bicubic both ways as the super-resolution literature computed it: 33.66 for Set5 x2.

    It differs from the protocol in two places: only the luma, rounded to 8 bits, is resampled, and the LR is not
    rounded.
    """
    return float(np.mean([_classic_psnr(scale, path) for path in find_pictures(folder)]))


def _baseline(name: str, scale: Scale, measured: Report) -> Report:
    head = {
        "kind": "baseline",
        "model": name,
        "method": name,
        "scale": plain_scale(scale),
        "weights": None,
        "parameters": 0,
    }
    return {**head, "payload": "none", **measured}


def _bicubic_method(scale: Scale) -> Method:
    def method(hr: Picture, target: Path) -> Trip:
        path = target.with_suffix(".png")
        bicubic_lr(hr, scale).save(path)
        lr = read_picture(path)
        return Trip(_enlarged(lr, hr.size), lr, path.stat().st_size)

    return method


def _enlarged(lr: Picture, size: tuple[int, int]) -> Picture:
    return replace(lr, rgb=from_tensor(resize(to_tensor(lr.rgb), size)))


def _classic_psnr(scale: int, path: Path) -> float:
    hr = crop_to_multiple(read_picture(path), scale)
    y = np.round(luma(hr.rgb[..., 0] if hr.grey else hr.rgb))
    x = torch.from_numpy(y)[None, None]
    back = bicubic_up(bicubic_down(x, scale), scale).round().clamp(0, 255)
    error = (back - x)[..., scale:-scale, scale:-scale].square().mean()
    return float(10 * torch.log10(255**2 / error))


def _coded(codec: str, hr: Picture, target: Path, budget: int) -> Trip:
    quality, data = _best_within(lambda setting: _encode(codec, hr, setting), budget)
    path = target.with_suffix(f".{codec}")
    path.write_bytes(data)
    extra = {"quality": quality, "budget_bytes": budget, "over_budget": len(data) > budget}
    return Trip(read_picture(path), None, len(data), extra=extra)


def _best_within(encode: Callable[[int], bytes], budget: int) -> tuple[int, bytes]:
    """Highest quality of 1..100 whose bytes fit, by bisection: bytes grow with quality but for tiny dips."""
    low, best = 1, encode(1)
    high = 101
    while high - low > 1:
        middle = (low + high) // 2
        data = encode(middle)
        if len(data) <= budget:
            low, best = middle, data
        else:
            high = middle
    return low, best


def _encode(codec: str, hr: Picture, quality: int) -> bytes:
    out = io.BytesIO()
    hr.to_pil().save(out, codec, quality=quality, **CODECS[codec])
    return out.getvalue()


def _require_codec(codec: str) -> None:
    if codec not in CODECS:
        raise UnknownNameError("codec", codec, CODECS)
    if codec not in codecs():
        raise UsageError(f"This Pillow was built without {codec}; install a newer wheel or compare with {codecs()}.")


def _budget(rival: Report, folder: Path, path: Path) -> int:
    rows = rival["sets"].get(folder.resolve().name, {}).get("per_image", [])
    for row in rows:
        if row["name"] == path.name:
            return int(row["lr_bytes"])
    raise UsageError(f"The report on {rival['model']} has no figures of {path}; measure it on the same folders first.")
