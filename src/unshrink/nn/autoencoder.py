"""Squeeze a latent into a few numbers for every 4x4 pixels, and restore what can be restored of it.

Encoder and decoder see the LR picture y beside what they code, where they are told to: much of what z holds depends on
the edges that y shows. Sides are multiples of `FACTOR` here; whoever calls pads and cuts.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from unshrink.nn.subnets import SLOPE, ResidualSubnet

FACTOR = 4
"""LR pixels per number of S along each axis."""
HALO = 3
"""How far, in pixels of S, encoder and decoder read around a pixel, at most."""
STRIP_PIXELS = 1 << 17
"""LR pixels that are coded at once where no gradient is asked for; bounds memory."""


class PlainEncoder(nn.Module):
    """z (B, inputs, h, w) -> S (B, outputs, h / 4, w / 4), h and w multiples of 4.

    Convolutions of 3x3, a LeakyReLU after all but the last, and two 2x2 max-poolings, as many as `layers` says, 2 or 4.
    It does not look at y. Source: Yin et al., ICASSP 2023; the widths are ours.
    """

    def __init__(self, inputs: int, outputs: int, *, width: int, layers: int) -> None:
        super().__init__()
        steps: list[nn.Module] = [_conv(inputs, width), _act(), nn.MaxPool2d(2)]
        if layers == 4:
            steps += [_conv(width, width), _act(), nn.MaxPool2d(2), _conv(width, width), _act(), _conv(width, outputs)]
        else:
            steps += [_conv(width, outputs), nn.MaxPool2d(2)]
        self.steps = nn.Sequential(*steps)

    def forward(self, z: Tensor, y: Tensor) -> Tensor:
        """Condense z; y is ignored."""
        return self.steps(z)  # type: ignore[no-any-return]


class PlainDecoder(nn.Module):
    """S (B, inputs, h, w) -> z (B, outputs, 4h, 4w): `PlainEncoder` mirrored, with nearest neighbours for the pooling.

    It does not look at y. That it has as many layers and how it enlarges is ours.
    """

    def __init__(self, inputs: int, outputs: int, *, width: int, layers: int) -> None:
        super().__init__()
        steps: list[nn.Module] = [_conv(inputs, width), _act()]
        steps += [_conv(width, width), _act()] if layers == 4 else []
        steps += [nn.Upsample(scale_factor=2)]
        steps += [_conv(width, width), _act()] if layers == 4 else []
        steps += [nn.Upsample(scale_factor=2), _conv(width, outputs)]
        self.steps = nn.Sequential(*steps)

    def forward(self, s: Tensor, y: Tensor) -> Tensor:
        """Restore z from S; y is ignored."""
        return self.steps(s)  # type: ignore[no-any-return]


class AdaptiveEncoder(nn.Module):
    """z (B, inputs, h, w), y (B, 3, h, w) -> S (B, outputs, h / 4, w / 4): a projection, corrected by a network.

    The projection is on directions of 4x4 pixels, orthonormal to begin with, that learn to overlap. The network, of
    `layers` convolutions, starts as zero. Our design.
    """

    def __init__(self, inputs: int, outputs: int, *, width: int, layers: int) -> None:
        super().__init__()
        self.project = nn.Conv2d(inputs, outputs, 2 * FACTOR, FACTOR, FACTOR // 2, bias=False)
        steps: list[nn.Module] = [nn.Conv2d(inputs + 3, width, FACTOR, FACTOR), _act()]
        for _ in range(layers - 2):
            steps += [_conv(width, width), _act()]
        self.correct = nn.Sequential(*steps, _conv(width, outputs))
        with torch.no_grad():
            for parameter in self.correct[-1].parameters():
                parameter.zero_()
        self.point(_band_means(outputs, inputs))

    @torch.no_grad()
    def point(self, directions: Tensor) -> None:
        """Project on these orthonormal directions (outputs, inputs, 4, 4) from now on."""
        self.project.weight.copy_(_lap(directions))

    def has_learnt(self) -> bool:
        """Whether the network's correction is no longer zero everywhere."""
        return any(bool(parameter.any()) for parameter in self.correct[-1].parameters())

    def forward(self, z: Tensor, y: Tensor) -> Tensor:
        """Condense z."""
        return self.project(z) + self.correct(torch.cat([z, y], dim=1))  # type: ignore[no-any-return]


class AdaptiveDecoder(nn.Module):
    """S (B, inputs, h, w) and y (B, 3, 4h, 4w) -> z (B, outputs, 4h, 4w), linear in S: zero where S is zero.

    S weighs the directions of `AdaptiveEncoder`, and `width` functions that a network makes of y. The latter start as
    zero, so that at first what comes back is the projection of z, closer to z than nothing. Our design.
    """

    def __init__(self, inputs: int, outputs: int, *, width: int) -> None:
        super().__init__()
        self.unproject = nn.ConvTranspose2d(inputs, outputs, 2 * FACTOR, FACTOR, FACTOR // 2, bias=False)
        self.basis = ResidualSubnet(3, width, width=width, depth=1)
        self.spread = nn.ConvTranspose2d(inputs, width, 2 * FACTOR, FACTOR, FACTOR // 2, bias=False)
        self.mix = nn.Conv2d(width, outputs, 3, padding=1, bias=False)
        self.point(_band_means(inputs, outputs))

    @torch.no_grad()
    def point(self, directions: Tensor) -> None:
        """Restore from these orthonormal directions (inputs, outputs, 4, 4) from now on."""
        self.unproject.weight.copy_(_lap(directions))

    def forward(self, s: Tensor, y: Tensor) -> Tensor:
        """Restore z from S and y."""
        return self.unproject(s) + self.mix(self.basis(y) * self.spread(s))  # type: ignore[no-any-return]


def _band_means(count: int, channels: int) -> Tensor:
    """Directions (count, channels, 4, 4): k is the mean of the bands, 3 channels each, that leave k modulo `count`."""
    rows = torch.zeros(count, channels, FACTOR, FACTOR)
    for channel in range(channels):
        rows[channel // 3 % count, channel] = 1
    norms: Tensor = rows.flatten(1).norm(dim=1).clamp_min(1)
    return rows / norms.view(-1, 1, 1, 1)


def _lap(directions: Tensor) -> Tensor:
    """(count, channels, 4, 4) -> (count, channels, 8, 8), zero around: room to overlap."""
    return nn.functional.pad(directions, (FACTOR // 2,) * 4)


def _conv(inputs: int, outputs: int) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, 3, padding=1)


def _act() -> nn.Module:
    return nn.LeakyReLU(SLOPE)


def in_strips(code: Callable[[slice], Tensor], rows: int, width: int, *, per_row: int) -> Tensor:
    """What `code` makes of `rows` rows of S, each `width` pixels of S wide, in strips where no gradient is asked for.

    `code` is called with a slice of rows of S and returns (B, C, per_row * rows of the slice, any). Each strip has
    `HALO` more rows on either side, which are dropped, so that the result is the whole picture's.
    """
    step = max(4, STRIP_PIXELS // (FACTOR * FACTOR * max(width, 1)))
    if torch.is_grad_enabled() or rows <= step:
        return code(slice(0, rows))
    strips = []
    for top in range(0, rows, step):
        bottom = min(top + step, rows)
        first = max(top - HALO, 0)
        strip = code(slice(first, min(bottom + HALO, rows)))
        strips.append(strip[..., (top - first) * per_row : (bottom - first) * per_row, :])
    return torch.cat(strips, dim=-2)
