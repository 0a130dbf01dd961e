"""Digits in the residues of a sequence of samples: the same room as one by one, for over 1 dB less error.

One by one, a sample with 2m residues has an error that is uniform in a cube. Here a level is m * a + b: b says a digit
below m, and of the sequence of a, modulo 4, a convolutional code says one bit a sample, its syndrome. Of all sequences
that say the same the nearest to the picture is found by Viterbi's algorithm, as in trellis-coded quantisation
(Marcellin & Fischer, IEEE Trans. Communications 1990; codes of Ungerboeck, IEEE Trans. Information Theory 1982). That a
syndrome carries data is known from steganography (Filler et al. 2011); lattice, labels and use here are our design.
"""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

LENGTH = 256
"""Samples of a sequence; each begins anew, so that many are worked on at once."""
AT_ONCE = 256
"""Sequences that are worked on at once: 17 MB."""
REGISTERS, LOW, HIGH = 8, 0o515, 0o362
"""Bits of the code's state, and which of the last bits of a, those of 1 and those of 2, a syndrome sums up."""
STATES = 1 << REGISTERS

Floats = NDArray[np.float32]
Whole = NDArray[np.int64]
T = TypeVar("T", int, Whole)


def _tables() -> tuple[Whole, Whole]:
    """(2, states) each, of sequences of syndrome zero: the two states before one, and a modulo 4 between them."""
    before: list[list[int]] = [[] for _ in range(STATES)]
    residue: list[list[int]] = [[] for _ in range(STATES)]
    for state in range(STATES):
        low = state & 1
        for high in range(2):
            after = _after(state, low, high)
            before[after].append(state)
            residue[after].append(low + 2 * high)
    return np.array(before).T, np.array(residue).T


def _after(state: T, low: T, high: int) -> T:
    """The state after one more a of these two bits."""
    return (state >> 1) ^ (LOW >> 1) * low ^ (HIGH >> 1) * high


_BEFORE, _RESIDUE = _tables()


def place(wanted: Floats, digits: NDArray[np.uint8], half: int) -> Whole:
    """Levels (N,) from 0 to 255 near to `wanted` (N,) that say `digits` (N,), each below 2 * half."""
    count = len(wanted)
    padding = (0, -count % LENGTH)
    shape = (-1, LENGTH)
    bits, base = np.divmod(np.pad(digits, padding).astype(np.int64).reshape(shape), half)
    target = (np.pad(wanted, padding).reshape(shape) - base) / half
    most = (255 - base) // half
    pieces = (slice(at, at + AT_ONCE) for at in range(0, len(bits), AT_ONCE))
    whole = [_nearest(target[piece], bits[piece], most[piece]) for piece in pieces]
    levels: Whole = (half * np.concatenate(whole or [bits]) + base).ravel()[:count]
    return levels


def read(levels: NDArray[np.uint8], half: int) -> NDArray[np.uint8]:
    """The inverse of `place`: digits (N,) of levels (N,)."""
    count = len(levels)
    whole, base = np.divmod(np.pad(levels, (0, -count % LENGTH)).astype(np.int64).reshape(-1, LENGTH), half)
    bits = np.zeros_like(whole)
    for delay in range(REGISTERS + 1):
        seen = whole[:, : LENGTH - delay]
        if LOW >> delay & 1:
            bits[:, delay:] ^= seen & 1
        if HIGH >> delay & 1:
            bits[:, delay:] ^= seen >> 1 & 1
    digits: NDArray[np.uint8] = (base + half * bits).astype(np.uint8).ravel()[:count]
    return digits


def _nearest(target: NDArray[np.floating], bits: Whole, most: Whole) -> Whole:
    """Whole numbers from 0 to `most` nearest to `target` (sequences, LENGTH) whose syndrome is `bits`."""
    # All that say the same differ by sequences of syndrome zero, bit by bit, from any one that says it
    residues = np.arange(4) ^ _some(bits)[..., None]
    steps = np.clip(np.rint((target[..., None] - residues) / 4), 0, (most[..., None] - residues) // 4)
    choices = residues + 4 * steps.astype(np.int64)
    errors = np.square(choices - target[..., None]).astype(np.float32).transpose(1, 2, 0).copy()
    return _traced(*_search(errors), choices)


def _some(bits: Whole) -> Whole:
    """Bits of 1 of a sequence whose bits of 2 are zero and whose syndrome is `bits`."""
    state, low = np.zeros(len(bits), dtype=np.int64), np.empty_like(bits)
    for turn in range(LENGTH):
        low[:, turn] = bits[:, turn] ^ (state & 1)
        state = _after(state, low[:, turn], 0)
    return low


def _search(errors: Floats) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """The best last state of each sequence, and which way each state was reached (LENGTH, states, sequences).

    `errors` are (LENGTH, residues, sequences).
    """
    costs = np.full((STATES, errors.shape[2]), np.inf, dtype=np.float32)
    costs[0] = 0
    second = np.empty((LENGTH, *costs.shape), dtype=bool)
    for turn, error in enumerate(errors):
        one, other = (costs[_BEFORE[way]] + error[_RESIDUE[way]] for way in range(2))
        np.less(other, one, out=second[turn])
        costs = np.minimum(one, other)
    return costs.argmin(0), second


def _traced(state: NDArray[np.intp], second: NDArray[np.bool_], choices: Whole) -> Whole:
    """What was chosen, from the last states back."""
    rows = np.arange(len(state))
    found = np.empty(choices.shape[:2], dtype=np.int64)
    for turn in range(LENGTH - 1, -1, -1):
        way = second[turn, state, rows].astype(np.intp)
        found[:, turn] = choices[rows, turn, _RESIDUE[way, state]]
        state = _BEFORE[way, state]
    return found
