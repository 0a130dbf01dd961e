"""EXIF blocks as plain bytes: a TIFF structure that begins with II or MM, without the prefix that JPEG puts before it.

What says how the pixels lie (orientation, sides, a preview) is changed in place, so that everything else (maker notes
with their absolute offsets) stays as the camera wrote it.
"""

from __future__ import annotations

import struct
from fractions import Fraction
from typing import TypeGuard

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from unshrink.files import tiff

__all__ = [
    "DESCRIPTIVE_TAGS", "JPEG_PREFIX", "SUB_DIRECTORIES", "fitted", "from_tags", "has_preview", "is_resolution",
    "orient", "orientation", "resolution", "upright", "with_resolution",
]  # fmt: skip

JPEG_PREFIX = b"Exif\0\0"
_ORIENTATION = 0x0112
_SHORT, _LONG = 3, 4
# Description, make, model, orientation, software, date, artist, copyright: what a TIFF says of its picture rather than
# of its bytes.
DESCRIPTIVE_TAGS = (0x010E, 0x010F, 0x0110, _ORIENTATION, 0x0131, 0x0132, 0x013B, 0x8298)
SUB_DIRECTORIES = (0x8769, 0x8825)
_ACROSS, _DOWN, _UNIT = 282, 283, 296
_WIDTH, _HEIGHT = 0xA002, 0xA003
_PREVIEW, _PREVIEW_LENGTH = 0x0201, 0x0202
_INCH, _CENTIMETRE = 2, 3
_TAG_ERRORS = (ArithmeticError, AttributeError, LookupError, OSError, SyntaxError, TypeError, ValueError, struct.error)


def orientation(exif: bytes | None) -> int:
    """The orientation, 1 (upright) to 8; 1 where the block has none or a wrong one."""
    block = _without_prefix(exif)
    entry = _orientation_entry(block)
    values = tiff.integers(block, entry)
    return values[0] if values and 1 <= values[0] <= 8 else 1


def upright(exif: bytes | None) -> bytes | None:
    """The block without prefix and with orientation 1; None where it is no EXIF block at all."""
    block = _without_prefix(exif)
    if tiff.byte_order(block) is None:
        return None
    entry = _orientation_entry(block)
    if entry is None or orientation(block) == 1:
        return block
    return _with_number(block, entry, 1)


def fitted(exif: bytes | None, size: tuple[int, int]) -> bytes | None:
    """The block as it belongs to upright pixels of `size` (height, width): orientation 1, and the sides it states.

    The preview of a picture that lay on its side is taken out.
    """
    block = upright(exif)
    if block is None:
        return None
    if orientation(exif) != 1:
        block = _without_preview(block)
    pointer = tiff.integers(block, tiff.first_directory(block).get(SUB_DIRECTORIES[0]))
    for tag, side in ((_HEIGHT, size[0]), (_WIDTH, size[1])):
        entry = tiff.directory(block, pointer[0]).entries.get(tag) if pointer else None
        if entry is not None and entry.number == 1 and entry.type in (_SHORT, _LONG):
            block = _with_number(block, entry, side)
    return block


def has_preview(exif: bytes | None) -> bool:
    """Whether a second directory, which holds a preview, follows the first."""
    block = _without_prefix(exif)
    return bool(tiff.directory(block, tiff.directory_offset(block)).next)


def _with_number(block: bytes, entry: tiff.Entry, value: int) -> bytes:
    """The block with one whole number in place of another; a longer one makes the entry a longer one."""
    order = tiff.byte_order(block) or "<"
    kind = _LONG if entry.type == _SHORT and value > 0xFFFF else entry.type
    number = struct.pack(order + ("I" if kind == _LONG else "H"), value).ljust(4, b"\0")
    changed = struct.pack(order + "HHI", entry.tag, kind, 1) + number
    return block[: entry.at] + changed + block[entry.at + 12 :]


