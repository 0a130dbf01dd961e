"""One plane of 8 bits of the LR picture's size, as the alpha channel of the paper (Yin et al., ICASSP 2023)."""

from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from unshrink.errors import damaged_payload
from unshrink.files.payload import lossless_plane_decode, lossless_plane_encode
from unshrink.files.sections import PLANE_SECTION
from unshrink.models.payloads.kind import Coding, PayloadKind
from unshrink.nn.quantise import quantise

LOWEST = 1
"""The smallest 8-bit value that is stored: other programs do not keep the colour of transparent pixels."""


class Plane(PayloadKind):
    """(B, 1, h, w) in [0, 1]."""

    name = "alpha"
    section = PLANE_SECTION
    cell = 1
    raw = True
    refined = True
    bounded = False
    step = 1 / 255
    span: ClassVar[tuple[float, float]] = (LOWEST / 255, 1.0)
    absent = 0.5

    def rounded(self, payload: Tensor) -> Tensor:
        """In 8 bits, 1 to 255 over 255."""
        return quantise(payload, LOWEST)

    def encode(self, payload: Tensor, coding: Coding) -> bytes:
        """Levels from `coding.least` to 255, a byte each or coded without loss."""
        levels = _to_levels(payload, coding.least)[0, 0].to(torch.uint8).contiguous().numpy()
        return levels.tobytes() if coding.raw else lossless_plane_encode(levels)

    def decode(self, data: bytes, coding: Coding) -> Tensor:
        """See `PayloadKind`."""
        if coding.raw:
            levels = np.frombuffer(data, np.uint8).reshape(coding.size)
        else:
            levels = lossless_plane_decode(data, coding.size, limits=coding.limits)
        if int(levels.min()) < coding.least:
            raise damaged_payload(f"it has a value of {int(levels.min())}, and the smallest is {coding.least}")
        return _from_levels(torch.tensor(levels).float(), coding.least)[None, None]


def _to_levels(payload: Tensor, least: int) -> Tensor:
    """Payload in [0, 1] -> whole numbers from `least` to 255: 1 / 255 becomes the least, 1 becomes 255."""
    levels = (payload.clamp(1 / 255, 1) * 255 - 1) * ((255 - least) / 254)
    return levels.round() + least


def _from_levels(levels: Tensor, least: int) -> Tensor:
    return ((levels - least) * (254 / (255 - least)) + 1) / 255
