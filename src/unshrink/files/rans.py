"""Entropy coding: whole numbers in about as many bits as they are surprising, by range asymmetric numeral systems.

Everything is done in whole numbers, so that the same numbers give the same bytes on every machine. Several states take
turns, so that numpy can advance them together. Source: J. Duda, "Asymmetric numeral systems", arXiv 1311.2540, and
F. Giesen, "Interleaved entropy coders", arXiv 1402.3392; state, word and table sizes are ours.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from unshrink.errors import DamagedLRFileError

__all__ = ["TOTAL_BITS", "Decoder", "Tables", "encode", "make_tables"]

TOTAL_BITS = 16
"""The frequencies of a table add up to 2**16."""
_WORD_BITS = 16
_FEW = 32
"""Lanes below which plain Python is faster than numpy."""
_STATE_BYTES = 6
"""By default: states are then from 2**32 to below 2**48."""
_DAMAGED = "The coded latent in the LR file is damaged; get a good copy, or use --plain."

Numbers = NDArray[np.int64]
States = NDArray[np.uint64]


@dataclass(frozen=True, eq=False)
class Tables:
    """Distributions over the symbols 0 to n - 1, one a row."""

    frequencies: NDArray[np.uint64]
    """(tables, n); a row adds up to 2**16; a symbol of frequency 0 cannot be coded."""
    starts: NDArray[np.uint64]
    """(tables, n), the sum of the frequencies before."""
    symbols: NDArray[np.uint8]
    """(tables, 2**16), the symbol whose range holds a number."""

    @cached_property
    def rows(self) -> list[Row]:
        """The same as plain Python's, which is faster one by one."""
        pairs = zip(self.frequencies.tolist(), self.starts.tolist(), self.symbols, strict=True)
        return [Row(frequencies, starts, symbols.tobytes()) for frequencies, starts, symbols in pairs]


class Row(NamedTuple):
    """One table."""

    frequencies: list[int]
    starts: list[int]
    symbols: bytes


def make_tables(rows: Sequence[Sequence[int]]) -> Tables:
    """Tables of at most 256 symbols with these frequencies; each row adds up to 2**16."""
    frequencies = np.array(rows, dtype=np.uint64)
    starts = np.cumsum(frequencies, axis=1, dtype=np.uint64) - frequencies
    alphabet = np.arange(frequencies.shape[1], dtype=np.uint8)
    return Tables(frequencies, starts, np.stack([np.repeat(alphabet, row) for row in frequencies.astype(np.int64)]))


def _turns(count: int, lanes: int) -> Iterator[slice]:
    return (slice(at, min(at + lanes, count)) for at in range(0, count, lanes))


def _low(state_bytes: int) -> int:
    """The smallest state."""
    return 1 << (8 * state_bytes - _WORD_BITS)


def encode(
    parts: Sequence[tuple[Numbers, Numbers, Tables]], *, lanes: int, seed: int, state_bytes: int = _STATE_BYTES
) -> bytes:
    """Code the symbols of each part, (symbols, table of each symbol, tables), by `lanes` states that begin as seed.

    Symbol k of a part goes to state k modulo `lanes`. The bytes are the states, `state_bytes` (4 to 6) each, then
    words of 2 bytes. `seed` is from 0 to below the smallest state, 2**(8 * state_bytes - 16); a decoder ends there.
    """
    coded = _encode_one_by_one if lanes < _FEW else _encode_in_turns
    states, words = coded(parts, [_low(state_bytes) + seed] * lanes, state_bytes)
    return b"".join(state.to_bytes(state_bytes) for state in states) + words.astype(">u2").tobytes()


def _encode_in_turns(
    parts: Sequence[tuple[Numbers, Numbers, Tables]], begin: list[int], state_bytes: int
) -> tuple[list[int], States]:
    """All states at once, symbol by symbol."""
    states = np.array(begin, dtype=np.uint64)
    words: list[States] = []
    for symbols, which, tables in reversed(parts):
        frequencies, starts = tables.frequencies[which, symbols], tables.starts[which, symbols]
        for turn in reversed(list(_turns(len(symbols), len(states)))):
            words.append(_push(states[: turn.stop - turn.start], frequencies[turn], starts[turn], state_bytes))
    return states.tolist(), np.concatenate(words[::-1]) if words else states[:0]


