"""IRN-A: an IRN that stores the best of what it leaves out as one more 8-bit plane (Yin et al., ICASSP 2023)."""

from dataclasses import dataclass
from math import prod
from typing import Literal

import torch
from torch import Tensor

from unshrink.models.base import Rescaler, Size, Split
from unshrink.models.bijection import LR_CHANNELS, measure_reach, require_multiple, state_floats, with_zeros
from unshrink.models.irn import LevelSettings, build_links, count_channels
from unshrink.nn.invertible import Chain, Invertible
from unshrink.nn.quantise import quantise

LEAST = 0.5 / 255
"""What the payload is clipped to, here and at 1 - LEAST, before the logit: half an 8-bit level from either end."""
LOWEST = 1
"""The smallest 8-bit payload that is stored: other programs do not keep the colour of transparent pixels."""


@dataclass(frozen=True)
class AuxiliarySettings:
    """Everything that decides the shape of an IRN-A."""

    levels: tuple[LevelSettings, ...] = (LevelSettings(),)
    """Finest first; the scale is the product of their factors."""
    clamp: float = 1.0
    """The largest log-scale of a coupling."""
    split: Literal["pre", "post"] = "pre"
    """Whether the payload is a channel of the low branch from the start, or the first channel of z at the end."""
    start: Literal["mean", "none"] = "mean"
    """What the payload's channel starts as with "pre": the mean of the high channels, or the first of them."""
    gain: float = 1.0
    """What the payload's channel is multiplied with before the sigmoid."""

    @property
    def scale(self) -> int:
        """HR pixels per LR pixel along each axis."""
        return prod(level.factor for level in self.levels)


class MeanFirst(Invertible):
    """Replace the first high channel by the mean of all high channels; the `low` first channels stay as they are.

    The first high channel comes back as the mean times their number less the sum of the others. Source: equation 1
    of Yin et al., ICASSP 2023.
    """

    def __init__(self, low: int = LR_CHANNELS) -> None:
        super().__init__()
        self.low = low

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> the same shape: low, the mean, the high channels but the first."""
        high = x[:, self.low :]
        return torch.cat([x[:, : self.low], high.mean(1, keepdim=True), high[:, 1:]], dim=1)

    def inverse(self, y: Tensor) -> Tensor:
        """(B, C, H, W) -> the same shape; undoes `forward`."""
        mean, others = y[:, self.low : self.low + 1], y[:, self.low + 1 :]
        first = mean * (others.shape[1] + 1) - others.sum(1, keepdim=True)
        return torch.cat([y[:, : self.low], first, others], dim=1)


class IRNA(Rescaler):
    """A bijection between an HR picture and an LR picture, one plane beside it, and a latent z.

        x (B, 3, H, W) <-> y (B, 3, H/s, W/s), payload (B, 1, H/s, W/s), z (B, 3*s*s - 4, H/s, W/s)

    The payload is the fourth channel of the low branch, which the couplings change like the LR's three, through a
    sigmoid; a file stores it in 8 bits. z = 0 when restoring. Source: Yin et al., ICASSP 2023, on IRN or, with
    augmented levels, on DLV-IRN. Ours: the clip before the logit (the paper's is infinite at 0 and 255), that 0 is
    never stored, the gain, and with `start` "none" that the channel is simply the first of the high ones.
    """

    scale: int

    def __init__(self, settings: AuxiliarySettings) -> None:
        super().__init__()
        self.settings = settings
        self.scale: int = settings.scale
        self.low = LR_CHANNELS + int(settings.split == "pre")
        """Channels that every coupling takes for low ones."""
        self.chain = Chain(_links(settings))
        self.reach = measure_reach(self.chain)
        self.floats = state_floats(count_channels(settings.levels), settings.scale)

    @property
    def latent_channels(self) -> int:
        """Channels of z, the downscaling latent's among them."""
        return count_channels(self.settings.levels) - LR_CHANNELS - 1

    def split(self, hr: Tensor, size: Size | None = None) -> Split:
        """HR (B, 3, H, W) -> LR (B, 3, H/s, W/s), payload (B, 1, H/s, W/s) in [0, 1], z. UsageError for other sizes."""
        del size
        require_multiple(hr, self.scale)
        state = self.chain(hr)
        return Split(state[:, :LR_CHANNELS], self._plane(state), state[:, LR_CHANNELS + 1 :])

    def downscale(self, hr: Tensor, size: Size | None = None) -> tuple[Tensor, Tensor]:
        """LR and payload as `split` gives them, without what only z needs."""
        del size
        require_multiple(hr, self.scale)
        low = self.chain.head(hr, LR_CHANNELS + 1)
        return low[:, :LR_CHANNELS], self._plane(low)

    def upscale(
        self, lr: Tensor, payload: Tensor | None = None, *, latent: Tensor | None = None, size: Size | None = None
    ) -> Tensor:
        """LR (B, 3, h, w), payload (B, 1, h, w) and z -> HR (B, 3, h*s, w*s).

        None is 1/2 for the payload, where the sigmoid is centred, and zero for z.
        """
        del size
        low = with_zeros(lr, 1) if payload is None else torch.cat([lr, logit(payload) / self.settings.gain], dim=1)
        state = with_zeros(low, self.latent_channels) if latent is None else torch.cat([low, latent], dim=1)
        return self.chain.inverse_(state)

    def _plane(self, state: Tensor) -> Tensor:
        return torch.sigmoid(self.settings.gain * state[:, LR_CHANNELS : LR_CHANNELS + 1])

    def stored(self, payload: Tensor | None) -> Tensor | None:
        """The payload in 8 bits, 1 to 255 over 255, with the identity for its gradient."""
        return None if payload is None else store_plane(payload)


def _links(settings: AuxiliarySettings) -> list[Invertible]:
    if settings.split == "post":
        return build_links(settings.levels, settings.clamp)
    start = [MeanFirst()] if settings.start == "mean" else []
    return build_links(settings.levels, settings.clamp, low=LR_CHANNELS + 1, after_first=start)


def store_plane(payload: Tensor) -> Tensor:
    """A plane in [0, 1] in 8 bits, 1 to 255 over 255, with the identity for its gradient."""
    return quantise(payload, LOWEST)


def logit(plane: Tensor) -> Tensor:
    """Of the clipped plane; finite for anything in [0, 1], and with a gradient beyond the clip too."""
    return torch.logit(plane + (plane.clamp(LEAST, 1 - LEAST) - plane).detach())
