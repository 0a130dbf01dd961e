"""BMP pixels of 16 or 32 bits whose colours and alpha are bit masks (BITMAPINFOHEADER and its successors)."""

from __future__ import annotations

import struct

import numpy as np
from numpy.typing import NDArray

from unshrink.errors import UnreadableInputError
from unshrink.files.checks import check_size

__all__ = ["read_masked"]

_HEAD = 14
_BITFIELDS, _ALPHA_BITFIELDS = 3, 6
_USUAL = {(16, 0x7C00, 0x3E0, 0x1F, 0), (16, 0xF800, 0x7E0, 0x1F, 0), (32, 0xFF0000, 0xFF00, 0xFF, 0),
          (32, 0xFF0000, 0xFF00, 0xFF, 0xFF000000)}  # fmt: skip


def read_masked(data: bytes, name: str, max_pixels: int) -> NDArray[np.uint8] | None:
    """The samples (H, W, 3 or 4) of such a file; None for other files, and for masks that every reader knows.

    Raises UnreadableInputError where rows are missing or a mask is none, and LimitError.
    """
    if len(data) < _HEAD + 40:
        return None
    start, length = struct.unpack_from("<II", data, 10)
    width, height, _, bits, compression = struct.unpack_from("<iiHHI", data, _HEAD + 4)
    if compression not in (_BITFIELDS, _ALPHA_BITFIELDS) or bits not in (16, 32) or length < 40:
        return None
    count = 4 if length >= 56 or compression == _ALPHA_BITFIELDS else 3
    held = data[_HEAD + 40 : _HEAD + 40 + 4 * count].ljust(16, b"\0")
    masks = struct.unpack("<4I", held) if count == 4 else (*struct.unpack("<3I", held[:12]), 0)
    if (bits, *masks) in _USUAL:
        return None
    check_size((width, abs(height)), max_pixels, name)
    step = (width * bits // 8 + 3) // 4 * 4
    if start + step * abs(height) > len(data) or not all(masks[:3]):
        raise UnreadableInputError(f"{name} is damaged or cut short: the BMP lacks rows or masks; get a whole copy.")
    rows = np.frombuffer(data, dtype=np.uint8, count=step * abs(height), offset=start).reshape(abs(height), step)
    words = np.ascontiguousarray(rows[:, : width * bits // 8]).view("<u2" if bits == 16 else "<u4")
    samples = np.stack([_channel(words, mask) for mask in masks if mask], axis=2)
    return samples if height < 0 else np.ascontiguousarray(samples[::-1])


def _channel(words: NDArray[np.uint16] | NDArray[np.uint32], mask: int) -> NDArray[np.uint8]:
    shift = (mask & -mask).bit_length() - 1
    most = mask >> shift
    values = (words.astype(np.uint64) & np.uint64(mask)) >> np.uint64(shift)
    return ((values * np.uint64(255) + np.uint64(most // 2)) // np.uint64(most)).astype(np.uint8)
