"""Figures for a round trip of a picture of any size; the protocol of papers, which needs whole multiples, is `eval`."""

from __future__ import annotations

import math

from unshrink.files.picture import Picture
from unshrink.metrics.quality import Pixels, psnr_rgb, psnr_y, ssim_y
from unshrink.rescale.tensors import shrink_pixels

_SSIM_WINDOW = 11


def score(hr: Picture, restored: Picture, lr: Picture, scale: int | None, border: int = 0) -> dict[str, float | None]:
    """PSNR in dB and SSIM of `restored` against `hr`, and of `lr` against the bicubic LR of `hr`.

    `scale` pixels are left out on every side of the restored picture, as papers do, unless too little would remain.
    `scale` is None for models of any scale; then `border` pixels are left out.
    None where two pictures are identical (PSNR) or too small (SSIM).
    """
    border = scale or border
    border = border if min(hr.size) > 2 * border else 0
    original, got = _channels(hr, hr.grey), _channels(restored, hr.grey)
    guide, small = _channels(bicubic_lr(hr, scale, lr.size), hr.grey), _channels(lr, hr.grey)
    return {
        "psnr_y": _finite(psnr_y(original, got, border)),
        "psnr_rgb": _finite(psnr_rgb(original, got, border)),
        "ssim_y": _ssim(original, got, border),
        "lr_psnr_y": _finite(psnr_y(guide, small)),
        "lr_ssim_y": _ssim(guide, small, 0),
    }


def bicubic_lr(hr: Picture, scale: int | None, size: tuple[int, int]) -> Picture:
    """The bicubic LR picture, of `size` (h, w), with `hr` continued at its edges as the engine does."""
    return Picture(rgb=shrink_pixels(hr.rgb, scale, size))


def _channels(picture: Picture, grey: bool) -> Pixels:
    return picture.rgb[..., 0] if grey else picture.rgb


def _ssim(a: Pixels, b: Pixels, border: int) -> float | None:
    return ssim_y(a, b, border) if min(a.shape[:2]) - 2 * border >= _SSIM_WINDOW else None


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
