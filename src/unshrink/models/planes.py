"""The low channels of a state: the LR picture's, and those of planes in [0, 1] beside it."""

from typing import NamedTuple

import torch
from torch import Tensor

LR_CHANNELS = 3
"""Red, green and blue: what an LR picture is made of, ahead of whatever else a network keeps."""
GAIN = 8.0
"""What planes' channels are multiplied with before the sigmoid; the paper's is 1, which leaves 8 bits mostly unused."""
LEAST = 0.5 / 255
"""What a plane is clipped to, here and at 1 - LEAST, before the logit: half an 8-bit level from either end."""


class Low(NamedTuple):
    """The low channels of a state."""

    lr: Tensor
    planes: Tensor


def read_low(low: Tensor, gain: float = GAIN) -> Low:
    """Low channels (B, 3 + P, h, w) -> LR (B, 3, h, w) and planes (B, P, h, w) in [0, 1]."""
    return Low(low[:, :LR_CHANNELS], torch.sigmoid(gain * low[:, LR_CHANNELS:]))


def write_low(lr: Tensor, planes: Tensor, gain: float = GAIN) -> Tensor:
    """The inverse of `read_low`."""
    return torch.cat([lr, logit(planes) / gain], dim=1)


def logit(plane: Tensor) -> Tensor:
    """Of the clipped plane; finite for anything in [0, 1], and with a gradient beyond the clip too."""
    return torch.logit(plane + (plane.clamp(LEAST, 1 - LEAST) - plane).detach())


def with_zeros(x: Tensor, channels: int) -> Tensor:
    """x (B, C, h, w) with `channels` more, all zero."""
    return torch.nn.functional.pad(x, (0, 0, 0, 0, 0, channels))
