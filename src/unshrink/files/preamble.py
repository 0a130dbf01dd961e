"""What the first samples of a picture say of the data that its pixels carry; see `files.residues`.

In cells of their own step, they hold the steps of all other samples, block by block, and the data's kind, length and
checksum. docs/file-format.md states the bytes.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from unshrink.files.residues import (
    MIXED,
    PREAMBLE_STEP,
    STEPS_MOST,
    Layout,
    Samples,
    Steps,
    block_grid,
    damaged,
    drain,
    preamble_runs,
    runs_of,
    samples_of,
)

MAGIC = b"\xb5S"
"""How a preamble begins."""
_HEAD = struct.Struct(">2sBBBBBBBHBI")
"""Magic, version, kind, three steps, share, bytes of what it is about, of the map (24 bits), of the data."""
_CHECK, _OWN_CHECK = 4, 2
"""Bytes of the checksum of everything, and of that of the preamble alone."""
_VERSION = 1
_HEAD_START = MAGIC + bytes([_VERSION])
_CLASSES = 3
_TOTAL = 256


@dataclass(frozen=True, eq=False)
class Preamble:
    """What the first samples say, in cells of their own."""

    layout: Layout
    kind: int
    """What the data are: see `rescale.payloads`."""
    about: bytes
    """Some bytes of the kind's own, at most 255."""
    length: int
    """Bytes of data."""
    check: int
    """CRC-32 of the preamble before it, and the data."""

    def encode(self) -> bytes:
        """The preamble's bytes."""
        body = self.head() + self.check.to_bytes(_CHECK)
        return body + _own_check(body)

    def head(self) -> bytes:
        """Everything before the checksum."""
        coded = _pack_map(self.layout.classes)
        fixed = _HEAD.pack(
            MAGIC, _VERSION, self.kind, *self.layout.steps, len(self.about), *divmod(len(coded), 256), self.length
        )
        return fixed + self.about + coded

    @property
    def samples(self) -> int:
        """How many samples it takes."""
        return samples_of(len(self.head()) + _CHECK + _OWN_CHECK, PREAMBLE_STEP)

    def sealed(self, data: bytes) -> Preamble:
        """With the length and checksum of `data`."""
        known = replace(self, length=len(data))
        return replace(known, check=zlib.crc32(known.head() + data))

    def verify(self, data: bytes) -> None:
        """Raise DamagedLRFileError where `data` are not what was sealed."""
        if zlib.crc32(self.head() + data) != self.check:
            raise damaged("its checksum is wrong")


def emptied(samples: Samples) -> Samples:
    """Samples that say nothing any more: every one in the middle of its step, so that no residue is left."""
    preamble = read_preamble(samples)
    flat = samples.ravel().copy()
    steps = preamble.layout.steps
    runs = [*runs_of(preamble.layout.of_samples(samples.shape), steps), *preamble_runs(preamble.samples)]
    for run in runs:
        middle = flat[run.where].astype(np.int64) // run.step * run.step + run.step // 2
        flat[run.where] = np.minimum(middle, 255)
    return flat.reshape(samples.shape)


def begins(samples: Samples) -> bool:
    """Whether a picture begins as one that carries something."""
    start = _HEAD_START
    count = samples_of(len(start), PREAMBLE_STEP)
    return samples.size >= count and drain(samples.ravel(), preamble_runs(count), len(start)) == start


def read_preamble(samples: Samples) -> Preamble:
    """The preamble of a picture. Raises DamagedLRFileError where it carries none."""
    flat = samples.ravel()

    def some(count: int) -> bytes:
        return drain(flat, preamble_runs(min(flat.size, samples_of(count, PREAMBLE_STEP))), count)

    magic, version, kind, pinned, plain, textured, share, about, high, low, length = _HEAD.unpack(some(_HEAD.size))
    steps = Steps(pinned, plain, textured, share)
    if (magic, version) != (MAGIC, _VERSION):
        raise damaged("its preamble is no preamble")
    if min(steps[:3]) < 1 or max(steps[:3]) > STEPS_MOST or share >= MIXED or textured % 2:
        raise damaged("its steps cannot be")
    end = _HEAD.size + about + 256 * high + low
    data = some(end + _CHECK + _OWN_CHECK)
    data, own = data[:-_OWN_CHECK], data[-_OWN_CHECK:]
    if own != _own_check(data):
        raise damaged("its preamble has changed")
    layout = Layout(steps, _unpack_map(data[_HEAD.size + about : end], block_grid(samples.shape)))
    return Preamble(layout, kind, data[_HEAD.size : _HEAD.size + about], length, int.from_bytes(data[end:]))


def _own_check(body: bytes) -> bytes:
    return (zlib.crc32(body) & 0xFFFF).to_bytes(_OWN_CHECK)


def _pack_map(classes: NDArray[np.uint8]) -> bytes:
    """A map as one long number (asymmetric numeral systems without renormalisation), since it is short."""
    number = 1
    for symbol, around in reversed(list(_with_neighbours(classes))):
        frequencies = _frequencies(*around)
        frequency, start = frequencies[symbol], sum(frequencies[:symbol])
        number = number // frequency * _TOTAL + start + number % frequency
    return number.to_bytes(-(-number.bit_length() // 8))


def _unpack_map(data: bytes, grid: tuple[int, int]) -> NDArray[np.uint8]:
    number = int.from_bytes(data)
    classes = np.zeros(grid, dtype=np.uint8)
    if number < 1:
        raise damaged("its map is no map")
    for row in range(grid[0]):
        for column in range(grid[1]):
            frequencies = _frequencies(*_around(classes, row, column))
            slot = number % _TOTAL
            symbol = next(s for s in range(_CLASSES) if slot < sum(frequencies[: s + 1]))
            number = frequencies[symbol] * (number // _TOTAL) + slot - sum(frequencies[:symbol])
            classes[row, column] = symbol
    if number != 1:
        raise damaged("its map is no map")
    return classes


def _with_neighbours(classes: NDArray[np.uint8]) -> Iterator[tuple[int, tuple[int, int]]]:
    for row in range(classes.shape[0]):
        for column in range(classes.shape[1]):
            yield int(classes[row, column]), _around(classes, row, column)


def _around(classes: NDArray[np.uint8], row: int, column: int) -> tuple[int, int]:
    """The classes to the left and above; textured beyond the picture."""
    left = int(classes[row, column - 1]) if column else _CLASSES - 1
    return left, int(classes[row - 1, column]) if row else left


@lru_cache(maxsize=16)
def _frequencies(left: int, above: int) -> tuple[int, ...]:
    """Of 256, how often each class follows those two."""
    if left == above:
        return tuple(232 if symbol == left else 12 for symbol in range(_CLASSES))
    return tuple(116 if symbol in (left, above) else 24 for symbol in range(_CLASSES))
