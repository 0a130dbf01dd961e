"""The coded stream: what an LR picture does not tell of its HR picture, predicted from it, and the rest as few bits.

    HR, LR -> whole numbers k (what an entropy coder packs), each with its distribution;  LR, k -> HR

The LR picture, enlarged, and the HR picture go through two Haar transforms in YCbCr. Band by band, coarse before fine
and luma before chroma, a network predicts the HR band from the LR picture and all that is decoded already; the
difference is divided by a step and rounded. One step, of any size, serves a whole picture, and every network is told
it. Before anything else is decoded a second, small network, of whole numbers only (`nn.integer`), says how far from
zero each number is likely to be: that decides the entropy coder's tables, and so it must be the same on every machine.
Means may differ in their last bits, since they only shift what comes back. At the end a network refines the result.
Sizes are any, and differ along height and width as they like. Our design; the parts that others found are named there.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import leaky_relu_, pixel_shuffle

from unshrink.files.numbers import logistic_frequencies
from unshrink.models.stream_grid import Place, enlarge, whole_inputs
from unshrink.nn.haar import Haar
from unshrink.nn.integer import WholeConv, activate, round_through
from unshrink.nn.subnets import SLOPE, Pair, ResidualSubnet, start_convolution

COARSE, FINE = 12, 9
"""Numbers a pixel of either grid is coded by: four bands of three planes, and three bands of three planes."""
LUMA_COARSE, LUMA_FINE = (0, 3, 6, 9), (0, 3, 6)
CHROMA_COARSE, CHROMA_FINE = (1, 2, 4, 5, 7, 8, 10, 11), (1, 2, 4, 5, 7, 8)
"""Channels of the planes in band-major order."""
SCALES = 64
"""Distributions that the whole-number network tells apart."""
LEAST_SPREAD, SPREADS_AN_OCTAVE = 0.06, 6
"""The spread (of a logistic distribution, in steps) of the first, and how many double it."""
SPREADS = LEAST_SPREAD * 2.0 ** (np.arange(SCALES) / SPREADS_AN_OCTAVE)
"""Of all distributions, in steps."""
UNIT = 64.0
"""Levels of 8 bits that networks take and give as 1."""


@dataclass(frozen=True)
class StreamSettings:
    """Everything that decides the shape of a `StreamNet`."""

    coarse_width: int = 48
    coarse_depth: int = 3
    fine_width: int = 32
    fine_depth: int = 3
    refine_width: int = 32
    refine_depth: int = 2
    whole_width: int = 24
    """Channels of the whole-number network."""
    scale: int | None = None
    """HR pixels per LR pixel that the weights are for; None for any. It changes nothing in the network."""
    chroma_step: float = 1.3
    """Steps of Cb and Cr over those of Y."""
    chroma_weight: float = 0.3
    """What a squared error of Cb or Cr counts over one of Y, when numbers are chosen and when the network learns."""


def spread_of(index: Tensor) -> Tensor:
    """Spread, in steps, of the logistic distribution of that index (0 to 63, fractions too)."""
    return LEAST_SPREAD * torch.exp2(index / SPREADS_AN_OCTAVE)


def to_ycbcr(rgb: Tensor) -> Tensor:
    """(B, 3, H, W) in levels -> Y (0 to 255), Cb and Cr (-128 to 128), as JPEG's."""
    r, g, b = rgb.unbind(1)
    y = 0.299 * r + 0.587 * g + 0.114 * b
    return torch.stack([y, (b - y) / 1.772, (r - y) / 1.402], 1)


def to_rgb(ycbcr: Tensor) -> Tensor:
    """The inverse of `to_ycbcr`."""
    y, cb, cr = ycbcr.unbind(1)
    r, b = y + 1.402 * cr, y + 1.772 * cb
    return torch.stack([r, (y - 0.299 * r - 0.114 * b) / 0.587, b], 1)


class Chosen(NamedTuple):
    """What a `Chooser` gives."""

    numbers: Tensor
    """Whole numbers."""
    values: Tensor
    """The bands that they decode to, in levels."""


class Band(NamedTuple):
    """What is known of some bands of a grid before their numbers are."""

    means: Tensor
    """(B, C, h, w), in levels."""
    spreads: Tensor
    """(B, C, h, w), indices of distributions; see `spread_of`."""
    step: Tensor
    """(B, 1, 1, 1), in levels."""
    fine: bool
    """Which grid."""
    channels: tuple[int, ...]
    """Which of the grid's channels."""


Chooser = Callable[[Band], Chosen]
"""Gives the numbers of some bands: an encoder rounds what it sees, a decoder reads."""


def expect(band: Band) -> Chosen:
    """The chooser of what is expected: no number but zero."""
    return Chosen(torch.zeros_like(band.means), band.means)


