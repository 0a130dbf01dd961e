"""EXIF blocks as plain bytes: a TIFF structure that begins with II or MM, without the prefix that JPEG puts before it.

Only the orientation is ever touched, in place, so that everything else (maker notes with their absolute offsets) stays
as the camera wrote it.
"""

from __future__ import annotations

import struct

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from unshrink.files import tiff

__all__ = ["DESCRIPTIVE_TAGS", "JPEG_PREFIX", "SUB_DIRECTORIES", "from_tags", "orient", "orientation", "upright"]

JPEG_PREFIX = b"Exif\0\0"
_ORIENTATION = 0x0112
_SHORT = 3
# Description, make, model, orientation, software, date, artist, copyright: what a TIFF says of its picture rather than
# of its bytes.
DESCRIPTIVE_TAGS = (0x010E, 0x010F, 0x0110, _ORIENTATION, 0x0131, 0x0132, 0x013B, 0x8298)
SUB_DIRECTORIES = (0x8769, 0x8825)
_TAG_ERRORS = (ArithmeticError, AttributeError, LookupError, OSError, SyntaxError, TypeError, ValueError, struct.error)


def orientation(exif: bytes | None) -> int:
    """Return the orientation, 1 (upright) to 8; 1 where the block has none or a wrong one."""
    block = _without_prefix(exif)
    entry = _orientation_entry(block)
    values = tiff.integers(block, entry)
    return values[0] if values and 1 <= values[0] <= 8 else 1


def upright(exif: bytes | None) -> bytes | None:
    """Return the block without prefix and with orientation 1; None where it is no EXIF block at all."""
    block = _without_prefix(exif)
    if tiff.byte_order(block) is None:
        return None
    entry = _orientation_entry(block)
    if entry is None or orientation(block) == 1:
        return block
    one = (1).to_bytes(2, "little" if tiff.byte_order(block) == "<" else "big")
    return block[: entry.start] + one + block[entry.start + 2 :]


def _without_prefix(exif: bytes | None) -> bytes:
    return (exif or b"").removeprefix(JPEG_PREFIX)


def _orientation_entry(block: bytes) -> tiff.Entry | None:
    entry = tiff.first_directory(block).get(_ORIENTATION)
    return entry if entry is not None and entry.type == _SHORT and entry.number == 1 else None


def orient(pixels: NDArray[np.uint8], value: int) -> NDArray[np.uint8]:
    """Return ``pixels`` (H, W, ...) turned upright; ``value`` is the EXIF orientation, 1 to 8, they are stored in."""
    if value >= 5:
        pixels = pixels.swapaxes(0, 1)  # 5 to 8 are stored with rows and columns exchanged
    flip_rows, flip_columns = value in (3, 4, 7, 8), value in (2, 3, 6, 7)
    pixels = pixels[::-1] if flip_rows else pixels
    pixels = pixels[:, ::-1] if flip_columns else pixels
    return np.ascontiguousarray(pixels)


def from_tags(image: Image.Image) -> bytes | None:
    """Return an EXIF block made of the descriptive tags of an opened picture (a TIFF keeps them among its own tags).

    None where there are none, or where Pillow cannot write them again: no reason to refuse the picture.
    """
    try:
        return _descriptive_block(image.getexif())
    except _TAG_ERRORS:
        return None


def _descriptive_block(source: Image.Exif) -> bytes | None:
    target = Image.Exif()
    for tag in DESCRIPTIVE_TAGS:
        if tag in source:
            target[tag] = source[tag]
    for tag in SUB_DIRECTORIES:
        if values := source.get_ifd(tag):
            target[tag] = dict(values)
    return target.tobytes().removeprefix(JPEG_PREFIX) if len(target) else None
