"""What the networks have in common that are one chain of bijections and carry nothing beside the LR pixels."""

import torch
from torch import Tensor

from unshrink.errors import UsageError
from unshrink.models.base import Rescaler, Size, Split
from unshrink.nn.invertible import Chain

LR_CHANNELS = 3
"""Red, green and blue: what an LR picture is made of, ahead of whatever else a network keeps."""


class Bijection(Rescaler):
    """x (B, 3, H, W) <-> y (B, 3, H/s, W/s), z (B, C, H/s, W/s) by a chain; y is kept, and z is zero going back."""

    scale: int
    low = LR_CHANNELS
    """Channels that every coupling takes for low ones."""

    def __init__(self, chain: Chain, scale: int, *, latent_channels: int) -> None:
        super().__init__()
        self.chain = chain
        self.scale = scale
        self.latent_channels = latent_channels
        self.reach = measure_reach(chain)
        self.floats = state_floats(LR_CHANNELS + latent_channels, scale)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """x -> y and z. Raises UsageError where H or W is no multiple of s."""
        require_multiple(x, self.scale)
        both = self.chain(x)
        return both[:, :LR_CHANNELS], both[:, LR_CHANNELS:]

    def inverse(self, y: Tensor, z: Tensor) -> Tensor:
        """y and z -> x; undoes `forward`."""
        return self.chain.inverse_(torch.cat([y, z], dim=1))

    def split(self, hr: Tensor, size: Size | None = None) -> Split:
        """HR (B, 3, H, W) -> LR (B, 3, H/s, W/s), no payload, z."""
        del size
        y, z = self.forward(hr)
        return Split(y, None, z)

    def downscale(self, hr: Tensor, size: Size | None = None) -> tuple[Tensor, None]:
        """HR (B, 3, H, W) -> LR (B, 3, H/s, W/s), as `split` gives it, without what only z needs."""
        del size
        require_multiple(hr, self.scale)
        return self.chain.head(hr, LR_CHANNELS), None

    def upscale(
        self, lr: Tensor, payload: Tensor | None = None, *, latent: Tensor | None = None, size: Size | None = None
    ) -> Tensor:
        """LR (B, 3, h, w) and z (zero where it is None) -> HR (B, 3, h*s, w*s)."""
        del payload, size
        if latent is None:
            return self.chain.inverse_(with_zeros(lr, self.latent_channels))
        return self.inverse(lr, latent)


def measure_reach(chain: Chain) -> int:
    """How far, in HR pixels, the inverse of `chain` reads around a pixel."""
    total, area = 0, 1
    for link in chain.links:
        area *= getattr(link, "factor", 1)
        total += area * getattr(link, "reach", 0)
    return total


def with_zeros(x: Tensor, channels: int) -> Tensor:
    """x (B, C, h, w) with `channels` more, all zero."""
    return torch.nn.functional.pad(x, (0, 0, 0, 0, 0, channels))


def state_floats(channels: int, scale: int) -> float:
    """`Rescaler.floats` of a chain that changes its state in place: the picture, and two states of `channels` over LR.

    Two, because a transform makes a new state of the old one.
    """
    return LR_CHANNELS + 2 * channels / scale**2


def require_multiple(x: Tensor, scale: int) -> None:
    """Raise UsageError where a side of x (B, C, H, W) is no multiple of `scale`."""
    if x.shape[-2] % scale or x.shape[-1] % scale:
        raise UsageError(f"A size of {x.shape[-1]}x{x.shape[-2]} is no multiple of {scale}; pad the picture.")
