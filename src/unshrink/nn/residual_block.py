"""The parts of IRRM: enhanced blocks, invertible residual blocks of three of them, and the module round those."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from unshrink.nn import strips
from unshrink.nn.haar import Haar
from unshrink.nn.invertible import Invertible
from unshrink.nn.subnets import SLOPE, ResidualSubnet, start_convolution


class EnhancedBlock(ResidualSubnet):
    """A residual convolution block with a convolution before and after; starts as zero, reads `reach` pixels around.

    `skip` False leaves out the short skip connections, which is the plain convolution block that the paper compares
    with. Source: Li et al., IJCAI 2024; the convolutions at the ends and all widths are our design.
    """

    def __init__(self, inputs: int, outputs: int, *, width: int, depth: int = 1, skip: bool = True) -> None:
        super().__init__(inputs, outputs, width=width, depth=depth)
        if not skip:
            self.pairs = nn.ModuleList(_PlainPair(width) for _ in range(depth))


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

    def build(self, inputs: int, outputs: int) -> EnhancedBlock:
        """F, G or a predictor."""
        return EnhancedBlock(inputs, outputs, width=self.width, depth=self.depth, skip=self.skip)

    def build_scale(self, inputs: int, outputs: int) -> EnhancedBlock:
        """H."""
        return EnhancedBlock(inputs, outputs, width=self.scale_width, depth=self.depth, skip=self.skip)


class InvertibleResidualBlock(Invertible):
    """A coupling of the low band l (the first `low` channels) and the rest h by three enhanced blocks.

        h' = h * exp(s(l)) + G(l)                 l = l' - F(h')
        l' = l + F(h')                            h = (h' - G(l)) * exp(-s(l))

    with s = clamp * (2 * sigmoid(H(l)) - 1). Source: Li et al., IJCAI 2024. That h goes first is our design: h then ends
    as what the low band that is kept can predict (`ResidualDownscaling`), and no sub-network is idle where z = 0.
    """

    def __init__(self, channels: int, *, low: int, shape: BlockShape, clamp: float) -> None:
        super().__init__()
        self.low = low
        self.clamp = clamp
        self.f = shape.build(channels - low, low)
        self.g = shape.build(low, channels - low)
        self.h = shape.build_scale(low, channels - low)
        self.reach = self.f.reach + self.g.reach

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> the same shape; see the class."""
        low, high = x[:, : self.low], x[:, self.low :]
        high = high * self._scale(low).exp() + strips.apply(self.g, low)
        return torch.cat([low + strips.apply(self.f, high), high], dim=1)

    def inverse(self, y: Tensor) -> Tensor:
        """(B, C, H, W) -> the same shape; undoes `forward`."""
        low, high = y[:, : self.low], y[:, self.low :]
        low = low - strips.apply(self.f, high)
        high = (high - strips.apply(self.g, low)) * self._scale(low).neg().exp()
        return torch.cat([low, high], dim=1)

    def _scale(self, low: Tensor) -> Tensor:
        return self.clamp * (2 * torch.sigmoid(strips.apply(self.h, low)) - 1)


class ResidualDownscaling(Invertible):
    """A residual downscaling module: Haar transform, invertible residual blocks, and a long skip over them.

    (B, C, H, W) <-> (B, 4C, H/2, W/2). The long skip carries the low band that is kept past the blocks: a predictor P
    tells the high bands from it, and what leaves is the difference,

        l, h = blocks(Haar(x)),   y = l,   z = h - P(y)        inverse: h = z + P(y), then the blocks and Haar back

    so that z = 0 means "as the low band predicts". Source: Li et al., IJCAI 2024, for the module and that low
    frequencies bypass it; the form of the skip is our design.
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
        self.predict = shape.build(low, 4 * channels - low) if long_skip else None
        self.reach = sum(int(block.reach) for block in self.blocks)  # type: ignore[arg-type]
        self.reach += 0 if self.predict is None else self.predict.reach

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, 4C, H/2, W/2), H and W even."""
        bands = self.haar(x)
        for block in self.blocks:
            bands = block(bands)
        if self.predict is None:
            return bands  # type: ignore[no-any-return]
        low, high = bands[:, : self.low], bands[:, self.low :]
        return torch.cat([low, high - strips.apply(self.predict, low)], dim=1)

    def inverse(self, y: Tensor) -> Tensor:
        """(B, 4C, h, w) -> (B, C, 2h, 2w); undoes `forward`."""
        bands = y
        if self.predict is not None:
            low, high = y[:, : self.low], y[:, self.low :]
            bands = torch.cat([low, high + strips.apply(self.predict, low)], dim=1)
        for block in reversed(self.blocks):
            bands = block.inverse(bands)  # type: ignore[operator]
        return self.haar.inverse(bands)