def _without_preview(block: bytes) -> bytes:
    order, start = tiff.byte_order(block) or "<", tiff.directory_offset(block)
    following = tiff.directory(block, start).next
    if not following:
        return block
    held = tiff.directory(block, following).entries
    at, length = (tiff.integers(block, held.get(tag))[:1] for tag in (_PREVIEW, _PREVIEW_LENGTH))
    changed = bytearray(block)
    link = start + 2 + 12 * struct.unpack_from(order + "H", block, start)[0]
    struct.pack_into(order + "I", changed, link, 0)
    if at and length and at[0] + length[0] == len(block):
        del changed[at[0] :]
    elif at and length and at[0] >= 8 and at[0] + length[0] <= len(block):
        changed[at[0] : at[0] + length[0]] = bytes(length[0])
    return bytes(changed)


def _without_prefix(exif: bytes | None) -> bytes:
    return (exif or b"").removeprefix(JPEG_PREFIX)


def _orientation_entry(block: bytes) -> tiff.Entry | None:
    entry = tiff.first_directory(block).get(_ORIENTATION)
    # Some writers make it a long number, and viewers take it.
    return entry if entry is not None and entry.type in (_SHORT, _LONG) and entry.number == 1 else None


def orient(pixels: NDArray[np.uint8], value: int) -> NDArray[np.uint8]:
    """`pixels` (H, W, ...) turned upright; `value` is the EXIF orientation, 1 to 8, they are stored in."""
    if value >= 5:
        pixels = pixels.swapaxes(0, 1)  # 5 to 8 are stored with rows and columns exchanged
    flip_rows, flip_columns = value in (3, 4, 7, 8), value in (2, 3, 6, 7)
    pixels = pixels[::-1] if flip_rows else pixels
    pixels = pixels[:, ::-1] if flip_columns else pixels
    return np.ascontiguousarray(pixels)


def resolution(exif: bytes | None) -> tuple[float, float] | None:
    """Pixels an inch, across and down, as the block or a TIFF file states them; None where it does not."""
    block = _without_prefix(exif)
    tags = tiff.first_directory(block)
    unit = (tiff.integers(block, tags.get(_UNIT)) or (_INCH,))[0]
    across, down = (_rational(block, tags.get(tag)) for tag in (_ACROSS, _DOWN))
    if not across or not down or unit not in (_INCH, _CENTIMETRE):
        return None
    inch = 2.54 if unit == _CENTIMETRE else 1.0
    return across * inch, down * inch


def is_resolution(value: object) -> TypeGuard[tuple[float, float]]:
    """Whether `value` is two numbers of pixels an inch that a file can state."""
    return (
        isinstance(value, tuple) and len(value) == 2 and all(isinstance(v, int | float) and 0 < v < 1e6 for v in value)
    )


def with_resolution(exif: bytes | None, dpi: tuple[float, float] | None) -> bytes | None:
    """The block with that resolution, or one that holds nothing else; as it is where it says so already."""
    if dpi is None or resolution(exif) == dpi:
        return exif
    block = _without_prefix(exif) or b"II*\0" + bytes(4)
    order = tiff.byte_order(block) or "<"
    link = tiff.directory(block, tiff.directory_offset(block)).next
    return tiff.with_entries(block, resolution_fields(dpi, order), keep=True, following=link)


def resolution_fields(dpi: tuple[float, float], order: str) -> dict[int, tuple[int, bytes]]:
    """The three tags that state a resolution, as type and values."""
    across, down = (Fraction(number).limit_denominator(10_000) for number in dpi)
    pairs = [struct.pack(order + "II", one.numerator, one.denominator) for one in (across, down)]
    return {
        _ACROSS: (tiff.RATIONAL, pairs[0]),
        _DOWN: (tiff.RATIONAL, pairs[1]),
        _UNIT: (tiff.SHORT, struct.pack(order + "H", _INCH)),
    }


def _rational(block: bytes, entry: tiff.Entry | None) -> float | None:
    found = tiff.layout(block)
    if entry is None or found is None or entry.type != tiff.RATIONAL or entry.number != 1:
        return None
    above, below = struct.unpack_from(found.order + "II", block, entry.start)
    return above / below if below and 0 < above / below < 1e6 else None


def from_tags(image: Image.Image) -> bytes | None:
    """An EXIF block made of the descriptive tags of an opened picture (a TIFF keeps them among its own tags).

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
