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
from math import ceil
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
from unshrink.models.stream_grid import Place
from unshrink.nn.parts import Part, Size
from unshrink.rescale.board import Board, Sizes, choose_grid, cut, order_bytes, pack_order, unpack_order
from unshrink.rescale.search import COARSEST, FINEST, solve
from unshrink.rescale.stream import Codec, Encoder, count_numbers, decode_part, encode_part, pad_to_cells

STEP_BYTES = 2
ATTEMPTS, FIRST_RETREAT = 8, 16
"""How often a coarser step is tried where parts took more than was expected, and how much coarser at first."""
GUESSED = 1300
"""Index of the step that networks are told where there are no numbers: so coarse that hardly any would be."""
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

    def run(self) -> Samples:
        """Search for the step, then go through the parts."""
        step, order = self._search()
        for attempt in range(ATTEMPTS):
            made = self._attempt(step, order)
            if made is not None:
                return made
            step = min(COARSEST, step + (FIRST_RETREAT << attempt))
        raise LimitError("The small picture has too few pixels to carry anything.")

    def _capacity(self, order: Sequence[int]) -> int:
        """Bytes that all parts hold."""
        return residues.room_of(self._cells(order[0])) + sum(residues.room_of(self.plain[i]) for i in order[1:])

    def _cells(self, i: int) -> list[Run]:
        return self.board.runs(self.places[i], cells=True)

    def _search(self) -> tuple[int, list[int]]:
        """The index of a step whose stream, by what the networks estimate, just fills the picture; the parts' order."""
        some = _some(self.places)
        share = sum(_area(self.places[i]) for i in some) / sum(map(_area, self.places))
        target = (self._capacity(range(len(self.places))) * share - 8 * len(some)) * 8 * 0.997
        noisy, density = self._noisy(), [self._detail(place) for place in self.places]

        def cost(step: int) -> float:
            bits = {i: self._encode(i, noisy, step).bits for i in some}
            if len(some) == len(self.places):
                density[:] = bits.values()
            return sum(bits.values())

        step = solve(cost, target, 1024)
        rooms = [1 + residues.room_of(runs) for runs in self.plain]
        return step, sorted(range(len(self.places)), key=lambda i: -density[i] / rooms[i])

    def _detail(self, place: Place) -> float:
        """Roughly how much a part has to say: how far its pixels are from their neighbours, summed up."""
        luma = self.hr[0, 1, *place.hr.slices].float()
        return float(luma.diff(dim=0).abs().sum() + luma.diff(dim=1).abs().sum())

    def _noisy(self) -> NDArray[np.uint8]:
        """The LR picture as it may look: with anything in its pixels."""
        runs = [run for part in self.plain for run in part]
        return residues.fill(self.wanted, runs, np.random.default_rng(0).bytes(residues.room_of(runs)))

    # -- the chain ------------------------------------------------------------------------------------------------

    def _attempt(self, step: int, order: Sequence[int]) -> Samples | None:
        """The LR picture with this step, finer or coarser in the last part so that it just fits; None if it cannot."""
        levels = np.clip(np.rint(self.wanted), 0, 255).astype(np.uint8)
        known = self.board.middles(self.wanted, self.places[order[0]])
        data, taken, capacity = b"", 0, self._capacity(order)
        for turn, i in enumerate(order):
            if turn:
                data, taken = self._fill(i, levels, data, taken)
                at = self.board.samples(self.places[i])
                known[at] = levels[at]
            if len(data) > capacity:
                return None
            last = turn == len(order) - 1
            coded = self._fit(i, known, step, capacity - len(data)) if last else self._bytes(i, known, step)
            if coded is None:
                return None
            data += coded
        cells = self._cells(order[0])
        if len(data) - taken > residues.room_of(cells):
            return None
        at = self.board.samples(self.places[order[0]])
        levels[at] = residues.fill(self.wanted, cells, data[taken:], cells=True)[at]
        return self._with_preamble(levels, order, data)

    def _fill(self, i: int, levels: NDArray[np.uint8], data: bytes, taken: int) -> tuple[bytes, int]:
        """Put what is left of `data` into part `i`, in place; gives the data and how much of them is placed."""
        runs, at = self.plain[i], self.board.samples(self.places[i])
        room = residues.room_of(runs)
        levels[at] = residues.fill(self.wanted, runs, data[taken : taken + room])[at]
        # Where too little has been said yet, what rounded samples happen to say stands for the rest
        return data[:taken] + residues.drain(levels, runs, room) + data[taken + room :], taken + room

    def _fit(self, i: int, known: NDArray[np.uint8], step: int, room: int) -> bytes | None:
        """The bytes of the last part with the finest step found that fits `room`; None where none does."""
        target = 8.0 * (room - STEP_BYTES) - 8 * STATE_BYTES * lanes_for(count_numbers(self.places[i])) - 16
        if target < 1:
            return None
        fine = max(FINEST, step - 256), min(COARSEST, step + 256)
        found = solve(lambda index: self._encode(i, known, index).bits, target, step, bounds=fine, close=0.004)
        for index in range(found, fine[1] + 1, 8):
            encoder = self._encode(i, known, index)
            if encoder.bits <= 8 * room:
                coded = index.to_bytes(STEP_BYTES) + encoder.finish(self.places[i])
                if len(coded) <= room:
                    return coded
        return None

    def _bytes(self, i: int, known: NDArray[np.uint8], step: int) -> bytes:
        return step.to_bytes(STEP_BYTES) + self._encode(i, known, step).finish(self.places[i])

    def _encode(self, i: int, known: NDArray[np.uint8], step: int) -> Encoder:
        place = self.places[i]
        lr, q = inputs_of(known.reshape(self.board.shape), self.q, place, self.hr.device)
        hr = pad_to_cells(self.hr[..., *place.hr.slices].float())
        return encode_part(self.codec, hr, lr, q, place, step, thrift=self.thrift, grey=self.grey)[0]

    def _about(self, order: Sequence[int]) -> bytes:
        carrying = self.carrying
        head = _ABOUT.pack(*carrying.size, carrying.multiple, *self.grid)
        return head + pack_order(order) + carrying.name

    def _with_preamble(self, levels: Samples, order: Sequence[int], data: bytes) -> Samples:
        sealed = replace(self.preamble, about=self._about(order)).sealed(data)
        runs = residues.preamble_runs(sealed.samples)
        levels[: sealed.samples] = residues.fill(self.wanted, runs, sealed.encode(), cells=True)[: sealed.samples]
        return levels.reshape(self.board.shape)


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
    for place in cut(sizes, choose_grid(sizes)):
        lr, q = inputs_of(pixels, np.ones(sizes.lr, dtype=np.uint8), place, torch.device("cpu"))
        decoded = codec.net.walk(lr, q, place, torch.tensor([GUESSED]), expect)
        yield place.hr, codec.net.finish(decoded)[..., : place.hr.size[0], : place.hr.size[1]]


