"""Section LATN: the condensed latent of a picture as bytes, the same on every machine (see docs/file-format.md).

The latent is C planes of whole numbers. Each plane is cut into blocks of 8x8; a block is coded with that table of a
fixed set which makes it shortest, and the numbers of the tables are coded before the values. Our design.
"""

from __future__ import annotations

import zlib
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from unshrink.errors import DamagedLRFileError, LimitError
from unshrink.files.rans import TOTAL_BITS, Decoder, Tables, encode, make_tables
from unshrink.limits import Limits

__all__ = ["MOST", "STEPS", "fit_latents", "latents_decode", "latents_encode"]

MOST = 127
"""The largest value, up or down."""
STEPS = (1, 2, 3, 4, 6, 8, 11, 16, 23, 32, 45, 64)
"""The steps that values may be rounded to, finest first."""

_BLOCK = 8
_SPREADS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024)
_LANE_SYMBOLS, _MOST_LANES = 2048, 256
_BITS_FRACTION = 16

Shape = tuple[int, int, int]
"""Planes, height, width."""


def latents_encode(values: NDArray[np.floating], step: int = 1) -> bytes:
    """The section's bytes for values (C, h, w), cut to -127..127 and rounded to multiples of `step`, one of STEPS."""
    numbers = np.rint(np.clip(values, -MOST, MOST) / step).astype(np.int64)
    classes = _choose_tables(numbers)
    parts = [
        (_class_steps(classes), np.zeros(classes.size, dtype=np.int64), _class_tables()),
        (numbers.ravel() + MOST, _spread_classes(classes, numbers.shape).ravel(), _value_tables()),
    ]
    lanes = _lanes(numbers.size)
    return bytes([STEPS.index(step)]) + encode(parts, lanes=lanes, seed=_seed(step, numbers.shape))


def latents_decode(data: bytes, shape: Shape, *, limits: Limits) -> NDArray[np.int16]:
    """The values (C, h, w) in a section's bytes: multiples of the step that it names.

    Raises LimitError where `shape` is larger than `limits` let a payload be, DamagedLRFileError for wrong bytes.
    """
    if min(shape) < 1 or int(np.prod(shape, dtype=np.int64)) > limits.max_payload_bytes:
        raise LimitError(f"A latent of {shape} numbers is over the limit of {limits.max_payload_bytes}.")
    if not data or data[0] >= len(STEPS):
        raise DamagedLRFileError("The latent in the LR file has a step that does not exist; get a good copy.")
    step, count = STEPS[data[0]], int(np.prod(shape))
    decoder = Decoder(data[1:], lanes=_lanes(count))
    blocks = _block_shape(shape)
    steps = decoder.read(np.zeros(int(np.prod(blocks)), dtype=np.int64), _class_tables())
    classes = (np.cumsum(steps) % _class_count()).reshape(blocks)
    numbers = decoder.read(_spread_classes(classes, shape).ravel(), _value_tables()) - MOST
    decoder.finish(_seed(step, shape))
    return (numbers * step).reshape(shape).astype(np.int16)


def fit_latents(values: NDArray[np.floating], budget: int) -> bytes | None:
    """`latents_encode` with the finest step whose bytes are at most `budget`; None where even the coarsest is over."""
    low, high = 0, len(STEPS)
    best = None
    while low < high:
        middle = (low + high) // 2
        data = latents_encode(values, STEPS[middle])
        if len(data) <= budget:
            best, high = data, middle
        else:
            low = middle + 1
    return best


def _lanes(count: int) -> int:
    return max(1, min(_MOST_LANES, count // _LANE_SYMBOLS))


def _seed(step: int, shape: tuple[int, ...]) -> int:
    """What the states begin and end as, so that bytes for another step or shape do not pass for these."""
    return zlib.crc32(b"".join(number.to_bytes(4) for number in (step, *shape)))


def _block_shape(shape: tuple[int, ...]) -> Shape:
    return shape[0], -(-shape[1] // _BLOCK), -(-shape[2] // _BLOCK)


def _spread_classes(classes: NDArray[np.int64], shape: tuple[int, ...]) -> NDArray[np.int64]:
    """The class of each block -> that of each value."""
    return classes.repeat(_BLOCK, axis=1).repeat(_BLOCK, axis=2)[:, : shape[1], : shape[2]]


def _class_steps(classes: NDArray[np.int64]) -> NDArray[np.int64]:
    """What each class, in reading order, is above the one before, modulo their number."""
    return np.diff(classes.ravel(), prepend=0) % _class_count()


def _choose_tables(numbers: NDArray[np.int64]) -> NDArray[np.int64]:
    """The class of each block (C, ceil(h / 8), ceil(w / 8)) that takes the fewest bits; the first where several do."""
    rows, columns = (np.arange(0, side, _BLOCK) for side in numbers.shape[1:])
    at = numbers + MOST
    costs = [np.add.reduceat(np.add.reduceat(table[at], rows, axis=1), columns, axis=2) for table in _costs()]
    chosen: NDArray[np.int64] = np.argmin(np.stack(costs), axis=0).astype(np.int64)
    return chosen


def _class_count() -> int:
    return 1 + len(_SPREADS)


@lru_cache(maxsize=1)
def _value_tables() -> Tables:
    """Class 0 is for blocks of zeros; the others fall off by a / (a + 16) from one magnitude to the next."""
    return make_tables([_only_zero(), *(_geometric(spread) for spread in _SPREADS)])


@lru_cache(maxsize=1)
def _class_tables() -> Tables:
    """How much the class changes from block to block: half as often for each class further away, either way round."""
    count = _class_count()
    weights = [1 << max(0, 20 - min(change, count - change)) for change in range(count)]
    return make_tables([_scaled(weights)])


@lru_cache(maxsize=1)
def _costs() -> NDArray[np.int64]:
    """Bits that a value costs in each class, in sixteenths, rounded up; from whole numbers only."""
    rows = _value_tables().frequencies
    never = 1 << 20
    return np.array([[_bits(int(frequency)) if frequency else never for frequency in row] for row in rows])


def _bits(frequency: int) -> int:
    return _BITS_FRACTION * TOTAL_BITS - (int(frequency**_BITS_FRACTION).bit_length() - 1)


def _only_zero() -> list[int]:
    return [0] * MOST + [1 << TOTAL_BITS] + [0] * MOST


def _geometric(spread: int) -> list[int]:
    weights = [1 << 40]
    for _ in range(MOST):
        weights.append(weights[-1] * spread // (spread + 16))
    return _scaled(weights[:0:-1] + weights)


def _scaled(weights: list[int]) -> list[int]:
    """Frequencies in proportion to `weights`, each at least 1; the largest takes what rounding leaves."""
    total, share = sum(weights), (1 << TOTAL_BITS) - len(weights)
    frequencies = [1 + weight * share // total for weight in weights]
    frequencies[frequencies.index(max(frequencies))] += (1 << TOTAL_BITS) - sum(frequencies)
    return frequencies
