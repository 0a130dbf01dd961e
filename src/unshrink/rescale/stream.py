"""A picture, or a part of one, as a coded stream given its LR picture, and back. See `models.stream`."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from unshrink.files.numbers import BOUND, NumberReader, NumberWriter, Spreads
from unshrink.models.stream import COARSE, FINE, Band, Chooser, Chosen, Decoded, StreamNet, to_ycbcr
from unshrink.models.stream_grid import CELL, Place
from unshrink.nn.haar import Haar

TRADE = 0.19
"""What a bit is worth, in squared steps of luma."""


class Codec(NamedTuple):
    """A network and its distributions."""

    net: StreamNet
    spreads: Spreads
    bits: Tensor
    """(64, 255), bits of each number in each distribution."""


def codec_of(net: StreamNet) -> Codec:
    """The codec of a network with its table of distributions."""
    spreads = Spreads(net.get_buffer("frequencies").cpu().numpy())
    return Codec(net, spreads, torch.from_numpy(spreads.bits))


class Encoder:
    """A chooser that knows the HR bands: takes the numbers that cost least, in bits and in errors together."""

    def __init__(self, codec: Codec, hr: Tensor, *, grey: bool = False) -> None:
        low = Haar()(to_ycbcr(hr))
        self._targets = {True: low[:, 3:], False: Haar()(low[:, :3])}
        self._codec, self._grey = codec, grey
        self.cells = low.new_zeros(low.shape[-2] // 2, low.shape[-1] // 2)
        """Bits that the numbers of each cell cost so far, without the few bytes of a coder's states."""
        self.chosen: list[tuple[Tensor, Tensor]] = []

    def __call__(self, band: Band) -> Chosen:
        """See `models.stream.Chooser`."""
        if self._grey and _is_chroma(band):
            return Chosen(torch.zeros_like(band.means), band.means)
        exact = (self._targets[band.fine][:, list(band.channels)] - band.means) / band.step
        which = band.spreads.long()
        numbers, bits = self._choose(exact, which, _is_chroma(band))
        self._count(bits[0].sum(0), band.fine)
        self.chosen.append((numbers, which))
        return Chosen(numbers, band.means + numbers * band.step)

    @property
    def bits(self) -> float:
        """What the numbers so far cost."""
        return float(self.cells.double().sum())

    def _count(self, bits: Tensor, fine: bool) -> None:
        rows, columns = self.cells.shape
        self.cells += bits.view(rows, 2, columns, 2).sum((1, 3)) if fine else bits

    def _choose(self, exact: Tensor, which: Tensor, chroma: bool) -> tuple[Tensor, Tensor]:
        nearest = exact.round().clamp(-BOUND, BOUND)
        smaller = nearest - nearest.sign()
        settings = self._codec.net.settings
        weight = (settings.chroma_weight * settings.chroma_step**2 if chroma else 1.0) / TRADE
        costs = [weight * (exact - k).square() + self._cost(k, which) for k in (nearest, smaller)]
        numbers = torch.where(costs[1] < costs[0], smaller, nearest)
        numbers = torch.where(which > 0, numbers, torch.zeros_like(numbers))
        return numbers, torch.where(which > 0, self._cost(numbers, which), torch.zeros_like(numbers))

    def _cost(self, numbers: Tensor, which: Tensor) -> Tensor:
        return self._codec.bits[which, numbers.long() + BOUND]

    def finish(self, place: Place) -> bytes:
        """The numbers of that part as bytes."""
        writer = NumberWriter(self._codec.spreads, count_numbers(place))
        for numbers, which in self.chosen:
            writer.write(_flat(numbers), _flat(which))
        return writer.finish()


class Decoder:
    """A chooser that reads what an `Encoder` wrote."""

    def __init__(self, codec: Codec, data: bytes, place: Place, *, grey: bool = False) -> None:
        self._grey = grey
        self._reader = NumberReader(data, codec.spreads, count_numbers(place))

    def __call__(self, band: Band) -> Chosen:
        """See `models.stream.Chooser`."""
        if self._grey and _is_chroma(band):
            return Chosen(torch.zeros_like(band.means), band.means)
        which = _flat(band.spreads)
        height, width, count = *band.spreads.shape[-2:], band.spreads.shape[1]
        numbers = torch.from_numpy(self._reader.read(which).astype(np.float32)).view(height, width, count)
        numbers = numbers.permute(2, 0, 1)[None].to(band.means.device)
        return Chosen(numbers, band.means + numbers * band.step)

    @property
    def used(self) -> int:
        """Bytes read."""
        return self._reader.used


def count_numbers(place: Place) -> int:
    """How many numbers a part in colour is coded by."""
    rows, columns = place.cells.size
    return rows * columns * (COARSE + 4 * FINE)


def _is_chroma(band: Band) -> bool:
    return 1 in band.channels


def _flat(x: Tensor) -> NDArray[np.int64]:
    """(1, C, h, w) -> whole numbers, those of a pixel side by side."""
    return x[0].permute(1, 2, 0).reshape(-1).cpu().numpy().astype(np.int64)


Around = Callable[[Chooser], Chooser]
"""Makes a chooser for a part into one for what is around it too."""


def alone(choose: Chooser) -> Chooser:
    """For a part without surroundings."""
    return choose


class Shown(NamedTuple):
    """What networks are shown of a picture."""

    lr: Tensor
    """(1, 3, h, w), in levels."""
    q: Tensor
    """(1, 1, h, w), in levels."""
    place: Place
    """Where they are."""


@torch.inference_mode()
def encode_part(
    codec: Codec,
    hr: Tensor,
    shown: Shown,
    step: int,
    *,
    grey: bool = False,
    around: Around = alone,
) -> tuple[Encoder, Decoded]:
    """Code HR (1, 3, H, W), in levels and padded to whole cells: all that is shown, or the part that `around` knows.

    Gives the encoder, which has bits and bytes, and the picture as it is decoded.
    """
    encoder = Encoder(codec, hr, grey=grey)
    return encoder, _walk(codec, shown, step, around(encoder))


@torch.inference_mode()
def decode_part(
    codec: Codec, data: bytes, place: Place, shown: Shown, step: int, *, grey: bool = False, around: Around = alone
) -> tuple[Decoded, int]:
    """The inverse of `encode_part`: the picture as decoded, and the bytes used by the part at `place`."""
    decoder = Decoder(codec, data, place, grey=grey)
    made = _walk(codec, shown, step, around(decoder))
    return made, decoder.used


def _walk(codec: Codec, shown: Shown, step: int, choose: Chooser) -> Decoded:
    return codec.net.walk(shown.lr, shown.q, shown.place, torch.tensor([step], device=shown.lr.device), choose)


def pad_to_cells(hr: Tensor) -> Tensor:
    """HR (1, 3, H, W) -> sides of whole cells, by its edge."""
    bottom, right = (-hr.shape[-2] % CELL), (-hr.shape[-1] % CELL)
    return torch.nn.functional.pad(hr, (0, right, 0, bottom), mode="replicate") if bottom or right else hr
