"""Channels that a network may use as it likes, and that hold nothing at either end."""

import torch
from torch import Tensor

from unshrink.nn.invertible import Invertible


class Augment(Invertible):
    """Append `extra` zero channels going forward; drop them coming back.

    `inverse(forward(x))` is x, as everywhere. The other way round holds only where the dropped channels were zero: what
    a network leaves in them when it restores is the *downscaling latent* (see `models.irn`).
    """

    exact = False

    def __init__(self, extra: int) -> None:
        super().__init__()
        self.extra = extra

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, C + extra, H, W)."""
        return torch.nn.functional.pad(x, (0, 0, 0, 0, 0, self.extra))

    def inverse(self, y: Tensor) -> Tensor:
        """(B, C + extra, H, W) -> (B, C, H, W)."""
        return y[:, : y.shape[1] - self.extra]
