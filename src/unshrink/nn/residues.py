"""Symbols in the residues of 8-bit pixels: quantisation index modulation, and what undoes it.

A channel with step q says a symbol of 0 to q - 1 by which of every q levels it stands on. Of the levels with the right
residue the nearest is taken, so a pixel moves by q / 2 at most, and the symbol comes back exactly, whatever the picture
shows there. Source of the principle: Chen & Wornell, IEEE Trans. Information Theory 2001; its use here is our design.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

TOP = 255


def fold(lr: Tensor, index: Tensor, steps: Sequence[int]) -> Tensor:
    """lr (B, C, h, w) in [0, 1] and index (B, 1, h, w), whole numbers below the product of `steps` -> (B, C, h, w).

    What is returned is whole multiples of 1 / 255, each the nearest to lr with the residue that its part of the index
    asks for; a step for every channel, 1 for a channel that carries nothing. The gradient is the identity for lr,
    through the rounding and the clamp as well, and none for the index.
    """
    kept = lr.detach()
    step = kept.new_tensor(steps).view(1, -1, 1, 1)
    residue = _digits(index.detach(), steps)
    level = ((kept * TOP - residue) / step).round() * step + residue
    highest = residue + ((TOP - residue) / step).floor() * step
    return lr + (torch.minimum(torch.maximum(level, residue), highest) / TOP - kept)


def unfold(lr: Tensor, steps: Sequence[int]) -> Tensor:
    """lr (B, C, h, w), whole multiples of 1 / 255 -> the index (B, 1, h, w) that `fold` was given; no gradient."""
    level = (lr.detach() * TOP).round()
    index = torch.zeros_like(level[:, :1])
    for channel, step in zip(level.unbind(1), steps, strict=True):
        index = index * step + (channel - (channel / step).floor() * step)[:, None]
    return index


def pack_symbols(symbols: Tensor, counts: Sequence[int]) -> Tensor:
    """symbols (B, P, h, w), whole numbers below their plane's count -> one number (B, 1, h, w)."""
    index = torch.zeros_like(symbols[:, :1])
    for symbol, count in zip(symbols.unbind(1), counts, strict=True):
        index = index * count + symbol[:, None]
    return index


def unpack_symbols(index: Tensor, counts: Sequence[int]) -> Tensor:
    """The inverse of `pack_symbols`: (B, 1, h, w) -> (B, P, h, w)."""
    return _digits(index, counts)


def _digits(index: Tensor, bases: Sequence[int]) -> Tensor:
    """index (B, 1, h, w) written in mixed `bases`, the last digit counting ones."""
    digits: list[Tensor] = []
    for base in reversed(bases):
        rest = (index / base).floor()
        digits.insert(0, index - rest * base)
        index = rest
    return torch.cat(digits, dim=1)
