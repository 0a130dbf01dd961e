"""Pictures in full size by a codec, in no more bytes than are given: what models are held against."""

from __future__ import annotations

import io
from typing import NamedTuple

import numpy as np
from PIL import Image, features

from unshrink.errors import UnknownNameError, UsageError
from unshrink.metrics.quality import Pixels

CODECS = {"jpeg": "JPEG", "webp": "WEBP", "avif": "AVIF"}
"""Pillow's names."""


class Coded(NamedTuple):
    """A picture as a codec gives it back."""

    rgb: Pixels
    bytes: int
    quality: int


def check_codec(name: str) -> None:
    """Raise UnknownNameError where there is no such codec, UsageError where this Pillow has it not."""
    if name not in CODECS:
        raise UnknownNameError("codec", name, CODECS)
    if name != "jpeg" and not features.check(name):
        raise UsageError(f"The Pillow that is installed writes no {CODECS[name]}; leave it out.")


def within_bytes(rgb: Pixels, name: str, most: int) -> Coded | None:
    """(H, W, 3) in the best quality that takes at most `most` bytes; None where even the least takes more."""
    low, high, best = 1, 100, None
    while low <= high:
        quality = (low + high) // 2
        data = _encode(rgb, name, quality)
        if len(data) <= most:
            best, low = (data, quality), quality + 1
        else:
            high = quality - 1
    if best is None:
        return None
    with Image.open(io.BytesIO(best[0])) as image:
        return Coded(np.asarray(image.convert("RGB")), len(best[0]), best[1])


def _encode(rgb: Pixels, name: str, quality: int) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(rgb).save(stream, CODECS[name], quality=quality)
    return stream.getvalue()
