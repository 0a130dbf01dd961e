"""Whole numbers near zero as bytes, each by one of 64 distributions that both sides know; the coded stream's own.

A number beyond its distribution's bound is coded as the bound, and how far beyond afterwards. Our design.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from unshrink.errors import DamagedLRFileError
from unshrink.files.rans import TOTAL_BITS, Decoder, Numbers, Tables, encode, make_tables

__all__ = ["BOUND", "NumberReader", "NumberWriter", "Spreads", "bounds", "logistic_frequencies"]

BOUND = 127
"""No number is coded directly beyond this, up or down."""
MOST = BOUND + 255
"""Nor at all beyond this."""
STATE_BYTES = 5
_LANE_SYMBOLS, _MOST_LANES = 16384, 2048


class Spreads:
    """Distributions of whole numbers, from a table of frequencies (distributions, 2 * 127 + 1), rows of 2**16.

    Raises DamagedLRFileError for a table that is none.
    """

    def __init__(self, frequencies: NDArray[np.integer]) -> None:
        if frequencies.ndim != 2 or frequencies.shape[1] != 2 * BOUND + 1 or (frequencies < 0).any():
            raise DamagedLRFileError("The weights' table of distributions has a wrong shape.")
        if (frequencies.sum(1) != 1 << TOTAL_BITS).any():
            raise DamagedLRFileError("The weights' table of distributions does not add up.")
        self.tables: Tables = make_tables(frequencies.tolist())
        self.bounds = np.array([_bound(row) for row in frequencies], dtype=np.int64)
        """The largest number that each codes directly."""
        with np.errstate(divide="ignore"):
            self.bits = (TOTAL_BITS - np.log2(np.maximum(frequencies, 2.0**-14))).astype(np.float32)
        """(distributions, 255): bits that each number costs; 30 for those that cannot be coded directly."""


def _bound(row: NDArray[np.integer]) -> int:
    return max(1, int(np.abs(np.flatnonzero(row) - BOUND).max()))


def bounds(spreads: NDArray[np.floating]) -> NDArray[np.int64]:
    """The largest number that a distribution of that spread codes directly."""
    most: NDArray[np.int64] = np.clip(np.ceil(9 * spreads) + 1, 1, BOUND).astype(np.int64)
    return most


def logistic_frequencies(spreads: NDArray[np.floating], counts: NDArray[np.integer] | None = None) -> NDArray[np.int32]:
    """Frequencies (distributions, 255) of logistic distributions, or of what `counts` (the same shape) saw of each.

    Both signs alike. What was seen is worth as much as a prior of 1,000 numbers from the logistic distribution.
    """
    edges = (np.arange(2 * BOUND + 2) - BOUND - 0.5) / spreads[:, None]
    mass = np.diff(1 / (1 + np.exp(-np.clip(edges, -500, 500))), axis=1)
    if counts is not None:
        mass = 1000 * mass + counts + counts[:, ::-1]
    rows = [_whole(row, int(most)) for row, most in zip(mass, bounds(spreads), strict=True)]
    return np.array(rows, dtype=np.int32)


def _whole(mass: NDArray[np.floating], most: int) -> NDArray[np.int64]:
    """Frequencies that add up to 2**16, each at least 1 up to the bound, whose tail is the bound's."""
    kept = mass.copy()
    kept[BOUND + most] += kept[BOUND + most + 1 :].sum()
    kept[BOUND - most] += kept[: BOUND - most].sum()
    inside = np.abs(np.arange(2 * BOUND + 1) - BOUND) <= most
    kept = np.where(inside, kept, 0)
    rows = np.where(inside, 1 + np.floor(kept / kept.sum() * ((1 << TOTAL_BITS) - inside.sum())), 0).astype(np.int64)
    rows[BOUND] += (1 << TOTAL_BITS) - rows.sum()
    return rows


@lru_cache(maxsize=1)
def _beyond() -> Tables:
    """How far beyond a bound: each is less likely than the one before by a sixteenth."""
    weights = [1 << 40]
    for _ in range(255):
        weights.append(max(1, weights[-1] * 15 // 16))
    share, total = (1 << TOTAL_BITS) - 256, sum(weights)
    row = [1 + weight * share // total for weight in weights]
    row[0] += (1 << TOTAL_BITS) - sum(row)
    return make_tables([row])


def lanes_for(count: int) -> int:
    """States that take turns in coding `count` numbers: more are faster and cost 3 bytes each."""
    return max(1, min(_MOST_LANES, count // _LANE_SYMBOLS))


class NumberWriter:
    """Collects about `count` numbers, group by group, and gives their bytes."""

    def __init__(self, spreads: Spreads, count: int) -> None:
        self._spreads, self._count = spreads, count
        self._parts: list[tuple[Numbers, Numbers, Tables]] = []

    def write(self, numbers: NDArray[np.integer], which: NDArray[np.integer]) -> None:
        """Numbers and the distribution of each, of one shape; those of distribution 0 must be zero."""
        coded = which.ravel() > 0
        tables, values = which.ravel()[coded].astype(np.int64), numbers.ravel()[coded].astype(np.int64)
        most = self._spreads.bounds[tables]
        beyond = np.abs(values) >= most
        self._parts.append((np.clip(values, -most, most) + BOUND, tables, self._spreads.tables))
        over = np.minimum(np.abs(values) - most, 255)[beyond]
        self._parts.append((over, np.zeros(len(over), dtype=np.int64), _beyond()))

    def finish(self) -> bytes:
        """Everything written."""
        return encode(self._parts, lanes=lanes_for(self._count), seed=0, state_bytes=STATE_BYTES)


class NumberReader:
    """The inverse of `NumberWriter` with the same count, from bytes that may go on after them."""

    def __init__(self, data: bytes, spreads: Spreads, count: int) -> None:
        self._spreads = spreads
        lanes = lanes_for(count)
        self._decoder = Decoder(
            data[: len(data) - (len(data) - lanes * STATE_BYTES) % 2], lanes=lanes, state_bytes=STATE_BYTES
        )
        self._heads = lanes * STATE_BYTES

    def read(self, which: NDArray[np.integer]) -> NDArray[np.int64]:
        """The numbers for these distributions, in their shape."""
        result = np.zeros(which.size, dtype=np.int64)
        coded = which.ravel() > 0
        tables = which.ravel()[coded].astype(np.int64)
        values = self._decoder.read(tables, self._spreads.tables) - BOUND
        beyond = np.abs(values) == self._spreads.bounds[tables]
        over = self._decoder.read(np.zeros(int(beyond.sum()), dtype=np.int64), _beyond())
        values[beyond] += np.sign(values[beyond]) * over
        result[coded] = values
        return result.reshape(which.shape)

    @property
    def used(self) -> int:
        """Bytes read so far."""
        return self._heads + 2 * self._decoder.position
