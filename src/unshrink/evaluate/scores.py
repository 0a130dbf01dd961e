"""The one score of a round trip, on four sides: luma and colour of what was restored, and of the LR picture."""

from __future__ import annotations

import math

import numpy as np

from unshrink.files.lrfile import Header
from unshrink.files.picture import Picture
from unshrink.metrics.colour import ciede2000
from unshrink.metrics.quality import Pixels, psnr_rgb, psnr_y, ssim_y
from unshrink.models import registry
from unshrink.rescale.pixels import shrink_pixels
from unshrink.rescale.sizes import Scales

_SSIM_WINDOW = 11


def score(hr: Picture, restored: Picture, lr: Picture | None, guide: Picture, border: int) -> dict[str, float | None]:
    """PSNR in dB and SSIM of `restored` against `hr`, and of `lr` against `guide`, its bicubic LR picture.

    Of the LR picture also mean and 99th percentile of CIEDE2000, the distance of colours as an eye has it.

    `border` pixels are left out on every side of the restored picture, as papers do, unless nothing would remain; none
    of the LR picture. A grey `hr` is scored on its one channel. None where two pictures are identical (PSNR), are too
    small (SSIM), or are not there (LR).
    """
    original, got = _channels(hr, hr.grey), _channels(restored, hr.grey)
    scores = {
        **decibels(hr, restored, lr, guide, border),
        "ssim_y": _ssim(original, got, _border(hr, border)),
        "lr_ssim_y": None,
        "lr_ciede_mean": None,
        "lr_ciede_p99": None,
    }
    if lr is not None:
        wanted, small = _channels(guide, hr.grey), _channels(lr, hr.grey)
        seen = ciede2000(wanted, small)
        scores |= {
            "lr_ssim_y": _ssim(wanted, small, 0),
            "lr_ciede_mean": float(seen.mean()),
            "lr_ciede_p99": float(np.percentile(seen, 99)),
        }
    return scores


def score_trip(hr: Picture, restored: Picture, lr: Picture, header: Header) -> dict[str, float | None]:
    """`score` of a picture, what was restored of it, and the LR picture between, whose file has that header."""
    return score(hr, restored, lr, _guide(hr, lr, header), border_of(header.scale))


def decibels_of_trip(hr: Picture, restored: Picture, lr: Picture, header: Header) -> dict[str, float | None]:
    """The same, but the PSNR on the four sides alone."""
    return decibels(hr, restored, lr, _guide(hr, lr, header), border_of(header.scale))


def border_of(scales: Scales) -> int:
    """Pixels that papers leave out on every side of a picture restored by that scale along height and width."""
    return math.ceil(max(scales))


def decibels(
    hr: Picture, restored: Picture, lr: Picture | None, guide: Picture, border: int
) -> dict[str, float | None]:
    """The PSNR in dB on the four sides alone; see `score`."""
    border = _border(hr, border)
    original, got = _channels(hr, hr.grey), _channels(restored, hr.grey)
    found = {"psnr_y": _finite(psnr_y(original, got, border)), "psnr_rgb": _finite(psnr_rgb(original, got, border))}
    if lr is None:
        return {**found, "lr_psnr_y": None, "lr_psnr_rgb": None}
    wanted, small = _channels(guide, hr.grey), _channels(lr, hr.grey)
    return {**found, "lr_psnr_y": _finite(psnr_y(wanted, small)), "lr_psnr_rgb": _finite(psnr_rgb(wanted, small))}


def _guide(hr: Picture, lr: Picture, header: Header) -> Picture:
    scale = registry.get(header.model).scale
    return Picture(rgb=shrink_pixels(hr.rgb, scale, lr.size))  # `hr` continued at its edges, as the engine does


def _border(hr: Picture, border: int) -> int:
    return border if min(hr.size) > 2 * border else 0


def _channels(picture: Picture, grey: bool) -> Pixels:
    return picture.rgb[..., 0] if grey else picture.rgb


def _ssim(a: Pixels, b: Pixels, border: int) -> float | None:
    return ssim_y(a, b, border) if min(a.shape[:2]) - 2 * border >= _SSIM_WINDOW else None


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