class Means(nn.Module):
    """Means of one grid's bands: luma from features, then chroma from these and from luma as decoded."""

    def __init__(self, inputs: int, width: int, depth: int, luma: int, chroma: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(inputs, width, 3, padding=1)
        self.pairs = nn.ModuleList(Pair(width) for _ in range(depth))
        self.luma = nn.Conv2d(width, luma, 3, padding=1)
        self.mix = nn.Conv2d(width + luma, width, 3, padding=1)
        self.more = Pair(width)
        self.chroma = nn.Conv2d(width, chroma, 3, padding=1)
        for conv in (self.first, self.mix):
            start_convolution(conv, gain=1.0)
        for conv in (self.luma, self.chroma):
            start_convolution(conv, gain=0.0)

    def see(self, x: Tensor) -> Tensor:
        """Features."""
        features = leaky_relu_(self.first(x), SLOPE)
        for pair in self.pairs:
            features = pair(features)
        return features

    def see_chroma(self, features: Tensor, luma: Tensor) -> Tensor:
        """Features that know the luma that was decoded, given as its difference from the enlarged LR's."""
        return self.more(leaky_relu_(self.mix(torch.cat([features, luma / 16], 1)), SLOPE))  # type: ignore[no-any-return]


class Spreads(nn.Module):
    """The whole-number network of one grid: which distribution each number is drawn from.

    It reads nothing that one machine could compute otherwise than another: the LR picture's 8-bit pixels, and the
    whole numbers decoded already.
    """

    def __init__(self, inputs: int, width: int, luma: int, chroma: int) -> None:
        super().__init__()
        self.first = WholeConv(inputs, width)
        self.second = WholeConv(width, width)
        self.luma = WholeConv(width, luma, kernel=1)
        self.mix = WholeConv(width + 2 * luma, width)
        self.chroma = WholeConv(width, chroma, kernel=1)
        for last in (self.luma, self.chroma):
            nn.init.constant_(last.bias, 20.0)  # type: ignore[arg-type]

    def see(self, x: Tensor) -> Tensor:
        """Features of whole-number inputs."""
        return activate(self.second(activate(self.first(x))))

    def see_chroma(self, features: Tensor, luma: Tensor) -> Tensor:
        """Features that know the numbers of luma."""
        return activate(self.mix(torch.cat([features, *magnitudes(luma)], 1)))


def magnitudes(numbers: Tensor) -> tuple[Tensor, Tensor]:
    """Whole numbers as inputs of a whole-number network: small ones with their signs, larger ones without."""
    numbers = numbers.detach()
    return numbers.clamp(-7, 7) * 16, numbers.abs().clamp(max=31) * 4


def as_index(sums: Tensor) -> Tensor:
    """Sums of a whole-number network -> indices of distributions, 0 to 63."""
    return round_through((sums / 128).clamp(0, SCALES - 1))


class Decoded(NamedTuple):
    """A picture on the fine grid, before it is refined."""

    bands: Tensor
    """(B, 12, h, w), in levels."""
    shown: Tensor
    """(B, C, h, w), what the last network reads."""
    step: Tensor
    """(B, 1, h, w), what its result is multiplied with."""


class StreamNet(nn.Module):
    """Predicts HR bands from an LR picture, says how uncertain it is, and refines what was decoded."""

    def __init__(self, settings: StreamSettings) -> None:
        super().__init__()
        self.settings = settings
        self.scale = settings.scale
        s, told, shared = settings, 4, 8
        self.haar = Haar()
        self.coarse = Means(COARSE + told, s.coarse_width, s.coarse_depth, len(LUMA_COARSE), len(CHROMA_COARSE))
        self.share = nn.Conv2d(s.coarse_width, 4 * shared, 1)
        self.fine = Means(3 + FINE + shared + told, s.fine_width, s.fine_depth, len(LUMA_FINE), len(CHROMA_FINE))
        self.refine = ResidualSubnet(
            COARSE + FINE + s.fine_width + 1, COARSE, width=s.refine_width, depth=s.refine_depth
        )
        self.coarse_spreads = Spreads(7, s.whole_width, len(LUMA_COARSE), len(CHROMA_COARSE))
        self.down = WholeConv(s.whole_width + 2 * COARSE, s.whole_width)
        self.spread = WholeConv(s.whole_width, 4 * 16)
        self.fine_spreads = Spreads(16 + 7, s.whole_width, len(LUMA_FINE), len(CHROMA_FINE))
        start_convolution(self.share, gain=1.0)
        self.register_buffer("frequencies", torch.from_numpy(logistic_frequencies(SPREADS)))

    def walk(self, lr: Tensor, q: Tensor, place: Place, steps: Tensor, choose: Chooser) -> Decoded:
        """Encode or decode: LR (B, 3, h, w) in whole levels, q (B, 1, h, w) in levels -> what `finish` takes.

        `lr` and `q` are of the part that `place` names; `steps` (B,) are indices of steps, one for each picture.
        """
        base = self.haar(to_ycbcr(enlarge(lr, place)))
        base_low, base_fine = base[:, :3], base[:, 3:]
        base_coarse = self.haar(base_low)
        step = torch.exp2(steps.float() / 256).view(-1, 1, 1, 1)
        planes = _planes(q, place, step)

        inputs = torch.cat([_centred(base_coarse), _at(planes, base_coarse)], 1)
        seen = self.coarse_spreads.see(whole_inputs(lr - 128, q, steps, place, 1))
        state = self._bands(self.coarse, self.coarse_spreads, inputs, seen, base_coarse, step / 4, choose)
        low = self.haar.inverse(state.chosen.values)

        told = _at(planes, low)
        shared = pixel_shuffle(self.share(state.features), 2)
        inputs = torch.cat([_centred(low), base_fine / 16, shared, told], 1)
        seen = activate(self.down(torch.cat([state.seen, *magnitudes(state.chosen.numbers)], 1)))
        seen = pixel_shuffle(activate(self.spread(seen)), 2)
        seen = self.fine_spreads.see(torch.cat([seen, whole_inputs(lr - 128, q, steps, place, 2)], 1))
        state = self._bands(self.fine, self.fine_spreads, inputs, seen, base_fine, step / 2, choose)

        fine, numbers = state.chosen.values, state.chosen.numbers.clamp(-2, 2)
        shown = torch.cat([(low - base_low) / 16, fine / 16, numbers, state.features, told[:, :1]], 1)
        return Decoded(torch.cat([low, fine], 1), shown, (step / 4).expand_as(told[:, :1]))

    def finish(self, decoded: Decoded) -> Tensor:
        """What was decoded, refined: HR (B, 3, H, W) in levels, padded to whole cells, not rounded."""
        return to_rgb(self.haar.inverse(decoded.bands + decoded.step * self.refine(decoded.shown)))

    def _bands(
        self, means: Means, spreads: Spreads, x: Tensor, seen: Tensor, base: Tensor, step: Tensor, choose: Chooser
    ) -> "State":
        """One grid: luma, then chroma."""
        fine = means is self.fine
        ys, cs = (LUMA_FINE, CHROMA_FINE) if fine else (LUMA_COARSE, CHROMA_COARSE)
        features = means.see(x)
        shift = base[:, list(ys)]
        luma = choose(Band(shift + UNIT * means.luma(features), as_index(spreads.luma(seen)), step, fine, ys))
        features = means.see_chroma(features, luma.values - shift)
        seen = spreads.see_chroma(seen, luma.numbers)
        centre = base[:, list(cs)] + UNIT * means.chroma(features)
        chroma = choose(Band(centre, as_index(spreads.chroma(seen)), self.settings.chroma_step * step, fine, cs))
        return State(Chosen(*map(_merge, luma, chroma)), features, seen)


class State(NamedTuple):
    """Where a grid's bands end."""

    chosen: Chosen
    features: Tensor
    seen: Tensor


def _merge(luma: Tensor, chroma: Tensor) -> Tensor:
    """Y of each band before its Cb and Cr: (B, n, ...), (B, 2n, ...) -> (B, 3n, ...), band-major."""
    batch, count, height, width = luma.shape
    pairs = chroma.reshape(batch, count, 2, height, width)
    return torch.cat([luma[:, :, None], pairs], 2).flatten(1, 2)


def _centred(bands: Tensor) -> Tensor:
    """Bands as inputs: the low one about a middle grey, the others enlarged."""
    low = bands[:, :3] / UNIT - bands.new_tensor([2.0, 0.0, 0.0]).view(1, 3, 1, 1)
    return torch.cat([low, bands[:, 3:] / 16], 1)


def _planes(q: Tensor, place: Place, step: Tensor) -> Tensor:
    """What networks are told beside pixels: step, scales along both axes, and q, of the LR's size."""
    scales = [math.log2(large / small) - 1 for large, small in zip(place.hr_size, place.lr_size, strict=True)]
    told = [torch.log2(step).expand_as(q) / 4 - 0.75, *(torch.full_like(q, scale) for scale in scales)]
    return torch.cat([*told, torch.log2(q) / 2 - 1], 1)


def _at(planes: Tensor, like: Tensor) -> Tensor:
    return nn.functional.interpolate(planes, like.shape[-2:], mode="nearest")
