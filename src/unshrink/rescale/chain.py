"""A coded stream in the pixels of the very LR picture that it is coded from, part by part.

What a network predicts from an LR picture depends on every bit of its pixels, and those depend on the stream that they
carry. So a picture is cut into parts, and each is coded once its own LR pixels are final: they carry what was coded
before. Only the first part has nothing to carry yet. Its pixels keep to cells of a few levels, of which the network is
told the middle, and take what is left at the end. Here is how a stream is read; `rescale.embedding` writes it. Our
design; docs/file-format.md states the bytes.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from functools import partial
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from unshrink.files import residues
from unshrink.files.preamble import Preamble
from unshrink.files.residues import Samples
from unshrink.models.stream import Decoded, expect
from unshrink.models.stream_grid import Place
from unshrink.nn.parts import Part, Size
from unshrink.rescale.board import Board, Sizes, choose_grid, cut, order_bytes, pack_order, unpack_order
from unshrink.rescale.stream import Codec, Shown, decode_part
from unshrink.rescale.surroundings import Surroundings, crop, surrounded

STEP_GRAIN = 7
"""Indices of steps are multiples of this, so that one byte says them."""
GUESSED = 1300
"""Index of the step that networks are told where there are no numbers: so coarse that hardly any would be."""
_ABOUT = struct.Struct(">IIBBB")
"""HR height and width, what they are multiples of once continued, rows and columns of parts."""


class About(NamedTuple):
    """What a preamble says of a stream."""

    size: Size
    """Of the HR picture."""
    multiple: int
    """What its sides are continued to multiples of."""
    grid: Size
    order: list[int]
    name: bytes

    def encode(self) -> bytes:
        """The bytes that `read_about` reads."""
        return _ABOUT.pack(*self.size, self.multiple, *self.grid) + pack_order(self.order) + self.name

    @property
    def hr(self) -> Size:
        """Of the HR picture as it was continued."""
        height, width = (-(-side // self.multiple) * self.multiple for side in self.size)
        return height, width


def read_about(about: bytes) -> About:
    """What a preamble of a stream is about. Raises DamagedLRFileError."""
    if len(about) < _ABOUT.size:
        raise residues.damaged("its preamble is cut short")
    height, width, multiple, rows, columns = _ABOUT.unpack(about[: _ABOUT.size])
    if min(height, width, multiple, rows, columns) < 1:
        raise residues.damaged("it states no size")
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
        raise residues.damaged("it says that it is longer than the picture")
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
            raise residues.damaged("a part of it is missing")
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
