"""How a coded stream comes into the pixels of its LR picture: a step that just fills it, an order of parts, the chain.

See `rescale.chain`, which reads what this writes. Our design.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from math import ceil, log
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from unshrink.errors import LimitError
from unshrink.files import residues
from unshrink.files.numbers import STATE_BYTES, lanes_for
from unshrink.files.preamble import Preamble
from unshrink.files.residues import Layout, Run, Samples
from unshrink.models.stream_grid import Place, everything
from unshrink.nn.parts import Size
from unshrink.rescale.board import MOST_ORDERED, Board, Sizes, choose_grid, choose_order, cut
from unshrink.rescale.chain import STEP_GRAIN, About, shown_of
from unshrink.rescale.search import FINEST, solve
from unshrink.rescale.stream import Around, Codec, Encoder, Shown, alone, count_numbers, encode_part, pad_to_cells
from unshrink.rescale.surroundings import Surroundings, Window, surrounded

COARSEST_STEP = 255 * STEP_GRAIN
ATTEMPTS, FIRST_RETREAT = 8, 2 * STEP_GRAIN
"""How often a coarser step is tried where parts took more than was expected, and how much coarser at first."""
SLOPE = 330
"""Indices of steps that change bits by a factor of e, roughly."""
FINER, COARSER = 4 * STEP_GRAIN, 24 * STEP_GRAIN
"""By how much steps of parts may differ from the picture's, so that all fit."""
MOST_FINER = 12 * STEP_GRAIN
"""By how much a part may be finer than that, so that there is something for the next one to carry."""
AT_ONCE = 600_000
"""HR pixels of a picture up to which it is estimated as a whole."""


class Carrying(NamedTuple):
    """What a stream in the pixels needs besides the pictures."""

    codec: Codec
    kind: int
    """The preamble's word for what the data are."""
    name: bytes
    """What tells the network: at most 100 bytes."""
    size: Size
    """Of the HR picture before it was continued to multiples of `multiple`."""
    multiple: int = 1


def embed_stream(picture: Tensor, wanted: NDArray[np.float32], layout: Layout, carrying: Carrying) -> Samples:
    """The LR picture that carries the stream of HR (1, 3, H, W), uint8; `wanted` (h, w[, 3]) is how it should look.

    Raises LimitError where the picture is too small to carry anything.
    """
    return _Embedding(picture, wanted, layout, carrying).run()


