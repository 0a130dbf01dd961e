"""The objective of coded streams: bits and errors together, for steps at which a picture's pixels just hold the bits.

An LR picture is bicubic's, with an error as of an embedded stream; HR goes through the network band by band, with the
numbers that an encoder would choose. Means learn from numbers with uniform noise in place of rounding (Balle et al.,
ICLR 2017), the whole-number network from the numbers themselves, the refining network from what they decode to. The
rest is our design.
"""

import math
from dataclasses import dataclass, replace
from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor

from unshrink.files.numbers import BOUND, logistic_frequencies
from unshrink.models.stream import SCALES, SPREADS, Band, Chosen, StreamNet, spread_of, to_ycbcr
from unshrink.models.stream_grid import enlarge, everything
from unshrink.rescale.stream import TRADE, Shown, codec_of, encode_part
from unshrink.train.draws import rand, randint

TOP = 255


@dataclass(frozen=True)
class CodedSettings:
    """What a coded stream is trained for."""

    detail: float = 1.6
    """Step over how far, as a root mean square, a patch's luma is from the enlarged LR's: decides the bits. For
    networks of any scale that at x2; it grows with the scale."""
    octaves: float = 1.1
    """Steps are drawn up to so many octaves finer and coarser than that."""
    steps: tuple[int, ...] = (1, 2, 3, 4, 5, 6, 7, 8, 8, 8, 8, 9, 9, 9, 10, 12)
    """Of what LR pixels carry: one is drawn for a picture. 1 is for pixels that carry nothing."""
    flat: float = 0.4
    """Share of pictures with some blocks of step 4."""


class Cost(NamedTuple):
    """Of one step of training; scalars."""

    total: Tensor
    """What is minimised: bits an HR pixel, and the squared error over what a bit is worth."""
    bits: Tensor
    """Bits an HR pixel."""
    error: Tensor
    """Weighted squared error in levels."""


def measure_cost(
    net: StreamNet, hr: Tensor, guide: Tensor, settings: CodedSettings, generator: torch.Generator
) -> Cost:
    """hr (B, 3, H, W), sides multiples of 4, and its bicubic LR, guide (B, 3, h, w), both in [0, 1]."""
    hr, wanted = hr * TOP, guide * TOP
    q = _draw_steps(wanted, settings, generator)
    lr = embedded(wanted, q, generator)
    place = everything((hr.shape[-2], hr.shape[-1]), (lr.shape[-2], lr.shape[-1]))
    settings = _at_scale(net, settings, hr, lr)
    detail = (to_ycbcr(hr) - to_ycbcr(enlarge(lr, place)))[:, 0].square().mean((1, 2)).sqrt().clamp_min(0.5)
    octaves = settings.octaves * (2 * rand(len(hr), generator=generator).to(hr.device) - 1)
    steps = (256 * (torch.log2(settings.detail * detail) + octaves)).round().clamp(256, 1950)
    encoder = _Learning(net, hr, generator)
    decoded = net.finish(net.walk(lr, q, place, steps, encoder))
    weight = hr.new_tensor([1.0, *[net.settings.chroma_weight] * 2]).view(1, 3, 1, 1)
    error = (to_ycbcr(decoded - hr).square() * weight).sum(1).mean((1, 2))
    worth = TRADE * torch.exp2(steps / 128)
    bits = encoder.bits / (hr.shape[0] * hr.shape[-2] * hr.shape[-1])
    return Cost((error / worth).mean() + bits, bits.detach(), error.detach().mean())


def _at_scale(net: StreamNet, settings: CodedSettings, hr: Tensor, lr: Tensor) -> CodedSettings:
    """`settings` for pictures of these sizes: as many more bits an HR pixel as there are LR pixels to hold them."""
    if net.scale is not None:
        return settings
    scale = math.sqrt(hr.shape[-1] * hr.shape[-2] / (lr.shape[-1] * lr.shape[-2]))
    return replace(settings, detail=settings.detail * (scale / 2) ** 1.6)


