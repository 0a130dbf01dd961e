"""MATLAB's bicubic resampling (``imresize``) in torch: the guide of the LR picture, and the baseline.

The kernel is Keys' cubic with a = -0.5, widened when shrinking (antialiasing), its weights normalised, borders mirrored
with the edge pixel repeated, pixel centres at half integers. Nothing is clamped or rounded.

Both axes are filtered one after the other. Whole-number factors use the same few weights at every pixel, so they are
sums of shifted (strided) views with plain Python weights: no table on the device, no matrix, no convolution whose
precision a backend setting or autocast could lower. Any other size takes a block of outputs at a time, which read few
inputs, as the product with a small matrix: twenty times as fast as a sum of as many gathered pictures as there are
taps. The precision of such a product is autocast's to lower, so it is off here, and a card's (`rescale.device`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import lru_cache

import torch
from torch import Tensor

from unshrink.nn.parts import Part, Reader, Size

_A = -0.5  # Keys' parameter, as MATLAB has it (torch's own bicubic uses -0.75)
_MOST_DENSE = 1 << 17  # entries; training patches go through small matrices, whose gradient is far cheaper
_BLOCK = 32  # outputs; more read more inputs, most of them with a weight of zero
UNDO_REACH = 12
"""Pixels of what is undone that ``undo_resize`` reads on either side of a pixel."""
_UNDO_RIDGE = 1e-3  # bounds what an error can grow to, to 1 / (2 * sqrt(ridge)) = 16 times

Table = Callable[[int, int, torch.dtype, torch.device], tuple[Tensor, Tensor]]
"""Of n_in, n_out, dtype and device: input indices and weights, both (taps, n_out)."""


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


def undo_resize(x: Tensor, size: tuple[int, int]) -> Tensor:
    """What ``resize`` made ``x`` (..., h, w) of, of ``size`` = (H, W): exact up to rounding where h >= H and w >= W.

    Along each axis ``resize`` is a matrix A; this is its regularised left inverse, cut to the taps that
    matter. Values where A loses what it was given (it shrinks, or grows by a few percent only) are the nearest there
    are. Our design.
    """
    return _undo_axis(_undo_axis(x, size[0], -2), size[1], -1)


def resize_part(read: Reader, full: Size, size: Size, part: Part) -> Tensor:
    """``part`` of what ``resize`` makes of a picture of size ``full``, resampled to ``size``; see ``Reader``.

    Only the pixels that ``part`` depends on are read. Equal to the whole's up to rounding.
    """
    return _weigh_part(read, _table, full, size, part)


def undo_resize_part(read: Reader, full: Size, size: Size, part: Part) -> Tensor:
    """The same for ``undo_resize`` of a picture of size ``full`` to ``size``."""
    return _weigh_part(read, _undo_table, full, size, part)


def undo_reads(full: Size, size: Size, part: Part) -> Part:
    """What ``undo_resize_part`` reads."""
    return _reads(_undo_table, full, size, part)


def _weigh_part(read: Reader, table: Table, full: Size, size: Size, part: Part) -> Tensor:
    source = _reads(table, full, size, part)
    x = _weigh_some(read(source), table, (full[0], size[0]), (source.top, part.top, part.bottom), -2)
    return _weigh_some(x, table, (full[1], size[1]), (source.left, part.left, part.right), -1)


def _reads(table: Table, full: Size, size: Size, part: Part) -> Part:
    top, bottom = _needed(table, full[0], size[0], (part.top, part.bottom))
    left, right = _needed(table, full[1], size[1], (part.left, part.right))
    return Part(top, bottom, left, right)


def _needed(table: Table, n_in: int, n_out: int, out: tuple[int, int]) -> tuple[int, int]:
    """First and last (exclusive) input row that output rows ``out`` are read from."""
    if n_in == n_out:
        return out
    index = table(n_in, n_out, torch.float32, torch.device("cpu"))[0][:, out[0] : out[1]]
    return int(index.min()), int(index.max()) + 1


def _weigh_some(x: Tensor, table: Table, lengths: tuple[int, int], at: tuple[int, int, int], axis: int) -> Tensor:
    """Outputs ``at[1]`` .. ``at[2]``-1, from inputs that begin at ``at[0]``; ``lengths``: all inputs and outputs."""
    if lengths[0] == lengths[1]:
        return x
    index, weight = table(*lengths, x.dtype, x.device)
    return _sums(x, index[:, at[1] : at[2]] - at[0], weight[:, at[1] : at[2]], axis)


def _undo_axis(x: Tensor, n_out: int, axis: int) -> Tensor:
    if x.shape[axis] == n_out:
        return x
    return _weigh(x, _undo_table, n_out, axis)


def _resize_axis(x: Tensor, n_out: int, axis: int) -> Tensor:
    n_in = x.shape[axis]
    if n_in == n_out:
        return x
    if n_in % n_out == 0:
        return _shrink_whole(x, n_in // n_out, axis)
    if n_out % n_in == 0:
        return _grow_whole(x, n_out // n_in, axis)
    return _weigh(x, _table, n_out, axis)


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


def _weigh(x: Tensor, table: Table, n_out: int, axis: int) -> Tensor:
    """Weighted sums along an axis, by a table of input indices and weights."""
    n_in = x.shape[axis]
    if x.requires_grad and n_in * n_out <= _MOST_DENSE:
        with torch.autocast(x.device.type, enabled=False):
            return _product(_dense(table, n_in, n_out, x.dtype, x.device), x, axis)
    return _sums(x, *table(n_in, n_out, x.dtype, x.device), axis)


def _sums(x: Tensor, index: Tensor, weight: Tensor, axis: int) -> Tensor:
    """Sums of ``x`` at ``index`` times ``weight``, both (taps, n_out), along an axis."""
    with torch.autocast(x.device.type, enabled=False):
        if x.requires_grad and torch.is_grad_enabled():
            return torch.cat([made for _, made in _each_block(x, index, weight, axis)], axis)
        shape = list(x.shape)
        shape[axis] = index.shape[1]
        result = x.new_empty(shape)
        for start, made in _each_block(x, index, weight, axis):
            result.narrow(axis, start, made.shape[axis]).copy_(made)
        return result


def _each_block(x: Tensor, index: Tensor, weight: Tensor, axis: int) -> Iterator[tuple[int, Tensor]]:
    """The first output of each block, and the block's outputs."""
    for start in range(0, index.shape[1], _BLOCK):
        read, by = index[:, start : start + _BLOCK], weight[:, start : start + _BLOCK]
        first = int(read.min())
        inputs = x.narrow(axis, first, int(read.max()) + 1 - first)
        matrix = by.new_zeros(by.shape[1], inputs.shape[axis]).scatter_add_(1, (read - first).T, by.T)
        yield start, _product(matrix, inputs, axis)


