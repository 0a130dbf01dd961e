"""MATLAB's bicubic resampling (``imresize``) in torch: the guide of the LR picture, and the baseline.

The kernel is Keys' cubic with a = -0.5, widened when shrinking (antialiasing), its weights normalised, borders mirrored
with the edge pixel repeated, pixel centres at half integers. Nothing is clamped or rounded.

Both axes are filtered one after the other. Whole-number factors, the only ones training meets, use the same few
weights at every pixel, so they are sums of shifted (strided) views with plain Python weights: no table on the device,
no matrix, no convolution whose precision a backend setting or autocast could lower. Any other size gathers its taps
by index.
"""

from __future__ import annotations

import math
from functools import lru_cache

import torch
from torch import Tensor

_A = -0.5  # Keys' parameter, as MATLAB has it (torch's own bicubic uses -0.75)


def bicubic_down(x: Tensor, scale: int) -> Tensor:
    """Shrink ``x`` (..., H, W) by the whole number ``scale`` >= 1 to (..., H/scale, W/scale).

    Values keep their unit and may leave the range of ``x`` (overshoot). Raises ``ValueError`` unless H and W are
    multiples of ``scale``, and ``TypeError`` if ``x`` is not floating point.
    """
    height, width = x.shape[-2:]
    if scale < 1 or height % scale or width % scale:
        raise ValueError(
            f"a {height} x {width} picture cannot be shrunk by {scale}; crop or pad it to a multiple first"
        )
    return resize(x, (height // scale, width // scale))


def bicubic_up(x: Tensor, scale: int) -> Tensor:
    """Enlarge ``x`` (..., h, w) by the whole number ``scale`` >= 1 to (..., h*scale, w*scale)."""
    if scale < 1:
        raise ValueError(f"the scale must be a whole number of at least 1, not {scale}")
    return resize(x, (x.shape[-2] * scale, x.shape[-1] * scale))


def resize(x: Tensor, size: tuple[int, int]) -> Tensor:
    """Resample ``x`` (..., H, W), floating point, to ``size`` = (height, width) in pixels, each at least 1.

    Each axis is treated on its own: antialiased where it shrinks, interpolated where it grows, untouched else.
    """
    if not x.is_floating_point():
        raise TypeError(f"resize needs a floating-point tensor, not {x.dtype}")
    if min(*size, *x.shape[-2:]) < 1:
        raise ValueError(f"cannot resample {tuple(x.shape[-2:])} to {tuple(size)}: every side needs at least one pixel")
    return _resize_axis(_resize_axis(x, size[0], -2), size[1], -1)


def _resize_axis(x: Tensor, n_out: int, axis: int) -> Tensor:
    n_in = x.shape[axis]
    if n_in == n_out:
        return x
    if n_in % n_out == 0:
        return _shrink_whole(x, n_in // n_out, axis)
    if n_out % n_in == 0:
        return _grow_whole(x, n_out // n_in, axis)
    return _gather(x, n_out, axis)


def _shrink_whole(x: Tensor, factor: int, axis: int) -> Tensor:
    n_in = x.shape[axis]
    first, weights = _taps((factor - 1) / 2, 1 / factor)
    stop = n_in - factor + first + len(weights)
    padded = x.index_select(axis, _mirrored(first, stop, n_in, x.device))
    return _weighted_sum(padded, weights, n_in // factor, factor, axis)


def _grow_whole(x: Tensor, factor: int, axis: int) -> Tensor:
    n_in = x.shape[axis]
    phases = [_taps((phase + 0.5) / factor - 0.5, 1.0) for phase in range(factor)]
    start = min(first for first, _ in phases)
    stop = n_in - 1 + max(first + len(weights) for first, weights in phases)
    padded = x.index_select(axis, _mirrored(start, stop, n_in, x.device))
    sums = [
        _weighted_sum(_every(padded, axis, first - start, n_in + len(weights) - 1), weights, n_in, 1, axis)
        for first, weights in phases
    ]
    return torch.stack(sums, dim=axis).flatten(-2) if axis == -1 else torch.stack(sums, dim=-2).flatten(-3, -2)


def _gather(x: Tensor, n_out: int, axis: int) -> Tensor:
    if axis == -1:  # whole rows are copied several times faster than single pixels
        return _gather(x.mT.contiguous(), n_out, -2).mT.contiguous()
    index, weight = _table(x.shape[-2], n_out, x.dtype, x.device)
    total = x.index_select(-2, index[0]) * weight[0]
    for tap in range(1, len(index)):
        total = torch.addcmul(total, x.index_select(-2, index[tap]), weight[tap])
    return total


def _weighted_sum(x: Tensor, weights: tuple[float, ...], count: int, stride: int, axis: int) -> Tensor:
    total = _every(x, axis, 0, count, stride) * weights[0]
    for tap in range(1, len(weights)):
        total = total.add_(_every(x, axis, tap, count, stride), alpha=weights[tap])
    return total


def _every(x: Tensor, axis: int, start: int, count: int, stride: int = 1) -> Tensor:
    """A view of ``count`` rows (axis -2) or columns (axis -1) from ``start``, ``stride`` apart."""
    span = slice(start, start + stride * (count - 1) + 1, stride)
    return x[..., span] if axis == -1 else x[..., span, :]


def _cubic(distance: float) -> float:
    d = abs(distance)
    if d <= 1:
        return (_A + 2) * d**3 - (_A + 3) * d**2 + 1
    return _A * (d**3 - 5 * d**2 + 8 * d - 4) if d < 2 else 0.0


@lru_cache(maxsize=4096)
def _taps(centre: float, scale: float) -> tuple[int, tuple[float, ...]]:
    """First input index and normalised weights of the output pixel at ``centre`` (input pixels); ``scale`` = out/in."""
    shrink = min(scale, 1.0)
    first = math.floor(centre - 2 / shrink) + 1
    last = math.ceil(centre + 2 / shrink) - 1
    raw = [_cubic((centre - index) * shrink) for index in range(first, last + 1)]
    total = math.fsum(raw)
    return first, tuple(weight / total for weight in raw)


@lru_cache(maxsize=256)
def _mirrored(start: int, stop: int, size: int, device: torch.device) -> Tensor:
    """Indices ``start`` .. ``stop``-1 folded into 0 .. ``size``-1, the edge pixel repeated: 1 0 | 0 1 2 | 2 1."""
    # A cache filled under inference_mode would poison a later training step, hence the explicit exit from it.
    with torch.inference_mode(False):
        return _fold(torch.arange(start, stop), size).to(device)


def _fold(index: Tensor, size: int) -> Tensor:
    wrapped = index % (2 * size)
    return torch.minimum(wrapped, 2 * size - 1 - wrapped)


@lru_cache(maxsize=64)
def _table(n_in: int, n_out: int, dtype: torch.dtype, device: torch.device) -> tuple[Tensor, Tensor]:
    """Input indices and weights of every output row; short ones are filled with zeros.

    Shapes (taps, n_out) and (taps, n_out, 1).
    """
    scale = n_out / n_in
    rows = [_taps.__wrapped__((pixel + 0.5) / scale - 0.5, scale) for pixel in range(n_out)]
    count = max(len(weights) for _, weights in rows)
    with torch.inference_mode(False):
        first = torch.tensor([start for start, _ in rows])
        weight = torch.tensor([weights + (0.0,) * (count - len(weights)) for _, weights in rows], dtype=torch.float64)
        index = _fold(first + torch.arange(count)[:, None], n_in)
        return index.to(device), weight.T.contiguous().unsqueeze(-1).to(dtype).to(device)