class _Embedding:
    """One picture on its way into its LR picture."""

    def __init__(self, picture: Tensor, wanted: NDArray[np.float32], layout: Layout, carrying: Carrying) -> None:
        self.hr, self.wanted, self.codec = picture, wanted.ravel(), carrying.codec
        self.grey = wanted.ndim == 2
        self.carrying = carrying
        sizes = Sizes(_size(picture), (wanted.shape[0], wanted.shape[1]))
        grid = choose_grid(sizes)
        self.places = cut(sizes, grid)
        self.sizes, self.grid = sizes, grid
        self.preamble = Preamble(layout, carrying.kind, self._about(range(len(self.places))), 0, 0)
        self.board = Board(wanted.shape, layout, self.places, self.preamble.samples)
        if self.board.reserved >= self.wanted.size:
            raise LimitError("The small picture has too few pixels to carry anything.")
        self.q = layout.of_pixels(wanted.shape)
        self.plain = [self.board.runs(place, cells=False) for place in self.places]
        self.rooms = [residues.room_of(runs) for runs in self.plain]

    def run(self) -> Samples:
        """Search for the step, then go through the parts."""
        step, expected = self._search()
        many = len(self.places) > MOST_ORDERED
        order = list(range(len(self.places))) if many else choose_order(expected, self.rooms)
        for attempt in range(ATTEMPTS):
            made = _Attempt(self, order, expected, step).run()
            if made is not None:
                return made
            if step == COARSEST_STEP:
                break
            step = min(COARSEST_STEP, step + (FIRST_RETREAT << attempt))
        raise LimitError("The small picture has too few pixels to carry anything.")

    def capacity(self, order: Sequence[int]) -> int:
        """Bytes that all parts hold."""
        return residues.room_of(self.cells(order[0])) + sum(self.rooms[i] for i in order[1:])

    def cells(self, i: int) -> list[Run]:
        """Where and how the first part, `i`, carries."""
        return self.board.runs(self.places[i], cells=True)

    def _search(self) -> tuple[int, list[float]]:
        """The index of a step whose stream just fills the picture, and bytes of each part, as networks estimate."""
        noisy, some = self._noisy(), self._some()
        share = sum(_area(place) for group in some for place in group) / sum(map(_area, self.places))
        overhead = sum(_overhead(place) for place in self.places)
        target = (self.capacity(range(len(self.places))) - overhead) * 8 * share * 0.997
        bits: dict[Place, float] = {}

        def cost(step: int) -> float:
            for group in some:
                bits.update(self._estimate(group, noisy, step))
            return sum(bits.values())

        step = solve(cost, target, 1024)
        details = [self._detail(place) for place in self.places]
        known = sum(details[i] for i, place in enumerate(self.places) if place in bits)
        each = sum(bits.values()) / max(known, 1e-9)
        parts = zip(self.places, details, strict=True)
        expected = [bits.get(place, detail * each) / 8 + _overhead(place) for place, detail in parts]
        return step // STEP_GRAIN * STEP_GRAIN, expected

    def _some(self) -> list[list[Place]]:
        """Parts that stand for all, in groups that are estimated at once: all of a small picture, six of others."""
        if sum(map(_area, self.places)) <= AT_ONCE:
            return [self.places]
        stride = max(1, ceil(len(self.places) / 6))
        return [[place] for place in self.places[stride // 2 :: stride]]

    def _estimate(self, group: list[Place], levels: NDArray[np.uint8], step: int) -> dict[Place, float]:
        """Bits of parts whose surroundings all are known; one part, or all there are."""
        window = surrounded(group[0]) if len(group) == 1 else Window(everything(*self.sizes), group[0].cells)
        pixels = levels.reshape(self.board.shape)[window.place.lr.slices]
        cells = self._encode(window.place, self._shown(pixels, window.place), step).cells
        return {place: float(cells[place.cells.within(window.place.cells).slices].sum()) for place in group}

    def _detail(self, place: Place) -> float:
        """Roughly how much a part has to say: how far its pixels are from their neighbours, summed up."""
        luma = self.hr[0, 1, *place.hr.slices].float()
        return float(luma.diff(dim=0).abs().sum() + luma.diff(dim=1).abs().sum())

    def _noisy(self) -> NDArray[np.uint8]:
        """The LR picture as it may look: with anything in its pixels."""
        runs = [run for part in self.plain for run in part]
        return residues.fill(self.wanted, runs, np.random.default_rng(0).bytes(residues.room_of(runs)))

    def encode(self, i: int, known: NDArray[np.uint8], around: Surroundings, step: int) -> Encoder:
        """Code part `i` given the LR levels that are known and its surroundings."""
        place = self.places[i]
        window = around.window(place)
        shown = self._shown(around.pixels(known.reshape(self.board.shape), place, window), window.place)
        return self._encode(place, shown, step, partial(around.chooser, window=window))

    def _encode(self, place: Place, shown: Shown, step: int, around: Around = alone) -> Encoder:
        hr = pad_to_cells(self.hr[..., *place.hr.slices].float())
        return encode_part(self.codec, hr, shown, step, grey=self.grey, around=around)[0]

    def _shown(self, pixels: NDArray[np.uint8], place: Place) -> Shown:
        return shown_of(pixels, self.q, place, self.hr.device)

    def sealed(self, levels: NDArray[np.uint8], order: Sequence[int], data: bytes) -> Samples:
        """The LR picture with its preamble."""
        sealed = replace(self.preamble, about=self._about(order)).sealed(data)
        runs = residues.preamble_runs(sealed.samples)
        levels[: sealed.samples] = residues.fill(self.wanted, runs, sealed.encode(), cells=True)[: sealed.samples]
        return levels.reshape(self.board.shape)

    def _about(self, order: Sequence[int]) -> bytes:
        carrying = self.carrying
        return About(carrying.size, carrying.multiple, self.grid, list(order), carrying.name).encode()


class _Attempt:
    """The parts of a picture one by one, in steps near to one."""

    def __init__(self, embedding: _Embedding, order: Sequence[int], expected: Sequence[float], step: int) -> None:
        self._made, self._order, self._expected, self._step = embedding, order, expected, step
        self._around = Surroundings(embedding.sizes)
        self._capacity = embedding.capacity(order)
        self._levels = np.clip(np.rint(embedding.wanted), 0, 255).astype(np.uint8)
        self._known = embedding.board.middles(embedding.wanted, embedding.places[order[0]])
        self._data, self._taken = b"", 0

    def run(self) -> Samples | None:
        """The LR picture; None where the step is too fine for it."""
        made = self._made
        for turn, i in enumerate(self._order):
            if turn:
                self._fill(i)
            coded = self._part(turn, i)
            if coded is None:
                return None
            self._data += coded
            self._around.add(made.places[i])
        first = self._order[0]
        cells, left = made.cells(first), self._data[self._taken :]
        if len(left) > residues.room_of(cells):
            return None
        at = made.board.samples(made.places[first])
        self._levels[at] = residues.fill(made.wanted, cells, left, cells=True)[at]
        return made.sealed(self._levels, self._order, self._data)

    def _fill(self, i: int) -> None:
        """Put what is not placed yet into part `i`."""
        made, taken, data = self._made, self._taken, self._data
        runs, at, room = made.plain[i], made.board.samples(made.places[i]), made.rooms[i]
        self._levels[at] = residues.fill(made.wanted, runs, data[taken : taken + room])[at]
        # Where too little has been said yet, what rounded samples happen to say stands for the rest
        self._data = data[:taken] + residues.drain(self._levels, runs, room) + data[taken + room :]
        self._taken += room
        self._known[at] = self._levels[at]

    def _part(self, turn: int, i: int) -> bytes | None:
        """The bytes of a part; None where what is left is too little."""
        room = self._capacity - len(self._data)
        if turn == len(self._order) - 1:
            return self._fit(i, room)
        step = self._paced(turn, room)
        coded = _said(step, self._encode(i, step), self._made.places[i])
        needed = self._made.rooms[self._order[turn + 1]] - (len(self._data) - self._taken)
        if len(coded) < needed:
            # Better to say more here than nothing in the next part's pixels
            finer = self._grained(step - SLOPE * log(needed / len(coded)), step - MOST_FINER)
            coded = _said(finer, self._encode(i, finer), self._made.places[i])
        return coded if len(coded) <= room else None

    def _paced(self, turn: int, room: int) -> int:
        """The step for the part at that turn: finer or coarser where parts so far took less or more than expected."""
        before, left = (sum(self._expected[i] for i in some) for some in (self._order[:turn], self._order[turn:]))
        # What was expected counts as one part's worth of evidence beside what was seen
        prior = (before + left) / len(self._order)
        seen = self._capacity - room
        needed = left * (seen + prior) / (before + prior)
        index = self._step + SLOPE * log(max(needed, 1.0) / max(room, 1))
        return min(self._grained(index, self._step - FINER), self._step + COARSER)

    def _grained(self, index: float, least: int) -> int:
        """The nearest index that a byte can say, from `least` on."""
        return min(COARSEST_STEP, max(FINEST, least, STEP_GRAIN * round(index / STEP_GRAIN)))

    def _fit(self, i: int, room: int) -> bytes | None:
        """The bytes of the last part with the finest step found that fits `room`; None where none does."""
        place = self._made.places[i]
        target = 8.0 * (room - _overhead(place)) - 16
        if target < 1:
            return None
        bounds = max(FINEST, self._step - 256), min(COARSEST_STEP, self._step + 256)
        found = solve(lambda index: self._encode(i, index).bits, target, self._step, bounds=bounds, close=0.01)
        for index in range(-(-found // STEP_GRAIN) * STEP_GRAIN, bounds[1] + 1, STEP_GRAIN):
            encoder = self._encode(i, index)
            if encoder.bits <= 8 * room:
                coded = _said(index, encoder, place)
                if len(coded) <= room:
                    return coded
        return None

    def _encode(self, i: int, step: int) -> Encoder:
        return self._made.encode(i, self._known, self._around, step)


def _said(step: int, encoder: Encoder, place: Place) -> bytes:
    """A part's bytes."""
    return bytes([step // STEP_GRAIN]) + encoder.finish(place)


def _overhead(place: Place) -> int:
    """Bytes of a part beside its numbers'."""
    return 1 + STATE_BYTES * lanes_for(count_numbers(place))


def _size(x: Tensor) -> Size:
    return x.shape[-2], x.shape[-1]


def _area(place: Place) -> int:
    return place.hr.size[0] * place.hr.size[1]