def _product(matrix: Tensor, x: Tensor, axis: int) -> Tensor:
    return matrix @ x if axis == -2 else x @ matrix.T


@lru_cache(maxsize=2048)
def _dense(table: Table, n_in: int, n_out: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    """A table as a matrix (n_out, n_in)."""
    index, weight = table(n_in, n_out, torch.float64, device)
    with torch.inference_mode(False):
        matrix = torch.zeros(n_in, n_out, dtype=torch.float64, device=device)
        return matrix.scatter_add_(0, index, weight).T.contiguous().to(dtype)


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


@lru_cache(maxsize=1024)
def _table(n_in: int, n_out: int, dtype: torch.dtype, device: torch.device) -> tuple[Tensor, Tensor]:
    """Input indices and weights of every output row; short ones are filled with zeros.

    Shapes (taps, n_out).
    """
    scale = n_out / n_in
    rows = [_taps.__wrapped__((pixel + 0.5) / scale - 0.5, scale) for pixel in range(n_out)]
    count = max(len(weights) for _, weights in rows)
    with torch.inference_mode(False):
        first = torch.tensor([start for start, _ in rows])
        weight = torch.tensor([weights + (0.0,) * (count - len(weights)) for _, weights in rows], dtype=torch.float64)
        index = _fold(first + torch.arange(count)[:, None], n_in)
        return index.to(device), weight.T.contiguous().to(dtype).to(device)


@lru_cache(maxsize=1024)
def _undo_table(n_in: int, n_out: int, dtype: torch.dtype, device: torch.device) -> tuple[Tensor, Tensor]:
    """Indices and weights that undo ``_table(n_out, n_in)``; shapes as there.

    Output row i is read from the ``taps`` nearest input rows J, with the weights l that minimise
    |A_J' l - e_i|^2 + ridge * |l|^2, scaled to a sum of 1 so that flat areas stay what they are.
    """
    with torch.inference_mode(False):
        taps = min(2 * UNDO_REACH, n_in)
        centre = (torch.arange(n_out, dtype=torch.float64) + 0.5) * (n_in / n_out)
        first = (centre - taps / 2).round().long().clamp(0, n_in - taps)
        index = first + torch.arange(taps)[:, None]
        blocks = zip(torch.split(torch.arange(n_out), 512), torch.split(index.T, 512), strict=True)
        weight = torch.cat([_undo_weights(n_in, n_out, outputs, rows) for outputs, rows in blocks])
        return index.to(device), weight.T.contiguous().to(dtype).to(device)


def _undo_weights(n_in: int, n_out: int, outputs: Tensor, rows: Tensor) -> Tensor:
    """Weights (n, taps) with which the input rows (n, taps) give the output rows (n,), by least squares."""
    index, weight = _table(n_out, n_in, torch.float64, torch.device("cpu"))
    read, weight = index.T[rows], weight.T[rows]  # (n, taps, taps of resize)
    first = read.amin(dim=(1, 2))
    width = int((read.amax(dim=(1, 2)) - first).max()) + 2
    local = torch.zeros(*rows.shape, width, dtype=torch.float64)
    local.scatter_add_(2, read - first[:, None, None], weight)
    target = local.gather(2, (outputs - first).clamp(0, width - 1)[:, None, None].expand(-1, rows.shape[1], 1))
    gram = local @ local.mT + _UNDO_RIDGE * torch.eye(rows.shape[1], dtype=torch.float64)
    solved = torch.linalg.solve(gram, target).squeeze(-1)
    weights: Tensor = solved / solved.sum(1, keepdim=True)
    return weights
