"""Squeeze a latent into a few numbers for every 4x4 pixels, and restore what can be restored of it.

Encoder and decoder see the LR picture y beside what they code, where they are told to: much of what z holds depends on
the edges that y shows. Sides are multiples of `FACTOR` here; whoever calls pads and cuts.
"""

from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor, nn

from unshrink.nn.subnets import SLOPE, ResidualSubnet

FACTOR = 4
"""LR pixels per number of S along each axis."""
HALO = 3
"""How far, in pixels of S, encoder and decoder read around a pixel, at most."""
STRIP_PIXELS = 1 << 17
"""LR pixels that are coded at once where no gradient is asked for; bounds memory."""

Pooling = Literal["max", "stride"]


class Encoder(nn.Module):
    """(B, inputs, h, w) -> (B, outputs, h / 4, w / 4), h and w multiples of 4.

    With `pooling` "max", convolutions of 3x3, a LeakyReLU after all but the last, and two 2x2 max-poolings, as many as
    `layers` says, 2 or 4 (Yin et al., ICASSP 2023; its width is ours). With "stride" one convolution of 4x4 steps over
    the pixels instead and keeps all they hold: our design.
    """

    def __init__(self, inputs: int, outputs: int, *, width: int, layers: int, pooling: Pooling) -> None:
        super().__init__()
        if pooling == "stride":
            steps: list[nn.Module] = [_conv(inputs, width), _act(), nn.Conv2d(width, 2 * width, FACTOR, FACTOR), _act()]
            steps += [_conv(2 * width, 2 * width), _act()] if layers == 4 else []
            steps += [_conv(2 * width, outputs)]
        elif layers == 4:
            steps = [_conv(inputs, width), _act(), nn.MaxPool2d(2), _conv(width, width), _act(), nn.MaxPool2d(2)]
            steps += [_conv(width, width), _act(), _conv(width, outputs)]
        else:
            steps = [_conv(inputs, width), _act(), nn.MaxPool2d(2), _conv(width, outputs), nn.MaxPool2d(2)]
        self.steps = nn.Sequential(*steps)

    def forward(self, x: Tensor) -> Tensor:
        """Code x."""
        return self.steps(x)  # type: ignore[no-any-return]


class PlainDecoder(nn.Module):
    """S (B, inputs, h, w) -> (B, outputs, 4h, 4w): `Encoder` with max-pooling, mirrored, nearest neighbours for the pooling.

    `layers` is 2 or 4. It does not look at y. The paper says no more than that the decoder is made of convolutions.
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
        """Restore the latent from S; y is ignored."""
        del y
        return self.steps(s)  # type: ignore[no-any-return]


class AdaptiveDecoder(nn.Module):
    """S (B, inputs, h, w) and y (B, 3, 4h, 4w) -> (B, outputs, 4h, 4w), linear in S: zero where S is zero.

    A network makes `width` basis functions of y; S, spread smoothly over the pixels, weighs them. It starts as zero, so
    that a trained IRN restores as before until something has been learnt. Our design.
    """

    def __init__(self, inputs: int, outputs: int, *, width: int) -> None:
        super().__init__()
        self.basis = ResidualSubnet(3, width, width=width, depth=1)
        self.spread = nn.ConvTranspose2d(inputs, width, 2 * FACTOR, FACTOR, FACTOR // 2, bias=False)
        self.mix = nn.Conv2d(width, outputs, 3, padding=1, bias=False)

    def forward(self, s: Tensor, y: Tensor) -> Tensor:
        """Restore the latent from S and y."""
        return self.mix(self.basis(y) * self.spread(s))  # type: ignore[no-any-return]


def _conv(inputs: int, outputs: int) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, 3, padding=1)


def _act() -> nn.Module:
    return nn.LeakyReLU(SLOPE)


def in_strips(code: Callable[[slice], Tensor], rows: int, width: int, *, per_row: int) -> Tensor:
    """What `code` makes of `rows` rows of S, each `width` pixels of S wide, in strips where no gradient is asked for.

    `code` is called with a slice of rows of S and returns (B, C, per_row * rows of the slice, any). Each strip has `HALO`
    more rows on either side, which are dropped, so that the result is the whole picture's.
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
