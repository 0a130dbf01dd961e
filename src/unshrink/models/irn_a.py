"""IRN-A: an IRN that stores the best of what it leaves out as one more 8-bit plane (Yin et al., ICASSP 2023)."""

from dataclasses import dataclass
from math import prod
from typing import Literal

import torch
from torch import Tensor

from unshrink.models.chain import ChainRescaler
from unshrink.models.irn import LevelSettings, build_links, count_channels
from unshrink.models.payloads import Plane
from unshrink.models.planes import LR_CHANNELS
from unshrink.nn.invertible import Chain, Invertible


@dataclass(frozen=True)
class IRNASettings:
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


class IRNA(ChainRescaler):
    """A bijection between an HR picture and an LR picture, one plane beside it, and a latent z.

        x (B, 3, H, W) <-> y (B, 3, H/s, W/s), payload (B, 1, H/s, W/s), z (B, 3*s*s - 4, H/s, W/s)

    The payload is the fourth channel of the low branch, which the couplings change like the LR's three, through a
    sigmoid; a file stores it in 8 bits. z = 0 when restoring. Source: Yin et al., ICASSP 2023, on IRN or, with
    augmented levels, on DLV-IRN. Ours: the clip before the logit (the paper's is infinite at 0 and 255), that 0 is
    never stored, the gain, and with `start` "none" that the channel is simply the first of the high ones.
    """

    def __init__(self, settings: IRNASettings) -> None:
        super().__init__(
            Chain(_links(settings)),
            settings.scale,
            channels=count_channels(settings.levels),
            low=LR_CHANNELS + int(settings.split == "pre"),
            payload=Plane(),
            gain=settings.gain,
        )
        self.settings = settings


def _links(settings: IRNASettings) -> list[Invertible]:
    if settings.split == "post":
        return build_links(settings.levels, settings.clamp)
    start = [MeanFirst()] if settings.start == "mean" else []
    return build_links(settings.levels, settings.clamp, low=LR_CHANNELS + 1, after_first=start)
