"""Which tiles a picture is worked on in: the fewest pixels computed twice, in the memory there is."""

from __future__ import annotations

from collections.abc import Iterable
from math import prod

import numpy as np
from numpy.typing import NDArray

from unshrink.nn.parts import Part, Size

UNIT = 16
"""Tiles begin at whole multiples of this: it holds every factor of a payload, and blocks as `files.blocks` has them."""
MOST_EXTRA = 0.125
"""Of the work: what may be computed twice, in halos, to get by with less memory than there is."""

Counts = NDArray[np.int64]


def cut(size: Size, *, halo: int, unit: int, most: float) -> list[Part]:
    """Tiles of a picture of `size` (H, W), in reading order; empty where no tile is small enough.

    Each begins at multiples of `unit` and is computed with `halo` pixels around it, as far as the picture goes. With
    them it has at most `most` pixels. Of all grids that keep this the one of the smallest tiles is taken that computes
    at most `MOST_EXTRA` twice; where there is none, the one that computes least.
    """
    sides = [_sides(length, unit) for length in size]
    area = np.outer(*(np.minimum(side + 2 * halo, length) for side, length in zip(sides, size, strict=True)))
    cost = np.outer(*(_along(side, length, halo) for side, length in zip(sides, size, strict=True)))
    chosen = _choose(area, cost, most, size[0] * size[1])
    if chosen is None:
        return []
    high, wide = int(sides[0][chosen[0]]), int(sides[1][chosen[1]])
    return [
        Part(top, min(top + high, size[0]), left, min(left + wide, size[1]))
        for top in range(0, size[0], high)
        for left in range(0, size[1], wide)
    ]


def computed(tiles: Iterable[Part], size: Size, halo: int) -> int:
    """Pixels that are computed for tiles of a picture of `size`, halos included."""
    return sum(prod(tile.grown(halo, size).size) for tile in tiles)


def _sides(length: int, unit: int) -> Counts:
    """All sides of tiles, in pixels, that cut `length` about evenly, longest first; the first is `length` or more."""
    units = -(-length // unit)
    return unit * np.unique(-(-units // np.arange(1, units + 1)))[::-1]


def _along(side: Counts, length: int, halo: int) -> Counts:
    """Pixels computed along an axis for tiles of `side`; halos end at the picture's edge."""
    cuts = -(-length // side) - 1
    return np.asarray(length + 2 * halo * cuts, dtype=np.int64)


def _choose(area: Counts, cost: Counts, most: float, pixels: int) -> tuple[int, int] | None:
    fits = area <= most
    if not fits.any():
        return None
    cheap = fits & (cost <= (1 + MOST_EXTRA) * pixels)
    order = np.lexsort((cost.ravel(), area.ravel())) if cheap.any() else np.lexsort((area.ravel(), cost.ravel()))
    allowed = (cheap if cheap.any() else fits).ravel()[order]
    row, column = np.unravel_index(int(order[allowed.argmax()]), area.shape)
    return int(row), int(column)
