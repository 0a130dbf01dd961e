"""What networks are shown around a part of a coded stream: the parts that were decoded before it.

A part is worked on in a window that reaches into those of its neighbours that are decoded already: their LR pixels are
final, their numbers and what these decode to are known. On other sides the window ends with the part. Our design.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from unshrink.models.stream import COARSE, FINE, Band, Chooser, Chosen, Decoded
from unshrink.models.stream_grid import CELL, Place
from unshrink.nn.parts import Part, Size
from unshrink.rescale.board import nearest_edge

HALO = 16
"""HR pixels that a window reaches beyond its part."""
_MOST = 127
"""Numbers are kept as 8 bits: no network tells larger ones apart."""


class Window(NamedTuple):
    """A part and what of its surroundings is looked at."""

    place: Place
    """Of part and surroundings together."""
    inner: Part
    """The part's cells, counted from the window's corner."""

    def cut(self, x: Tensor, *, fine: bool) -> Tensor:
        """The part of `x` (..., h, w) on the fine or the coarse grid."""
        return x[..., *(self.inner.times(2) if fine else self.inner).slices]


def widen(place: Place, sides: tuple[int, int, int, int]) -> Window:
    """A window that reaches so many HR pixels, multiples of 4, beyond a part: above, below, to its left and right."""
    above, below, before, behind = sides
    (height, width), at = place.hr_size, place.hr
    hr = Part(
        max(0, at.top - above), min(height, at.bottom + below), max(0, at.left - before), min(width, at.right + behind)
    )
    lr = Part(*_lr_span(hr[:2], height, place.lr_size[0]), *_lr_span(hr[2:], width, place.lr_size[1]))
    wider = place._replace(hr=hr, lr=lr)
    return Window(wider, place.cells.within(wider.cells))


def surrounded(place: Place) -> Window:
    """The window of a part all of whose surroundings are known."""
    return widen(place, (HALO,) * 4)


def _lr_span(span: tuple[int, int], hr: int, lr: int) -> tuple[int, int]:
    start, stop = (nearest_edge(edge, hr, lr) for edge in span)
    return start, stop


class Surroundings:
    """All that is decoded of a picture, for those parts that are not yet."""

    def __init__(self, sizes: tuple[Size, Size]) -> None:
        (height, width), lr = sizes
        rows, columns = -(-height // CELL), -(-width // CELL)
        self._cells = torch.zeros(rows, columns, dtype=torch.bool)
        self._pixels = np.zeros(lr, dtype=bool)
        shapes = {False: (1, COARSE, rows, columns), True: (1, FINE, 2 * rows, 2 * columns)}
        self._numbers = {fine: torch.zeros(shape, dtype=torch.int8) for fine, shape in shapes.items()}
        self._values = {fine: torch.zeros(shape) for fine, shape in shapes.items()}

    def window(self, place: Place) -> Window:
        """The window of a part: it reaches over every side that is decoded all along."""
        known, at = self._cells, place.cells
        rows, columns = at.slices
        sides = (
            at.top > 0 and bool(known[at.top - 1, columns].all()),
            at.bottom < len(known) and bool(known[at.bottom, columns].all()),
            at.left > 0 and bool(known[rows, at.left - 1].all()),
            at.right < known.shape[1] and bool(known[rows, at.right].all()),
        )
        above, below, before, behind = (HALO * side for side in sides)
        return widen(place, (above, below, before, behind))

    def pixels(self, levels: NDArray[np.uint8], place: Place, window: Window) -> NDArray[np.uint8]:
        """The window's LR pixels of `levels` (h, w[, 3]); those that are not final are as the part's nearest."""
        inside, at = window.place.lr, place.lr
        rows, columns = np.arange(inside.top, inside.bottom), np.arange(inside.left, inside.right)
        final = self._pixels[inside.slices]
        clipped = levels[rows.clip(at.top, at.bottom - 1)][:, columns.clip(at.left, at.right - 1)]
        return np.where(final if levels.ndim == 2 else final[..., None], levels[inside.slices], clipped)

    def chooser(self, choose: Chooser, window: Window) -> Chooser:
        """One for the window: `choose` for the part, what is known for its surroundings, or what is likely there.

        What `choose` gives is kept.
        """

        def chosen(band: Band) -> Chosen:
            inner = choose(
                band._replace(
                    means=window.cut(band.means, fine=band.fine), spreads=window.cut(band.spreads, fine=band.fine)
                )
            )
            return self._around(band, inner, window)

        return chosen

    def _around(self, band: Band, inner: Chosen, window: Window) -> Chosen:
        cells = window.place.cells
        at = (cells.times(2) if band.fine else cells).slices
        known = self._cells[cells.slices]
        if band.fine:
            known = known.repeat_interleave(2, 0).repeat_interleave(2, 1)
        channels = list(band.channels)
        kept, values = (
            store[band.fine][:, channels][..., *at].to(band.means) for store in (self._numbers, self._values)
        )
        numbers, values = torch.where(known, kept, 0.0), torch.where(known, values, band.means)
        window.cut(numbers, fine=band.fine).copy_(inner.numbers)
        window.cut(values, fine=band.fine).copy_(inner.values)
        self._keep(band, inner, window)
        return Chosen(numbers, values)

    def _keep(self, band: Band, inner: Chosen, window: Window) -> None:
        (top, _, left, _), at = window.place.cells, window.inner
        cells = Part(top + at.top, top + at.bottom, left + at.left, left + at.right)
        slices = (cells.times(2) if band.fine else cells).slices
        for turn, channel in enumerate(band.channels):
            self._numbers[band.fine][0, channel][slices] = inner.numbers[0, turn].clamp(-_MOST, _MOST).to(torch.int8)
            self._values[band.fine][0, channel][slices] = inner.values[0, turn]

    def add(self, place: Place) -> None:
        """From now on that part is known."""
        self._cells[place.cells.slices] = True
        self._pixels[place.lr.slices] = True


def crop(decoded: Decoded, window: Window) -> Decoded:
    """What was decoded of the part alone."""
    return Decoded(*(window.cut(x, fine=True) for x in decoded))
