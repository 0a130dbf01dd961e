"""Run a sub-network in tiles with a halo: bounded memory, the result of the whole image.

A sub-network's wide features are what fills memory (tens of channels at a coupling's resolution), while its reach is a
few pixels. So its result is computed tile by tile, each with `reach` more pixels on its four sides, which are then
dropped; where the halo would leave the picture the tile simply ends, and the convolutions read the same zeros as they
do for the whole. Tiles of a wide picture are square rather than rows of it, which keeps the halo a small share.
"""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import torch
from torch import Tensor, nn

# Pixels of one tile, without its halo. Fewer stay in the caches but spend more on the halo; lab/speed/paper_size.py
# measures it.
TILE_PIXELS = 1 << 16

LEAST_SIDE = 16

# Convolutions of few channels are fastest with the channels of a pixel side by side.
LAYOUT = torch.channels_last


def apply(net: nn.Module, x: Tensor) -> Tensor:
    """net(x) for x (B, C, H, W), in the dtype of x; in tiles where no gradient is asked for and the image is large.

    `net` maps (B, C, H, W) to (B, D, H, W) and states its `reach` in pixels. A net may compute in
    bfloat16 inside; what is returned is in x's dtype all the same.
    """
    height, width = x.shape[-2:]
    if torch.is_grad_enabled() or height * width <= _pixels():
        return _run(net, x).to(x.dtype)
    return _apply_in_tiles(net, x)


def _apply_in_tiles(net: nn.Module, x: Tensor) -> Tensor:
    result: Tensor | None = None
    for at, tile in each(net, x):
        if result is None:
            result = x.new_empty(*tile.shape[:-2], *x.shape[-2:])
        result[..., *at] = tile
    return x if result is None else result


def each(net: nn.Module, x: Tensor) -> Iterator[tuple[tuple[slice, slice], Tensor]]:
    """The tiles of net(x), each with the rows and columns it belongs to; for results that are used up at once."""
    height, width = x.shape[-2:]
    for rows in _parts(height, across=width):
        for columns in _parts(width, across=rows.stop - rows.start):
            yield (rows, columns), _tile(net, x, rows, columns).to(x.dtype)


def _parts(length: int, *, across: int) -> Iterator[slice]:
    """`length` in even parts: squares of TILE_PIXELS, or longer where a part is less than a square's side `across`."""
    longest = max(LEAST_SIDE, math.isqrt(_pixels()), _pixels() // max(across, 1))
    count = math.ceil(length / longest)
    for i in range(count):
        yield slice(i * length // count, (i + 1) * length // count)


def _tile(net: nn.Module, x: Tensor, rows: slice, columns: slice) -> Tensor:
    reach = int(net.reach)  # type: ignore[arg-type]
    top, left = max(rows.start - reach, 0), max(columns.start - reach, 0)
    y = _run(net, x[..., top : rows.stop + reach, left : columns.stop + reach])
    return y[..., rows.start - top : rows.stop - top, columns.start - left : columns.stop - left]


def _run(net: nn.Module, x: Tensor) -> Tensor:
    return net(x.contiguous(memory_format=LAYOUT))  # type: ignore[no-any-return]


_asked: ContextVar[int | None] = ContextVar("pixels of a tile", default=None)


@contextmanager
def of_pixels(count: int) -> Iterator[None]:
    """Tiles of `count` pixels while the block runs, in place of what suits a processor's caches: for cards."""
    token = _asked.set(count)
    try:
        yield
    finally:
        _asked.reset(token)


def _pixels() -> int:
    return _asked.get() or TILE_PIXELS