def _encode_one_by_one(
    parts: Sequence[tuple[Numbers, Numbers, Tables]], states: list[int], state_bytes: int
) -> tuple[list[int], States]:
    """The same, and the same words, in plain Python."""
    lanes, shift, words = len(states), 8 * state_bytes - TOTAL_BITS, []
    for symbols, which, tables in reversed(parts):
        frequencies, starts = tables.frequencies[which, symbols].tolist(), tables.starts[which, symbols].tolist()
        for at in range(len(symbols) - 1, -1, -1):
            state, frequency = states[at % lanes], frequencies[at]
            if state >> shift >= frequency:
                words.append(state & 0xFFFF)
                state >>= _WORD_BITS
            states[at % lanes] = (state // frequency << TOTAL_BITS) + state % frequency + starts[at]
    return states, np.array(words[::-1], dtype=np.uint64)


def _push(states: States, frequencies: States, starts: States, state_bytes: int) -> States:
    """Put one symbol on each state, in place; returns the words that had to leave, in the states' order."""
    full = (states >> np.uint64(8 * state_bytes - TOTAL_BITS)) >= frequencies
    words = states[full] & np.uint64((1 << _WORD_BITS) - 1)
    states[full] >>= np.uint64(_WORD_BITS)
    quotients, rests = np.divmod(states, frequencies)
    states[:] = (quotients << np.uint64(TOTAL_BITS)) + rests + starts
    return words


class Decoder:
    """Reads what `encode` wrote, part by part. Raises DamagedLRFileError where the bytes are no such thing."""

    def __init__(self, data: bytes, *, lanes: int, state_bytes: int = _STATE_BYTES) -> None:
        start = lanes * state_bytes
        if len(data) < start or (len(data) - start) % 2:
            raise DamagedLRFileError(_DAMAGED)
        heads = [int.from_bytes(data[at : at + state_bytes]) for at in range(0, start, state_bytes)]
        self._low = _low(state_bytes)
        if min(heads) < self._low:
            raise DamagedLRFileError(_DAMAGED)
        self._states = np.array(heads, dtype=np.uint64)
        self._words = np.frombuffer(data, dtype=">u2", offset=start).astype(np.uint64)
        self._at = 0

    def read(self, which: Numbers, tables: Tables) -> Numbers:
        """The next symbols, one for each entry of `which`, the number of its table."""
        if len(self._states) < _FEW:
            return self._read_one_by_one(which, tables.rows)
        symbols = np.empty(len(which), dtype=np.int64)
        for turn in _turns(len(which), len(self._states)):
            symbols[turn] = self._pop(self._states[: turn.stop - turn.start], which[turn], tables)
        return symbols

    def _read_one_by_one(self, which: Numbers, rows: Sequence[Row]) -> Numbers:
        states, lanes, low, at = self._states.tolist(), len(self._states), self._low, self._at
        words, symbols = self._words.tolist(), []
        for turn, table in enumerate(which.tolist()):
            frequencies, starts, ranges = rows[table]
            state = states[turn % lanes]
            slot = state & 0xFFFF
            symbol = ranges[slot]
            state = frequencies[symbol] * (state >> TOTAL_BITS) + slot - starts[symbol]
            if state < low:
                if at == len(words):
                    raise DamagedLRFileError(_DAMAGED)
                state = state << _WORD_BITS | words[at]
                at += 1
            states[turn % lanes] = state
            symbols.append(symbol)
        self._states[:], self._at = states, at
        return np.array(symbols, dtype=np.int64)

    def _pop(self, states: States, which: Numbers, tables: Tables) -> NDArray[np.uint8]:
        slots = states & np.uint64((1 << TOTAL_BITS) - 1)
        symbols: NDArray[np.uint8] = tables.symbols[which, slots]
        offsets = slots - tables.starts[which, symbols]
        states[:] = tables.frequencies[which, symbols] * (states >> np.uint64(TOTAL_BITS)) + offsets
        empty = states < np.uint64(self._low)
        needed = int(np.count_nonzero(empty))
        if needed:
            words = self._words[self._at : self._at + needed]
            if len(words) < needed:
                raise DamagedLRFileError(_DAMAGED)
            states[empty] = (states[empty] << np.uint64(_WORD_BITS)) | words
            self._at += needed
        return symbols

    @property
    def position(self) -> int:
        """Words read so far."""
        return self._at

    def finish(self, seed: int) -> None:
        """Check that nothing is left over, and that every state is back at `seed`."""
        if self._at != len(self._words) or (self._states != np.uint64(self._low + seed)).any():
            raise DamagedLRFileError(_DAMAGED)