def _draw_steps(wanted: Tensor, settings: CodedSettings, generator: torch.Generator) -> Tensor:
    """Steps (B, 1, h, w) of embedding: one a picture, smaller in some blocks of some."""
    draw = partial(rand, generator=generator)
    batch, _, height, width = wanted.shape
    choices = torch.tensor(settings.steps, dtype=torch.float32)
    steps = choices[randint(len(choices), batch, generator=generator)].view(batch, 1, 1, 1)
    share = 0.6 * draw(batch, 1, 1, 1) * (draw(batch, 1, 1, 1) < settings.flat)
    blocks = (draw(batch, 1, -(-height // 4), -(-width // 4)) < share).float()
    flat = torch.nn.functional.interpolate(blocks, scale_factor=4.0)[..., :height, :width] > 0
    return torch.where(flat, steps.clamp(max=4), steps).to(wanted.device)


def embedded(wanted: Tensor, q: Tensor, generator: torch.Generator) -> Tensor:
    """LR pixels as they may be after something is embedded in them with steps q."""
    residue = (rand(*wanted.shape, generator=generator).to(q.device) * q).floor()
    level = ((wanted - residue) / q).round() * q + residue
    highest = residue + ((TOP - residue) / q).floor() * q
    return torch.minimum(torch.maximum(level, residue), highest)


class _Learning:
    """A chooser that takes the numbers an encoder would, and counts bits with a gradient."""

    def __init__(self, net: StreamNet, hr: Tensor, generator: torch.Generator) -> None:
        low = net.haar(to_ycbcr(hr))
        self._targets = {True: low[:, 3:], False: net.haar(low[:, :3])}
        self._generator = generator
        self._chroma = net.settings.chroma_weight * net.settings.chroma_step**2
        self.bits = hr.new_zeros(())

    def __call__(self, band: Band) -> Chosen:
        """See `models.stream.Chooser`."""
        exact = (self._targets[band.fine][:, list(band.channels)] - band.means) / band.step
        spread = spread_of(band.spreads)
        with torch.no_grad():
            numbers = _cheapest(exact, spread, self._chroma if 1 in band.channels else 1.0)
        noise = rand(*exact.shape, generator=self._generator).to(exact.device) - 0.5
        for_means = _bits(exact + noise, spread.detach())
        self.bits = self.bits + (_bits(numbers, spread) + for_means - for_means.detach()).sum()
        return Chosen(numbers, (band.means + numbers * band.step).detach())


def _cheapest(exact: Tensor, spread: Tensor, weight: float) -> Tensor:
    """The nearest whole numbers, or those one nearer to zero where that costs less in bits and error together."""
    near = exact.round()
    smaller = near - near.sign()
    costs = [weight / TRADE * (exact - k).square() + _bits(k, spread) for k in (near, smaller)]
    return torch.where(costs[1] < costs[0], smaller, near)


def _bits(numbers: Tensor, spread: Tensor) -> Tensor:
    """Bits of numbers, whole or not, from a logistic distribution of that spread."""
    away = numbers.abs()
    mass = torch.sigmoid((0.5 - away) / spread) - torch.sigmoid((-0.5 - away) / spread)
    return -torch.log2(mass.clamp_min(1e-9))


@torch.inference_mode()
def fit_frequencies(net: StreamNet, pictures: list[tuple[Tensor, Tensor]], settings: CodedSettings) -> None:
    """Set the network's table of distributions, in place, to what it sees in `pictures`: HR and bicubic LR in [0, 1].

    A table as seen codes up to a tenth shorter than the logistic one that training assumes. Steps are as in training.
    """
    generator = torch.Generator().manual_seed(0)
    counts = torch.zeros(SCALES * (2 * BOUND + 1), dtype=torch.int64)
    codec = codec_of(net)
    for hr, guide in pictures:
        hr, wanted = hr * TOP, guide * TOP
        q = _draw_steps(wanted, settings, generator)
        lr = embedded(wanted, q, generator)
        place = everything((hr.shape[-2], hr.shape[-1]), (lr.shape[-2], lr.shape[-1]))
        near = _at_scale(net, settings, hr, lr)
        detail = float((to_ycbcr(hr) - to_ycbcr(enlarge(lr, place)))[:, 0].square().mean().sqrt().clamp_min(0.5))
        step = round(256 * math.log2(near.detail * detail))
        encoder, _ = encode_part(codec, hr, Shown(lr, q, place), min(max(step, 256), 1791))
        for numbers, which in encoder.chosen:
            at = which * (2 * BOUND + 1) + numbers.long().clamp(-BOUND, BOUND) + BOUND
            counts += torch.bincount(at.flatten(), minlength=len(counts))
    seen = counts.view(SCALES, -1).numpy()
    net.get_buffer("frequencies").copy_(torch.from_numpy(logistic_frequencies(SPREADS, seen)))
