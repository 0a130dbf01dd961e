"""PSNR and SSIM as the papers on image rescaling compute them; docs/protocol.md states every choice.

Pictures are uint8: RGB, (H, W, 3), or grey, (H, W). A grey picture is its own luma, 0..255, as in the published
figures. `border` pixels are left out at each of the four sides, 0 by default.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
Plane = NDArray[np.float64]

_PEAK = 255.0
_WINDOW = 11
_SIGMA = 1.5
_STRIP_PIXELS = 1 << 20
_C1 = (0.01 * _PEAK) ** 2
_C2 = (0.03 * _PEAK) ** 2


def luma(pixels: Pixels) -> Plane:
    """Y of ITU-R BT.601 in studio range, 16..235, (H, W) float64, not rounded; grey pixels, (H, W), as they are.

    Raises `ValueError` for any other shape or type.
    """
    if pixels.dtype != np.uint8 or pixels.shape[2:] not in ((), (3,)):
        raise ValueError(f"expected uint8 pixels of shape (H, W, 3) or (H, W), not {pixels.dtype} {pixels.shape}")
    if pixels.ndim == 2:
        return pixels.astype(np.float64)
    # One product per channel: a matrix product would round differently from one BLAS to the next.
    red, green, blue = (pixels[..., channel].astype(np.float64) for channel in range(3))
    return np.asarray(16 + (65.481 * red + 128.553 * green + 24.966 * blue) / 255)


def psnr_y(a: Pixels, b: Pixels, border: int = 0) -> float:
    """PSNR of the luma in dB, peak 255; infinite where it is identical. Raises `ValueError` for unequal sizes."""
    _check(a, b, border)
    return _psnr(_cropped(a, border), _cropped(b, border), luma)


def psnr_rgb(a: Pixels, b: Pixels, border: int = 0) -> float:
    """PSNR in dB over all three channels together, peak 255; infinite where identical."""
    _check(a, b, border)
    return _psnr(_cropped(a, border), _cropped(b, border), lambda pixels: pixels.astype(np.float64))


def ssim_y(a: Pixels, b: Pixels, border: int = 0) -> float:
    """Mean SSIM of the luma, -1..1: Gaussian window 11 x 11 of sigma 1.5, only where the whole window fits.

    Raises `ValueError` for unequal sizes and for pictures under 11 pixels a side inside the border.
    """
    _check(a, b, border)
    x, y = _cropped(a, border), _cropped(b, border)
    height, width = x.shape[0] - _WINDOW + 1, x.shape[1] - _WINDOW + 1
    if min(height, width) < 1:
        raise ValueError(f"SSIM needs at least {_WINDOW} pixels a side inside the border, not {x.shape[:2]}")
    total = 0.0
    for rows in _strips(height, width):
        read = slice(rows.start, rows.stop + _WINDOW - 1)
        total += float(np.sum(_ssim_map(luma(x[read]), luma(y[read]))))
    return float(total / (height * width))


def _ssim_map(x: Plane, y: Plane) -> Plane:
    mean_x, mean_y = _blur(x), _blur(y)
    squares, product = mean_x * mean_x + mean_y * mean_y, mean_x * mean_y
    variances = _blur(x * x + y * y) - squares
    covariance = _blur(x * y) - product
    return (2 * product + _C1) * (2 * covariance + _C2) / ((squares + _C1) * (variances + _C2))


def _blur(plane: Plane) -> Plane:
    """Gaussian mean of every window that fits: (H, W) -> (H - 10, W - 10)."""
    offsets = np.arange(_WINDOW) - _WINDOW // 2
    weights = np.exp(-(offsets**2) / (2 * _SIGMA**2))
    weights /= weights.sum()
    height, width = plane.shape[0] - _WINDOW + 1, plane.shape[1] - _WINDOW + 1
    rows = sum((weight * plane[k : k + height] for k, weight in enumerate(weights)), np.zeros(()))
    return np.asarray(sum((weight * rows[:, k : k + width] for k, weight in enumerate(weights)), np.zeros(())))


def _psnr(a: Pixels, b: Pixels, values: Callable[[Pixels], Plane]) -> float:
    total, count = 0.0, 0
    for rows in _strips(a.shape[0], a.shape[1]):
        squares = (values(a[rows]) - values(b[rows])) ** 2
        total, count = total + float(np.sum(squares)), count + squares.size
    mean_square = total / count
    return 10 * math.log10(_PEAK**2 / mean_square) if mean_square else math.inf


def _strips(height: int, width: int) -> Iterator[slice]:
    """Rows that are measured at once, which bounds memory at 100 bytes for each of so many pixels."""
    step = max(1, _STRIP_PIXELS // width)
    for top in range(0, height, step):
        yield slice(top, min(top + step, height))


def _cropped(pixels: Pixels, border: int) -> Pixels:
    height, width = pixels.shape[:2]
    return pixels[border : height - border, border : width - border]


def _check(a: Pixels, b: Pixels, border: int) -> None:
    if a.shape != b.shape:
        raise ValueError(f"the pictures differ in size: {a.shape} and {b.shape}")
    if border < 0 or min(a.shape[:2]) <= 2 * border:
        raise ValueError(f"a border of {border} leaves nothing of a picture of {a.shape[:2]}")
