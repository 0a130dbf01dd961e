"""Sub-networks: what a coupling computes from one half to change the other. They need not be invertible.

Every sub-network maps (B, inputs, H, W) to (B, outputs, H, W), starts as zero (its last convolution is all zero, so
that training starts at the wavelet transform alone) and states its `reach`: how many pixels around an output pixel it
reads. Beyond the picture's edge every convolution reads zeros.

Narrowed to bfloat16, by `inner_convolutions` or by autocast, a sub-network keeps float32 where it counts: bfloat16 has
steps of a whole 8-bit level above 0.5, and what a network reads out of an LR picture is in its last bits. So the first
convolution is float32; what reads the LR channels again reads them as sums of two bfloat16 numbers; and the last
convolution's bias, which is most of what a trained one answers, is added in float32. Our design
(docs/decisions/training.md).
"""

from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, leaky_relu_

from unshrink.errors import UnknownNameError

SLOPE = 0.2


LR_LIKE = 4
"""A sub-network of at most so many inputs reads an LR picture. Others read detail, which is near zero: there bfloat16
has steps enough, and a second number for each of up to 45 channels would cost a tenth of the time."""

FEW_OUTPUTS = 4
"""Up to so many outputs a last convolution is computed tap by tap: others fill the processor's vectors well enough."""


class DenseSubnet(nn.Module):
    """Five 3x3 convolutions, each reading the input and all earlier outputs; growth `width`.

    LeakyReLU after the first four, which start as Xavier normal times 0.1. Source: Xiao et al., ECCV 2020.
    """

    reach = 5
    precise = False
    """Whether it computes in float32 always, because narrower it would cost more than 0.02 dB."""

    def __init__(self, inputs: int, outputs: int, *, width: int = 32, depth: int = 4) -> None:
        super().__init__()
        self.reach = depth + 1
        widths = [width] * depth + [outputs]
        self.convs = nn.ModuleList(nn.Conv2d(inputs + width * k, out, 3, padding=1) for k, out in enumerate(widths))
        for conv in self.convs:
            start_convolution(conv, gain=0.1)
        start_convolution(self.convs[-1], gain=0.0)

    def inner_convolutions(self) -> Iterator[nn.Conv2d]:
        """Those that may be narrowed to bfloat16."""
        return iter(list(self.convs)[1:-1])  # type: ignore[arg-type]

    def forward(self, x: Tensor) -> Tensor:
        """(B, inputs, H, W) -> (B, outputs, H, W)."""
        head, tail = self.convs[0], self.convs[-1]
        features = _head(head, x)
        dtype = _inner_dtype(self.inner_convolutions(), features)
        seen = torch.cat([*_summands(x.to(features.dtype), dtype), features.to(dtype)], 1)
        for conv in self.inner_convolutions():
            features = conv2d(seen, _for_summands(conv.weight, x, seen), conv.bias, padding=1)
            seen = torch.cat([seen, leaky_relu_(features, SLOPE)], 1)
        return _tail(seen, _for_summands(tail.weight, x, seen), tail.bias)  # type: ignore[arg-type]


class ResidualSubnet(nn.Module):
    """A convolution to `width` channels, `depth` residual pairs of convolutions, a convolution to the outputs.

    Our design (docs/decisions/training.md).
    """

    precise = False
    """As in `DenseSubnet`."""

    def __init__(self, inputs: int, outputs: int, *, width: int = 32, depth: int = 1) -> None:
        super().__init__()
        self.reach = 2 + 2 * depth
        self.head = nn.Conv2d(inputs, width, 3, padding=1)
        self.pairs = nn.ModuleList(Pair(width) for _ in range(depth))
        self.tail = nn.Conv2d(width, outputs, 3, padding=1)
        start_convolution(self.head, gain=1.0)
        start_convolution(self.tail, gain=0.0)

    def inner_convolutions(self) -> Iterator[nn.Conv2d]:
        """Those that may be narrowed to bfloat16."""
        return (conv for pair in self.pairs for conv in pair.children())  # type: ignore[misc]

    def forward(self, x: Tensor) -> Tensor:
        """(B, inputs, H, W) -> (B, outputs, H, W)."""
        features = _head(self.head, x)
        features = features.to(_inner_dtype(self.inner_convolutions(), features))
        for pair in self.pairs:
            features = pair(features)
        return _tail(features, self.tail.weight, self.tail.bias)  # type: ignore[arg-type]


