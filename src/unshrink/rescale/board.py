"""An LR picture as a board of samples, cut into the parts that a coded stream goes through one by one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from unshrink.errors import DamagedLRFileError
from unshrink.files import residues
from unshrink.files.residues import Layout, Run
from unshrink.models.stream_grid import Place
from unshrink.nn.parts import Part, Size

LEAST_SIDES, LEAST_LR, MOST_SIDE, SIDES = (64, 96), 24, 512, 8
"""HR pixels along the side of a part: the root of the picture's, over the last; at most the third, and at least so
many LR pixels', which are taken to be within the first."""
MOST_ORDERED = 128
"""Parts up to which a picture states their order; more are in reading order."""
FIRST_SHARE = 0.85
"""Roughly what the first part says, whose LR pixels are known less well, over what is expected of it."""
CELLS_SHARE = 0.85
"""Roughly what a part holds in cells over what it holds without."""
UNIT = 16
"""HR pixels along each axis that no part cuts: whole cells, and the blocks that may be kept exactly."""


class Sizes(NamedTuple):
    """Of both pictures."""

    hr: Size
    lr: Size


def cut(sizes: Sizes, grid: Size) -> list[Place]:
    """The parts of a picture in `grid` rows and columns, in reading order."""
    rows, columns = (_spans(*pair) for pair in zip(sizes.hr, sizes.lr, grid, strict=True))
    return [
        Place(sizes.hr, sizes.lr, Part(*hr_rows, *hr_columns), Part(*lr_rows, *lr_columns))
        for hr_rows, lr_rows in rows
        for hr_columns, lr_columns in columns
    ]


def choose_grid(sizes: Sizes) -> Size:
    """Rows and columns of parts that suit a picture: each at least 8 LR pixels wide and high."""
    side = sqrt(sizes.hr[0] * sizes.hr[1])
    scale = side / sqrt(sizes.lr[0] * sizes.lr[1])
    side = min(MOST_SIDE, max(min(max(LEAST_LR * scale, LEAST_SIDES[0]), LEAST_SIDES[1]), side / SIDES))
    rows, columns = (
        max(1, min(round(hr / side), lr // 8, hr // (2 * UNIT), 255)) for hr, lr in zip(sizes.hr, sizes.lr, strict=True)
    )
    return rows, columns


def nearest_edge(edge: int, hr: int, lr: int) -> int:
    """Where an edge between HR pixels of `hr` lies between LR pixels of `lr`, rounded."""
    return (2 * edge * lr + hr) // (2 * hr)


def _spans(hr: int, lr: int, count: int) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    """Where each part begins and ends, in HR and in LR pixels; HR in whole units except at the end."""
    units = -(-hr // UNIT)
    edges = [min(hr, UNIT * (units * i // count)) for i in range(count + 1)]
    small = [nearest_edge(edge, hr, lr) for edge in edges]
    return [((edges[i], edges[i + 1]), (small[i], small[i + 1])) for i in range(count)]


@dataclass(frozen=True, eq=False)
class Board:
    """The samples of an LR picture, and which of them belong to which part."""

    shape: tuple[int, ...]
    layout: Layout
    places: Sequence[Place]
    reserved: int
    """Samples at the start that the preamble has."""

    def runs(self, place: Place, *, cells: bool) -> list[Run]:
        """Where and how the samples of a part carry; with `cells`, as the first part's do."""
        at = self.samples(place)
        runs = residues.runs_of(self.layout.of_samples(self.shape)[at], self.layout.steps, cells=cells)
        return [run._replace(where=at[run.where]) for run in runs]

    def middles(self, levels: NDArray[np.floating] | NDArray[np.uint8], first: Place) -> NDArray[np.uint8]:
        """What networks are told of samples whose final level they must not know: cells of the first part and head."""
        at = self.samples(first)
        told = np.clip(np.rint(levels), 0, 255).astype(np.uint8)
        classes = self.layout.of_samples(self.shape)[at]
        told[at] = residues.centres(levels[at], residues.cell_steps(classes, self.layout.steps))
        head = slice(0, self.reserved)
        told[head] = residues.centres(levels[head], np.full(self.reserved, residues.PREAMBLE_STEP, dtype=np.uint8))
        return told

    def samples(self, place: Place) -> NDArray[np.intp]:
        """Flat indices of the samples of a part, the preamble's left out, in reading order."""
        channels = self.shape[2] if len(self.shape) == 3 else 1
        index = np.arange(int(np.prod(self.shape))).reshape(*self.shape[:2], channels)
        found = index[place.lr.slices].ravel()
        return found[found >= self.reserved]


def choose_order(expected: Sequence[float], rooms: Sequence[int]) -> list[int]:
    """Parts by turn, so that as few pixels as possible find nothing to carry: bytes that each says, and its room.

    Those that say more than they hold come first, the smallest room before others; then the rest, those that say most
    before others. No order of parts after the first leaves less to do with what is said (an exchange argument).
    """
    indices = range(len(rooms))
    givers = sorted((i for i in indices if expected[i] >= rooms[i]), key=lambda i: rooms[i])
    takers = sorted((i for i in indices if expected[i] < rooms[i]), key=lambda i: -expected[i])
    orders = [[first, *(i for i in (*givers, *takers) if i != first)] for first in indices]
    order = min(orders, key=lambda order: _idle(order, expected, rooms))
    # The last part takes up what others had less or more to say than was expected: a large one best
    moved = ([*(i for i in order if i != last), last] for last in sorted(order[1:], key=lambda i: -expected[i]))
    idle = _idle(order, expected, rooms)
    return next((other for other in moved if _idle(other, expected, rooms) <= idle), order)


def _idle(order: Sequence[int], expected: Sequence[float], rooms: Sequence[int]) -> float:
    """Bytes for which there is room but nothing to say, and what the first part's cells hold less than its room."""
    said, idle = FIRST_SHARE * expected[order[0]], (1 - CELLS_SHARE) * rooms[order[0]]
    for i in order[1:]:
        idle += max(0.0, rooms[i] - said)
        said = max(0.0, said - rooms[i]) + expected[i]
    return idle


def order_bytes(count: int) -> int:
    """Bytes that an order of so many parts takes."""
    if count > MOST_ORDERED:
        return 0
    number = 1
    for i in range(2, count + 1):
        number *= i
    return -(-(number - 1).bit_length() // 8)


def pack_order(order: Sequence[int]) -> bytes:
    """An order of parts as the number of its permutation."""
    if len(order) > MOST_ORDERED:
        return b""
    left, number = sorted(order), 0
    for i in order:
        number = number * len(left) + left.index(i)
        left.remove(i)
    return number.to_bytes(order_bytes(len(order)))


def unpack_order(data: bytes, count: int) -> list[int]:
    """The inverse of `pack_order` for so many parts. Raises DamagedLRFileError."""
    if count > MOST_ORDERED:
        return list(range(count))
    number, digits = int.from_bytes(data), []
    for base in range(1, count + 1):
        number, digit = divmod(number, base)
        digits.append(digit)
    if number or len(data) != order_bytes(count):
        raise DamagedLRFileError("What the pixels carry is damaged: its parts have no order; get a good copy.")
    left = list(range(count))
    return [left.pop(digit) for digit in reversed(digits)]
