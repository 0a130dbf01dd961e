"""Pictures to send, and what the application of the tests takes at most."""

from __future__ import annotations

import io
import zlib
from dataclasses import replace

import numpy as np
from PIL import Image

from unshrink.web.bounds import Bounds

BOUNDS = replace(Bounds(), upload=2_000_000, pixels=200_000)


def photo(size: tuple[int, int] = (64, 96), kind: str = "PNG", **options: object) -> bytes:
    """A soft colourful picture of (height, width) as a file."""
    y, x = np.mgrid[: size[0], : size[1]]
    planes = [128 + 100 * np.sin(x / 7 + phase) * np.cos(y / 5) for phase in range(3)]
    file = io.BytesIO()
    Image.fromarray(np.stack(planes, axis=-1).astype(np.uint8)).save(file, kind, **options)
    return file.getvalue()


def edited(lr):
    """An LR file with its header and other pixels."""
    start = lr.index(b"IDAT") - 4
    length = int.from_bytes(lr[start : start + 4], "big")
    raw = bytearray(zlib.decompress(lr[start + 8 : start + 8 + length]))
    raw[40] ^= 8
    body = zlib.compress(bytes(raw))
    crc = zlib.crc32(b"IDAT" + body).to_bytes(4, "big")
    return lr[:start] + len(body).to_bytes(4, "big") + b"IDAT" + body + crc + lr[start + 12 + length :]
