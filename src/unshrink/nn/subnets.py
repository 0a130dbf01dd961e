"""Sub-networks: what a coupling computes from one half to change the other. They need not be invertible.

Every sub-network maps (B, inputs, H, W) to (B, outputs, H, W), starts as zero (its last convolution is all zero, so
that training starts at the wavelet transform alone) and states its `reach`: how many pixels around an output pixel it
reads. Beyond the picture's edge every convolution reads zeros.
"""

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from unshrink.errors import UnknownNameError

SLOPE = 0.2


class DenseSubnet(nn.Module):
    """Five 3x3 convolutions, each reading the input and all earlier outputs; growth `width`.

    LeakyReLU after the first four, which start as Xavier normal times 0.1. Source: Xiao et al., ECCV 2020.
    """

    reach = 5

    def __init__(self, inputs: int, outputs: int, *, width: int = 32, depth: int = 4) -> None:
        super().__init__()
        self.reach = depth + 1
        widths = [width] * depth + [outputs]
        self.convs = nn.ModuleList(nn.Conv2d(inputs + width * k, out, 3, padding=1) for k, out in enumerate(widths))
        for conv in self.convs:
            start_convolution(conv, gain=0.1)
        start_convolution(self.convs[-1], gain=0.0)

    def inner_convolutions(self) -> Iterator[nn.Module]:
        """Those that may be narrowed to bfloat16: none, since all of them read the input."""
        return iter(())

    def forward(self, x: Tensor) -> Tensor:
        """(B, inputs, H, W) -> (B, outputs, H, W)."""
        seen = [x]
        for conv in list(self.convs)[:-1]:
            seen.append(nn.functional.leaky_relu(conv(torch.cat(seen, 1)), SLOPE))
        return self.convs[-1](torch.cat(seen, 1))  # type: ignore[no-any-return]


class ResidualSubnet(nn.Module):
    """A convolution to `width` channels, `depth` residual pairs of convolutions, a convolution to the outputs.

    The first and the last convolution are always float32: bfloat16 has steps of a whole 8-bit level above 0.5, and what
    a network reads out of an LR picture is in its last bits. Our design (docs/training.md).
    """

    def __init__(self, inputs: int, outputs: int, *, width: int = 32, depth: int = 1) -> None:
        super().__init__()
        self.reach = 2 + 2 * depth
        self.head = nn.Conv2d(inputs, width, 3, padding=1)
        self.pairs = nn.ModuleList(_Pair(width) for _ in range(depth))
        self.tail = nn.Conv2d(width, outputs, 3, padding=1)
        start_convolution(self.head, gain=1.0)
        start_convolution(self.tail, gain=0.0)

    def forward(self, x: Tensor) -> Tensor:
        """(B, inputs, H, W) -> (B, outputs, H, W)."""
        with torch.autocast(x.device.type, enabled=False):
            features = nn.functional.leaky_relu_(self.head(x.to(self.head.weight.dtype)), SLOPE)
        for pair in self.pairs:
            features = pair(features)
        with torch.autocast(x.device.type, enabled=False):
            return self.tail(features.to(self.tail.weight.dtype))  # type: ignore[no-any-return]

    def inner_convolutions(self) -> Iterator[nn.Module]:
        """Those that may be narrowed to bfloat16."""
        return (conv for pair in self.pairs for conv in pair.children())


class _Pair(nn.Module):
    """x + conv(act(conv(x)))."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(width, width, 3, padding=1)
        self.second = nn.Conv2d(width, width, 3, padding=1)
        start_convolution(self.first, gain=1.0)
        start_convolution(self.second, gain=0.1)

    def forward(self, x: Tensor) -> Tensor:
        x = x.to(self.first.weight.dtype)
        return x + self.second(nn.functional.leaky_relu_(self.first(x), SLOPE))  # type: ignore[no-any-return]


def start_convolution(conv: nn.Module, *, gain: float) -> None:
    """Start a convolution, in place: Xavier normal times `gain`, biases zero. Raises TypeError for any other module."""
    if not isinstance(conv, nn.Conv2d) or conv.bias is None:
        raise TypeError(f"expected a convolution with a bias, got {type(conv).__name__}")
    nn.init.xavier_normal_(conv.weight)
    with torch.no_grad():
        conv.weight.mul_(gain)
        conv.bias.zero_()


SUBNETS = {"dense": DenseSubnet, "residual": ResidualSubnet}


def build_subnet(kind: str, inputs: int, outputs: int, *, width: int, depth: int) -> nn.Module:
    """Make a sub-network by kind ("dense" or "residual"). Raises UnknownNameError for any other."""
    if kind not in SUBNETS:
        raise UnknownNameError("sub-network kind", kind, SUBNETS)
    return SUBNETS[kind](inputs, outputs, width=width, depth=depth)
