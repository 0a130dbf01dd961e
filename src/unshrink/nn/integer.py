"""Convolutions of whole numbers, computed exactly in floating point: what an entropy coder may rely on.

Weights are whole multiples of 1 / 128, activations whole numbers from 0 to 127, and no sum reaches 2**24, so that
float32 holds every intermediate result exactly, whatever the order of its sums. The same file therefore gives the same
numbers on every processor, for any number of threads, and in any other implementation. Rounding has the identity for a
gradient. Our design.
"""

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d

UNIT = 128
"""Weights are whole numbers over this."""
TOP = 127
"""The largest activation."""
MOST = 255
"""The largest whole weight: 2 less a little."""
LIMIT = 1 << 24
"""Float32 holds whole numbers below this exactly."""


def floor_through(x: Tensor) -> Tensor:
    """floor(x), with the identity for a gradient."""
    return x + (x.floor() - x).detach()


def round_through(x: Tensor) -> Tensor:
    """x rounded, halves to even, with the identity for a gradient."""
    return x + (x.round() - x).detach()


def activate(x: Tensor) -> Tensor:
    """Sums in units of 1 / 128 -> whole numbers from 0 to 127; the gradient passes between the two ends."""
    return floor_through((x / UNIT).clamp(0, TOP))


class WholeConv(nn.Conv2d):
    """A 3x3 (or 1x1) convolution whose result is a whole number of 1 / 128ths, for whole inputs from -127 to 127."""

    def __init__(self, inputs: int, outputs: int, *, kernel: int = 3) -> None:
        super().__init__(inputs, outputs, kernel, padding=kernel // 2)
        with torch.no_grad():
            self.bias.zero_()  # type: ignore[union-attr]

    def forward(self, x: Tensor) -> Tensor:
        """(B, inputs, H, W) -> (B, outputs, H, W), whole numbers."""
        with torch.autocast(x.device.type, enabled=False):
            weight, bias = self.whole()
            sums = conv2d(x, weight, bias, padding=self.padding)
            # Whole already, unless the library has a fast algorithm that is not exact
            return sums if torch.is_grad_enabled() else sums.round()

    def whole(self) -> tuple[Tensor, Tensor]:
        """Weights and biases as whole numbers of 1 / 128ths."""
        if self.bias is None:
            raise TypeError("a convolution of whole numbers has a bias")
        weight = round_through((self.weight * UNIT).clamp(-MOST, MOST))
        return weight, round_through(self.bias * UNIT)

    @torch.no_grad()
    def check(self) -> None:
        """Raise ValueError where a sum could reach 2**24."""
        weight, bias = self.whole()
        if float((weight.abs().sum(dim=(1, 2, 3)) * TOP + bias.abs()).max()) >= LIMIT:
            raise ValueError("the weights of a whole-number convolution are too large to be summed exactly")