class Pair(nn.Module):
    """x + conv(act(conv(x)))."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(width, width, 3, padding=1)
        self.second = nn.Conv2d(width, width, 3, padding=1)
        start_convolution(self.first, gain=1.0)
        start_convolution(self.second, gain=0.1)

    def forward(self, x: Tensor) -> Tensor:
        """(B, width, H, W), both ways."""
        return x + self.second(leaky_relu_(self.first(x), SLOPE))  # type: ignore[no-any-return]


def _head(conv: nn.Module, x: Tensor) -> Tensor:
    """The first convolution with its LeakyReLU, in the precision of its weights whatever autocast says."""
    with torch.autocast(x.device.type, enabled=False):
        return leaky_relu_(conv(x.to(conv.weight.dtype)), SLOPE)  # type: ignore[arg-type]


def _inner_dtype(inner: Iterator[nn.Conv2d], features: Tensor) -> torch.dtype:
    """What the inner convolutions compute in: what autocast says where it is on, else what their weights are in."""
    kind = features.device.type
    if torch.is_autocast_enabled(kind):
        return torch.get_autocast_dtype(kind)
    return next((conv.weight.dtype for conv in inner), features.dtype)


def _summands(x: Tensor, dtype: torch.dtype) -> tuple[Tensor, ...]:
    """x in `dtype`; an LR picture as two numbers, if that is narrower, whose sum is x up to the rounding's square."""
    high = x.to(dtype)
    if dtype == x.dtype or x.shape[1] > LR_LIKE:
        return (high,)
    return high, (x.detach() - high.detach()).to(dtype)  # all of the gradient goes through the first


def _for_summands(weight: Tensor, x: Tensor, seen: Tensor) -> Tensor:
    """A kernel that reads the channels of x first, for `seen`, which may have those of x twice."""
    if seen.shape[1] == weight.shape[1]:
        return weight
    return torch.cat([weight[:, : x.shape[1]], weight], 1)


def _tail(features: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """The last convolution, in the precision of the features; its bias in its own, which is that of the result."""
    narrow = weight.to(features.dtype)
    if weight.shape[0] > FEW_OUTPUTS or torch.is_grad_enabled() or features.device.type != "cpu":
        if features.dtype == bias.dtype:
            return conv2d(features, narrow, bias, padding=1)
        return conv2d(features, narrow, padding=1).to(bias.dtype) + bias[:, None, None]
    return _by_taps(features, narrow, bias.dtype).add_(bias[:, None, None])


def _by_taps(features: Tensor, weight: Tensor, dtype: torch.dtype) -> Tensor:
    """conv2d(features, weight, padding=1), summed in `dtype`: one matrix product for all nine taps, then nine sums.

    A convolution computes 16 outputs at once on processors with wide vectors, so that one of 3 wastes most of its time.
    """
    batch, channels, height, width = features.shape
    outputs = weight.shape[0]
    matrix = weight.permute(2, 3, 0, 1).reshape(9 * outputs, channels)
    pixels = features.permute(0, 2, 3, 1).reshape(batch * height * width, channels)
    taps = (matrix @ pixels.t()).view(3, 3, outputs, batch, height, width)
    result = features.new_zeros(outputs, batch, height + 2, width + 2, dtype=dtype)
    for row in range(3):
        for column in range(3):
            result[..., 2 - row : 2 - row + height, 2 - column : 2 - column + width] += taps[row, column]
    return result[..., 1:-1, 1:-1].transpose(0, 1)


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
