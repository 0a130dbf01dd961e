"""The parts of IRRM: enhanced blocks, invertible residual blocks of three of them, and the module round those."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from unshrink.nn import tiling
from unshrink.nn.haar import Haar
from unshrink.nn.invertible import Invertible
from unshrink.nn.subnets import SLOPE, ResidualSubnet, start_convolution

RADIUS = 2
"""Of the square whose mean counts as the low frequencies of a pixel."""
LOUDER = 4.0
"""What is left without that mean is a few hundredths; this brings it near the range of the other inputs."""


class EnhancedBlock(ResidualSubnet):
    """A residual convolution block with a convolution before and after; starts as zero, reads `reach` pixels around.

    `skip` False leaves out the short skip connections, which is the plain convolution block that the paper compares
    with. `bypass` makes it read its input without the mean of the 5x5 pixels around, so that it works on high
    frequencies alone. Source: Li et al., IJCAI 2024, for the residual block and the idea of the bypass; the form of
    the latter, the convolutions at the ends and all widths are our design.
    """

    def __init__(
        self, inputs: int, outputs: int, *, width: int, depth: int = 1, skip: bool = True, bypass: bool = False
    ) -> None:
        super().__init__(inputs, outputs, width=width, depth=depth)
        self.bypass = bypass
        self.reach += RADIUS if bypass else 0
        if not skip:
            self.pairs = nn.ModuleList(_PlainPair(width) for _ in range(depth))

    def forward(self, x: Tensor) -> Tensor:
        """(B, inputs, H, W) -> (B, outputs, H, W)."""
        return super().forward(_without_mean(x) if self.bypass else x)


def _without_mean(x: Tensor) -> Tensor:
    mean = nn.functional.avg_pool2d(x, 2 * RADIUS + 1, stride=1, padding=RADIUS, count_include_pad=False)
    return LOUDER * (x - mean)


class _PlainPair(nn.Module):
    """act(conv(act(conv(x))))."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(width, width, 3, padding=1)
        self.second = nn.Conv2d(width, width, 3, padding=1)
        for conv in (self.first, self.second):
            start_convolution(conv, gain=1.0)

    def forward(self, x: Tensor) -> Tensor:
        features = nn.functional.leaky_relu_(self.first(x.to(self.first.weight.dtype)), SLOPE)
        return nn.functional.leaky_relu_(self.second(features), SLOPE)


@dataclass(frozen=True)
class BlockShape:
    """What the enhanced blocks of a module have in common."""

    width: int
    """Channels inside F and G."""
    scale_width: int
    """Channels inside H, which only sets a scale and so needs fewer."""
    depth: int
    """Residual convolution blocks inside each."""
    skip: bool
    """Whether those have their short skip connections."""
    bypass: bool
    """Whether G, H and a predictor read the low band without its low frequencies, which pass by them."""

    def build_f(self, high: int, low: int) -> EnhancedBlock:
        """F, from the `high` channels of the high bands to the `low` ones of the low band."""
        return EnhancedBlock(high, low, width=self.width, depth=self.depth, skip=self.skip)

    def build_g(self, low: int, high: int) -> EnhancedBlock:
        """G or a predictor, from low to high."""
        return self._from_low(low, high, self.width)

    def build_h(self, low: int, high: int) -> EnhancedBlock:
        """H, from low to high."""
        return self._from_low(low, high, self.scale_width)

    def _from_low(self, low: int, high: int, width: int) -> EnhancedBlock:
        return EnhancedBlock(low, high, width=width, depth=self.depth, skip=self.skip, bypass=self.bypass)


class InvertibleResidualBlock(Invertible):
    """A coupling of the low band l (the first `low` channels) and the rest h by three enhanced blocks.

        h' = h * exp(s(l)) + G(l)                 l = l' - F(h')
        l' = l + F(h')                            h = (h' - G(l)) * exp(-s(l))

    with s = clamp * (2 * sigmoid(H(l)) - 1). Source: Li et al., IJCAI 2024. That h goes first is our design: the last
    word on the low band is then F's, and the predictor of `ResidualDownscaling` does not repeat what G has just done.
    """

    def __init__(self, channels: int, *, low: int, shape: BlockShape, clamp: float) -> None:
        super().__init__()
        self.low = low
        self.clamp = clamp
        self.f = shape.build_f(channels - low, low)
        self.g = shape.build_g(low, channels - low)
        self.h = shape.build_h(low, channels - low)
        self.reach = self.f.reach + self.g.reach

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> the same shape; see the class."""
        low, high = x[:, : self.low], x[:, self.low :]
        high = high * self._scale(low).exp() + tiling.apply(self.g, low)
        return torch.cat([low + tiling.apply(self.f, high), high], dim=1)

    def inverse(self, y: Tensor) -> Tensor:
        """(B, C, H, W) -> the same shape; undoes `forward`."""
        low, high = y[:, : self.low], y[:, self.low :]
        low = low - tiling.apply(self.f, high)
        high = (high - tiling.apply(self.g, low)) * self._scale(low).neg().exp()
        return torch.cat([low, high], dim=1)

    def _scale(self, low: Tensor) -> Tensor:
        return self.clamp * (2 * torch.sigmoid(tiling.apply(self.h, low)) - 1)


class ResidualDownscaling(Invertible):
    """A residual downscaling module: Haar transform, invertible residual blocks, and a long skip over them.

    (B, C, H, W) <-> (B, 4C, H/2, W/2). The long skip carries the low band that is kept past the blocks: a predictor P
    tells the high bands from it, and what leaves is the difference,

        l, h = blocks(Haar(x)),   y = l,   z = h - P(y)        inverse: h = z + P(y), then the blocks and Haar back

    so that z = 0 means "as the low band predicts". With `BlockShape.bypass` low frequencies pass by the blocks in
    another way too: what reads the low band reads it without its local mean. Source: Li et al., IJCAI 2024, for the
    module and that low frequencies pass by it; both forms of that are our design.
    """

    factor = 2

    def __init__(
        self, channels: int, *, low: int, blocks: int, shape: BlockShape, long_skip: bool = True, clamp: float = 1.0
    ) -> None:
        super().__init__()
        self.low = low
        self.haar = Haar()
        self.blocks = nn.ModuleList(
            InvertibleResidualBlock(4 * channels, low=low, shape=shape, clamp=clamp) for _ in range(blocks)
        )
        self.predict = shape.build_g(low, 4 * channels - low) if long_skip else None
        self.reach = sum(block.reach for block in self._each_block())
        self.reach += 0 if self.predict is None else self.predict.reach

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, 4C, H/2, W/2), H and W even."""
        bands: Tensor = self.haar(x)
        for block in self._each_block():
            bands = block(bands)
        if self.predict is None:
            return bands
        low, high = bands[:, : self.low], bands[:, self.low :]
        return torch.cat([low, high - tiling.apply(self.predict, low)], dim=1)

    def inverse(self, y: Tensor) -> Tensor:
        """(B, 4C, h, w) -> (B, C, 2h, 2w); undoes `forward`."""
        bands = y
        if self.predict is not None:
            low, high = y[:, : self.low], y[:, self.low :]
            bands = torch.cat([low, high + tiling.apply(self.predict, low)], dim=1)
        for block in reversed(list(self._each_block())):
            bands = block.inverse(bands)
        return self.haar.inverse(bands)

    def _each_block(self) -> Iterator[InvertibleResidualBlock]:
        return (block for block in self.blocks if isinstance(block, InvertibleResidualBlock))
