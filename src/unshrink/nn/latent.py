"""The unit in which a latent is measured: how much a standard deviation of each channel means."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from unshrink.nn.invertible import Invertible


class LatentUnit(Invertible):
    """Divides each channel after the first `split` by a learnt unit of its own, so that z ~ N(0, 1) is a fair draw.

    A network trained with z = 0 has put no bound on its latent: a draw of deviation 1 would drown the picture, and the
    couplings, whose log-scales are clamped, can hardly quieten it. With a unit they need not, and training finds how
    much noise does good in which band. Units start at `unit` in what the couplings see, or at 1 for the channels of the
    latent named by `whole`, which hold no part of the picture. Our design.
    """

    def __init__(self, channels: int, *, split: int, unit: float, whole: Sequence[int] = ()) -> None:
        super().__init__()
        self.split = split
        start = torch.full((channels - split, 1, 1), unit)
        start[list(whole)] = 1.0
        self.log_unit = nn.Parameter(start.log())

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> the same shape, the latent in its units."""
        return torch.cat([x[:, : self.split], x[:, self.split :] * self.log_unit.neg().exp()], dim=1)

    def inverse(self, y: Tensor) -> Tensor:
        """(B, C, H, W) -> the same shape; undoes `forward`."""
        return torch.cat([y[:, : self.split], y[:, self.split :] * self.log_unit.exp()], dim=1)
