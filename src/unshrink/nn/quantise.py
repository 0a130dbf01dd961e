"""Between tensors in [0, 1] and levels of 8 bits: the quantiser that training goes through, and both conversions."""

import torch
from torch import Tensor


class _StraightThrough(torch.autograd.Function):
    @staticmethod
    def forward(ctx: object, x: Tensor, lowest: int) -> Tensor:
        return x.clamp(lowest / 255, 1.0).mul_(255).round_().div_(255)

    @staticmethod
    def backward(ctx: object, *gradients: Tensor) -> tuple[Tensor, None]:
        return gradients[0], None


def quantise(x: Tensor, lowest: int = 0) -> Tensor:
    """Round x to the levels `lowest` to 255 of an 8-bit file: clamp, times 255, round half to even, over 255.

    Any shape; the gradient is the identity, through the clamp as well (Xiao et al., ECCV 2020).
    """
    return _StraightThrough.apply(x, lowest)  # type: ignore[no-any-return,no-untyped-call]


def from_levels(levels: Tensor) -> Tensor:
    """uint8 of any shape -> float32 in [0, 1]."""
    return levels.float().div_(255)


def to_levels(values: Tensor) -> Tensor:
    """float in [0, 1] -> uint8, rounded as by `quantise`. Overwrites `values`."""
    return values.clamp_(0, 1).mul_(255).round_().to(torch.uint8)
