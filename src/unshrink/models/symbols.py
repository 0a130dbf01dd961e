"""Planes of symbols in the residues of an LR picture's own pixels: which, and how they are embedded and extracted."""

from dataclasses import dataclass
from math import prod

import torch
from torch import Tensor

from unshrink.errors import UsageError
from unshrink.models.planes import LR_CHANNELS
from unshrink.nn.residues import fold, pack_symbols, unfold, unpack_symbols


@dataclass(frozen=True)
class Symbols:
    """What pixels hold, and how far they move for it. Our design; see `nn.residues`."""

    planes: tuple[int, ...]
    """For each plane, how many symbols it tells apart; their product is at most that of the steps."""
    steps: tuple[int, ...]
    """For red, green and blue, how many levels apart those are that mean the same; half of it is a pixel's error."""

    def __post_init__(self) -> None:
        if len(self.steps) != LR_CHANNELS or min(self.steps + self.planes) < 1:
            raise UsageError("Symbols have steps for red, green and blue, and steps and planes are 1 or more.")
        if prod(self.planes) > prod(self.steps):
            raise UsageError(f"Steps of {self.steps} hold {prod(self.steps)} symbols; planes need more.")

    @property
    def pitch(self) -> tuple[float, ...]:
        """Levels of 8 bits between neighbouring values of each LR channel, and then of each plane."""
        return *map(float, self.steps), *(256 / count for count in self.planes)

    def embed(self, lr: Tensor, planes: Tensor) -> Tensor:
        """LR (B, 3, h, w) and planes (B, P, h, w), both in [0, 1] -> the nearest LR picture that holds the planes."""
        return fold(lr, pack_symbols(self._nearest(planes), self.planes), self.steps)

    def extract(self, lr: Tensor) -> Tensor:
        """The inverse of `embed`: the planes, rounded to their symbols, of an LR picture in multiples of 1 / 255.

        Where the picture holds nothing, as any other picture, they are noise.
        """
        symbols = unpack_symbols(unfold(lr, self.steps), self.planes)
        return self._values(torch.minimum(symbols, self._counts(symbols) - 1))

    def rounded(self, planes: Tensor) -> Tensor:
        """`planes` as `extract` gives them back, with the identity for the gradient of rounding."""
        return planes + (self._values(self._nearest(planes)) - planes).detach()

    def _nearest(self, planes: Tensor) -> Tensor:
        counts = self._counts(planes)
        return torch.minimum((planes.detach() * counts).floor(), counts - 1)

    def _values(self, symbols: Tensor) -> Tensor:
        """The middle of what each symbol stands for."""
        return (symbols + 0.5) / self._counts(symbols)

    def _counts(self, like: Tensor) -> Tensor:
        return like.new_tensor(self.planes).view(1, -1, 1, 1)
