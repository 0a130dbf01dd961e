"""A coded stream in the pixels of the very LR picture that it is coded from, part by part.

What a network predicts from an LR picture depends on every bit of its pixels, and those depend on the stream that they
carry. So a picture is cut into parts, and each is coded once its own LR pixels are final: they carry what was coded
before. Only the first part has nothing to carry yet. Its pixels keep to cells of a few levels, of which the network is
told the middle, and take what is left at the end. Parts with much to say come first, so that there is always something
to carry. Our design; docs/file-format.md states the bytes.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from math import ceil, log
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from unshrink.errors import DamagedLRFileError, LimitError
from unshrink.files import residues
from unshrink.files.numbers import STATE_BYTES, lanes_for
from unshrink.files.preamble import Preamble
from unshrink.files.residues import Layout, Run, Samples
from unshrink.models.stream import Decoded, expect
from unshrink.models.stream_grid import Place, everything
from unshrink.nn.parts import Part, Size
from unshrink.rescale.board import MOST_ORDERED, Board, Sizes, choose_grid, cut, order_bytes, pack_order, unpack_order
from unshrink.rescale.search import FINEST, solve
from unshrink.rescale.stream import (
    Around,
    Codec,
    Encoder,
    Shown,
    alone,
    count_numbers,
    decode_part,
    encode_part,
    pad_to_cells,
)
from unshrink.rescale.surroundings import Surroundings, Window, crop, surrounded

STEP_GRAIN = 7
"""Indices of steps are multiples of this, so that one byte says them."""
COARSEST_STEP = 255 * STEP_GRAIN
ATTEMPTS, FIRST_RETREAT = 8, 2 * STEP_GRAIN
"""How often a coarser step is tried where parts took more than was expected, and how much coarser at first."""
SLOPE = 330
"""Indices of steps that change bits by a factor of e, roughly."""
FINER, COARSER = 4 * STEP_GRAIN, 24 * STEP_GRAIN
"""By how much steps of parts may differ from the picture's, so that all fit."""
MOST_FINER = 12 * STEP_GRAIN
"""By how much a part may be finer than that, so that there is something for the next one to carry."""
FIRST_SHARE = 0.85
"""Roughly what the first part says, whose LR pixels are known less well, over what is expected of it."""
CELLS_SHARE = 0.85
"""Roughly what a part holds in cells over what it holds without."""
GUESSED = 1300
"""Index of the step that networks are told where there are no numbers: so coarse that hardly any would be."""
AT_ONCE = 600_000
"""HR pixels of a picture up to which it is estimated as a whole."""
_ABOUT = struct.Struct(">IIBBB")
"""HR height and width, what they are multiples of once continued, rows and columns of parts."""


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


def embed_stream(
    picture: Tensor, wanted: NDArray[np.float32], layout: Layout, carrying: Carrying, *, thrift: float = 1.0
) -> Samples:
    """The LR picture that carries the stream of HR (1, 3, H, W), uint8; `wanted` (h, w[, 3]) is how it should look.

    Raises LimitError where the picture is too small to carry anything.
    """
    return _Embedding(picture, wanted, layout, carrying, thrift).run()


class _Embedding:
    """One picture on its way into its LR picture."""

    def __init__(
        self, picture: Tensor, wanted: NDArray[np.float32], layout: Layout, carrying: Carrying, thrift: float
    ) -> None:
        self.hr, self.wanted, self.codec, self.thrift = picture, wanted.ravel(), carrying.codec, thrift
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
        return encode_part(self.codec, hr, shown, step, thrift=self.thrift, grey=self.grey, around=around)[0]

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
        head = _ABOUT.pack(*carrying.size, carrying.multiple, *self.grid)
        return head + pack_order(order) + carrying.name


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


