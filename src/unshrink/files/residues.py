"""Bytes in the residues of 8-bit samples: the carrier "pixels", which needs nothing beside the pixels themselves.

A sample with step q says a digit of 0 to q - 1 by which of every q levels it stands on; of those with the right residue
the nearest to the picture is taken, so that it moves by q / 2 at most (quantisation index modulation: Chen & Wornell,
IEEE Trans. Information Theory 2001). Steps differ from place to place: small where the picture is flat, larger where
its texture hides more. A preamble, in the first samples at a fixed step, says how; see docs/file-format.md. Our design.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from unshrink.errors import DamagedLRFileError, LimitError
from unshrink.files import trellis

Samples = NDArray[np.uint8]
"""(h, w) of a grey picture or (h, w, 3)."""

BLOCK = 8
"""LR pixels along each side of a block, which has one step."""
PREAMBLE_STEP = 5
STEPS_MOST = 15
MIXED = 16
"""A class of steps may take the next larger step for so many samples of sixteen."""
TEXTURED = 2
"""The class of blocks with texture."""


class Steps(NamedTuple):
    """How far apart levels that mean the same are, for each class of blocks."""

    pinned: int = 3
    """Blocks at black or white, where samples can move one way only."""
    flat: int = 4
    """Blocks without texture: samples move by 2 levels at most."""
    textured: int = 8
    """Even, since samples are written there in sequences; see `trellis`."""
    share: int = 0
    """Of 16 samples in textured blocks, how many have the next larger even step."""


@dataclass(frozen=True, eq=False)
class Layout:
    """Which step every sample of a picture has."""

    steps: Steps
    classes: NDArray[np.uint8]
    """(rows of blocks, columns): 0 pinned, 1 flat, 2 textured."""

    def of_pixels(self, size: Sequence[int]) -> NDArray[np.uint8]:
        """The step of every pixel of a picture of `size` (h, w, ...), as (h, w), before any share of larger ones."""
        table = np.array(self.steps[:3], dtype=np.uint8)
        return self._spread(table[self.classes], size)

    def of_samples(self, shape: Sequence[int]) -> NDArray[np.uint8]:
        """The class of every sample of a picture of that shape, flat."""
        return self._spread(self.classes, shape).ravel().repeat(shape[2] if len(shape) == 3 else 1)

    def _spread(self, blocks: NDArray[np.uint8], size: Sequence[int]) -> NDArray[np.uint8]:
        return blocks.repeat(BLOCK, axis=0).repeat(BLOCK, axis=1)[: size[0], : size[1]]


class Run(NamedTuple):
    """Samples that are filled together."""

    where: NDArray[np.intp]
    step: int
    trellis: bool

    @property
    def room(self) -> int:
        """How many bytes they hold."""
        return _room_of(len(self.where), self.step)


def runs_of(classes: NDArray[np.uint8], steps: Steps, *, cells: bool = False) -> list[Run]:
    """Samples of these classes by step, in the order in which they are filled: textured ones first.

    With `cells`, those of samples that keep to cells.
    """
    if cells:
        return [Run(np.flatnonzero(classes == kind), cell_step(steps[kind]), False) for kind in (TEXTURED, 1, 0)]
    textured = np.flatnonzero(classes == TEXTURED)
    larger = np.arange(len(textured)) % MIXED < steps.share
    runs = [
        Run(textured[larger], steps.textured + 2, True),
        Run(textured[~larger], steps.textured, True),
        Run(np.flatnonzero(classes == 1), steps.flat, False),
        Run(np.flatnonzero(classes == 0), steps.pinned, False),
    ]
    return [run for run in runs if len(run.where)]


def cell_step(step: int) -> int:
    """The step of a sample that keeps to its cell, for about as large an error as one of `step` that need not."""
    return max(1, (5 * step + 3) // 7)


def cell_steps(classes: NDArray[np.uint8], steps: Steps) -> NDArray[np.uint8]:
    """`cell_step` of samples of these classes."""
    table = np.array([cell_step(step) for step in steps[:3]], dtype=np.uint8)
    steps_of: NDArray[np.uint8] = table[classes]
    return steps_of


def room_of(runs: Sequence[Run]) -> int:
    """How many bytes they hold together."""
    return sum(run.room for run in runs)


def fill(wanted: NDArray[np.float32], runs: Sequence[Run], data: bytes, *, cells: bool = False) -> Samples:
    """Levels near to `wanted` (flat, levels, not rounded) that say `data`; what it does not fill is rounded.

    With `cells` every level stays among the step's whole number of levels that the wanted one is in, so that
    `centres` tells the same of both, whatever `data` is. Raises LimitError where `data` does not fit.
    """
    if len(data) > room_of(runs):
        raise LimitError(f"{len(data)} bytes do not fit into the pixels of this picture.")
    result = np.clip(np.rint(wanted), 0, 255)
    at = 0
    for run in runs:
        piece = data[at : at + run.room]
        digits = _digits(piece, run.step)[: len(run.where)]
        where = run.where[: len(digits)]
        if cells:
            result[run.where] = _within(wanted[run.where], run.step)
            result[where] = _in_cells(wanted[where], run.step, digits)
        elif run.trellis:
            result[where] = trellis.place(wanted[where], digits, run.step // 2)
        else:
            result[where] = _nearest(wanted[where], run.step, digits.astype(np.float32))
        at += len(piece)
    return result.astype(np.uint8)


def drain(levels: Samples, runs: Sequence[Run], length: int) -> bytes:
    """The inverse of `fill`: the first `length` bytes that levels say. Raises DamagedLRFileError."""
    pieces = []
    for run in runs:
        take = min(length, run.room)
        count = samples_of(take, run.step)
        said = levels[run.where[:count]]
        digits = trellis.read(said, run.step // 2) if run.trellis else said % run.step
        pieces.append(_bytes(digits, run.step, take))
        length -= take
    if length:
        raise damaged("it says that it is longer than the picture")
    return b"".join(pieces)


def centres(levels: NDArray[np.integer] | NDArray[np.float32], steps: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The middle level of the cell that each level is in: all that is known of it whatever it says."""
    step = steps.astype(np.int64)
    cell = np.minimum(np.clip(np.rint(levels), 0, 255).astype(np.int64) // step, 256 // step - 1)
    middles: Samples = (cell * step + step // 2).astype(np.uint8)
    return middles


def _first_of_cell(wanted: NDArray[np.float32], step: int) -> NDArray[np.int64]:
    return centres(wanted, np.full(len(wanted), step, dtype=np.uint8)).astype(np.int64) - step // 2


def _within(wanted: NDArray[np.float32], step: int) -> NDArray[np.float32]:
    """The wanted levels rounded, in the cells that `centres` tells of."""
    first = _first_of_cell(wanted, step)
    return np.clip(np.rint(wanted), first, first + step - 1).astype(np.float32)


def _in_cells(wanted: NDArray[np.float32], step: int, digits: NDArray[np.uint8]) -> NDArray[np.int64]:
    """The levels that say `digits`, in the cells that `centres` tells of."""
    first = _first_of_cell(wanted, step)
    return first + (digits - first) % step


def _nearest(wanted: NDArray[np.float32], step: int, digits: NDArray[np.float32]) -> NDArray[np.float32]:
    """The levels from 0 to 255 nearest to `wanted` that say `digits`."""
    level = np.rint((wanted - digits) / step) * step + digits
    return np.clip(level, digits, digits + np.floor((255 - digits) / step) * step)


def preamble_runs(count: int) -> list[Run]:
    """The first `count` samples, as a preamble fills them: in cells."""
    return [Run(np.arange(count), PREAMBLE_STEP, False)]


def block_grid(shape: Sequence[int]) -> tuple[int, int]:
    """Rows and columns of blocks of a picture of that shape."""
    return -(-shape[0] // BLOCK), -(-shape[1] // BLOCK)


class Packing(NamedTuple):
    """So many digits hold so many whole bytes' worth of bits, in one number of 64 bits."""

    digits: int
    bits: int


@lru_cache(maxsize=32)
def packing(step: int) -> Packing:
    """The densest packing of digits below `step` into at most 62 bits; the shortest of those."""
    choices = [Packing(count, (step**count).bit_length() - 1) for count in range(1, 40) if step**count < 1 << 62]
    return max(choices, key=lambda choice: (choice.bits / choice.digits, -choice.digits))


def _room_of(samples: int, step: int) -> int:
    """Bytes that so many samples of one step hold."""
    if step < 2:
        return 0
    dense = packing(step)
    return samples // dense.digits * dense.bits // 8


def samples_of(length: int, step: int) -> int:
    """Samples of one step that so many bytes take."""
    if length == 0:
        return 0
    dense = packing(step)
    return -(-8 * length // dense.bits) * dense.digits


def _digits(data: bytes, step: int) -> NDArray[np.uint8]:
    """Bytes -> digits below `step`; the last packing is filled up with zeros."""
    count = samples_of(len(data), step)
    if count == 0:
        return np.empty(0, dtype=np.uint8)
    dense = packing(step)
    words = count // dense.digits
    bits = np.unpackbits(np.frombuffer(data, dtype=np.uint8))
    rest = np.zeros(words * dense.bits - len(bits), dtype=np.uint8)
    table = np.concatenate([bits, rest]).reshape(words, dense.bits)
    numbers = np.zeros(words, dtype=np.uint64)
    for column in range(dense.bits):
        numbers = (numbers << np.uint64(1)) | table[:, column]
    made = np.empty((words, dense.digits), dtype=np.uint8)
    for column in range(dense.digits - 1, -1, -1):
        numbers, rest = np.divmod(numbers, np.uint64(step))
        made[:, column] = rest
    return made.ravel()


def _bytes(digits: NDArray[np.uint8], step: int, length: int) -> bytes:
    """The inverse of `_digits`: the first `length` bytes. Digits that nothing made give some bytes too."""
    if length == 0:
        return b""
    dense = packing(step)
    table = digits.reshape(-1, dense.digits).astype(np.uint64)
    numbers = np.zeros(len(table), dtype=np.uint64)
    for column in range(dense.digits):
        numbers = numbers * np.uint64(step) + table[:, column]
    bits = np.empty((len(table), dense.bits), dtype=np.uint8)
    for column in range(dense.bits - 1, -1, -1):
        bits[:, column] = numbers & np.uint64(1)
        numbers >>= np.uint64(1)
    return np.packbits(bits.ravel())[:length].tobytes()


def damaged(what: str) -> DamagedLRFileError:
    """The error for pixels that do not carry what they begin to."""
    return DamagedLRFileError(f"What the pixels carry is damaged: {what}; get a good copy, or use --plain.")