def _decode_parts(
    samples: Samples, board: Board, data: bytes, about: About, codec: Codec
) -> Iterator[tuple[Place, Decoded]]:
    known = board.middles(samples.ravel(), board.places[about.order[0]])
    q = board.layout.of_pixels(samples.shape)
    start = filled = 0
    for turn, i in enumerate(about.order):
        place = board.places[i]
        if turn:
            filled += residues.room_of(board.runs(place, cells=False))
            start = max(start, filled)
        step = int.from_bytes(data[start : start + STEP_BYTES])
        if len(data) < start + STEP_BYTES or step > 2047:
            raise _damaged("a part of it is missing")
        lr, near = inputs_of(known.reshape(samples.shape), q, place, torch.device("cpu"))
        decoded, used = decode_part(codec, data[start + STEP_BYTES :], lr, near, place, step, grey=samples.ndim == 2)
        start += STEP_BYTES + used
        yield place, decoded


def inputs_of(
    known: NDArray[np.uint8], q: NDArray[np.uint8], place: Place, device: torch.device
) -> tuple[Tensor, Tensor]:
    """LR (1, 3, h, w) and q (1, 1, h, w) of a part, in levels."""
    pixels = torch.from_numpy(known[place.lr.slices].astype(np.float32)).to(device)
    lr = pixels.expand(3, -1, -1) if pixels.ndim == 2 else pixels.permute(2, 0, 1)
    return lr[None].contiguous(), torch.from_numpy(q[place.lr.slices].astype(np.float32)).to(device)[None, None]


def _size(x: Tensor) -> Size:
    return x.shape[-2], x.shape[-1]


def _area(place: Place) -> int:
    return place.hr.size[0] * place.hr.size[1]


def _some(places: Sequence[Place]) -> list[int]:
    """Parts that stand for all: every one of a small picture, some six of a large one."""
    stride = max(1, ceil(len(places) / 6)) if sum(map(_area, places)) > 1 << 20 else 1
    return list(range(stride // 2, len(places), stride))


def _damaged(what: str) -> DamagedLRFileError:
    return DamagedLRFileError(f"What the pixels carry is damaged: {what}; get a good copy, or use --plain.")