def _said(step: int, encoder: Encoder, place: Place) -> bytes:
    """A part's bytes."""
    return bytes([step // STEP_GRAIN]) + encoder.finish(place)


def _overhead(place: Place) -> int:
    """Bytes of a part beside its numbers'."""
    return 1 + STATE_BYTES * lanes_for(count_numbers(place))


class About(NamedTuple):
    """What a preamble says of a stream."""

    size: Size
    """Of the HR picture."""
    multiple: int
    """What its sides are continued to multiples of."""
    grid: Size
    order: list[int]
    name: bytes

    @property
    def hr(self) -> Size:
        """Of the HR picture as it was continued."""
        height, width = (-(-side // self.multiple) * self.multiple for side in self.size)
        return height, width


def read_about(about: bytes) -> About:
    """What a preamble of a stream is about. Raises DamagedLRFileError."""
    if len(about) < _ABOUT.size:
        raise _damaged("its preamble is cut short")
    height, width, multiple, rows, columns = _ABOUT.unpack(about[: _ABOUT.size])
    if min(height, width, multiple, rows, columns) < 1:
        raise _damaged("it states no size")
    count = rows * columns
    end = _ABOUT.size + order_bytes(count)
    order = unpack_order(about[_ABOUT.size : end], count)
    return About((height, width), multiple, (rows, columns), order, about[end:])


def read_stream(samples: Samples, preamble: Preamble, about: About) -> tuple[Board, bytes]:
    """The data of a stream in the pixels, checked, and the board they were on. Raises DamagedLRFileError."""
    places = cut(Sizes(about.hr, (samples.shape[0], samples.shape[1])), about.grid)
    board = Board(samples.shape, preamble.layout, places, preamble.samples)
    left, pieces = preamble.length, []
    for i in [*about.order[1:], about.order[0]]:
        runs = board.runs(places[i], cells=i == about.order[0])
        take = min(left, residues.room_of(runs))
        pieces.append(residues.drain(samples.ravel(), runs, take))
        left -= take
    if left:
        raise _damaged("it says that it is longer than the picture")
    data = b"".join(pieces)
    preamble.verify(data)
    return board, data


@torch.inference_mode()
def restore_stream(
    samples: Samples, board: Board, data: bytes, about: About, codec: Codec
) -> Iterator[tuple[Part, Tensor]]:
    """The HR picture part by part: where each belongs, and its levels (1, 3, height, width), not rounded."""
    for place, decoded in _decode_parts(samples, board, data, about, codec):
        yield place.hr, codec.net.finish(decoded)[..., : place.hr.size[0], : place.hr.size[1]]


@torch.inference_mode()
def guess(pixels: NDArray[np.uint8], hr: Size, codec: Codec) -> Iterator[tuple[Part, Tensor]]:
    """What the networks expect of LR pixels (h, w, 3) that carry nothing, as `restore_stream` gives it."""
    sizes = Sizes(hr, (pixels.shape[0], pixels.shape[1]))
    q = np.ones(sizes.lr, dtype=np.uint8)
    for place in cut(sizes, choose_grid(sizes)):
        window = surrounded(place)
        shown = shown_of(pixels[window.place.lr.slices], q, window.place, torch.device("cpu"))
        decoded = codec.net.walk(shown.lr, shown.q, shown.place, torch.tensor([GUESSED]), expect)
        yield place.hr, codec.net.finish(crop(decoded, window))[..., : place.hr.size[0], : place.hr.size[1]]


def _decode_parts(
    samples: Samples, board: Board, data: bytes, about: About, codec: Codec
) -> Iterator[tuple[Place, Decoded]]:
    known = board.middles(samples.ravel(), board.places[about.order[0]]).reshape(samples.shape)
    q, around = board.layout.of_pixels(samples.shape), Surroundings(Sizes(about.hr, samples.shape[:2]))
    start = filled = 0
    for turn, i in enumerate(about.order):
        place = board.places[i]
        if turn:
            filled += residues.room_of(board.runs(place, cells=False))
            start = max(start, filled)
        if len(data) <= start:
            raise _damaged("a part of it is missing")
        window = around.window(place)
        shown = shown_of(around.pixels(known, place, window), q, window.place, torch.device("cpu"))
        decoded, used = decode_part(
            codec,
            data[start + 1 :],
            place,
            shown,
            STEP_GRAIN * data[start],
            grey=samples.ndim == 2,
            around=partial(around.chooser, window=window),
        )
        start += 1 + used
        around.add(place)
        yield place, crop(decoded, window)


def shown_of(pixels: NDArray[np.uint8], q: NDArray[np.uint8], place: Place, device: torch.device) -> Shown:
    """What networks are shown of LR pixels (h, w[, 3]) at `place`, with the whole picture's steps q (h, w)."""
    levels = torch.from_numpy(pixels.astype(np.float32)).to(device)
    lr = levels.expand(3, -1, -1) if levels.ndim == 2 else levels.permute(2, 0, 1)
    steps = torch.from_numpy(q[place.lr.slices].astype(np.float32)).to(device)
    return Shown(lr[None].contiguous(), steps[None, None], place)


def _size(x: Tensor) -> Size:
    return x.shape[-2], x.shape[-1]


def _area(place: Place) -> int:
    return place.hr.size[0] * place.hr.size[1]


def _damaged(what: str) -> DamagedLRFileError:
    return DamagedLRFileError(f"What the pixels carry is damaged: {what}; get a good copy, or use --plain.")
