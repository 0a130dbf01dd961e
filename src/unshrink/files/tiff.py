"""The first directory of a TIFF structure (TIFF 6.0, section 2), read in place: for TIFF files and for EXIF blocks."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple

__all__ = ["BODY_TAG", "ICC_TAG", "Entry", "byte_order", "directory_offset", "first_directory", "integers", "raw"]

BODY_TAG = 65107
"""The tag that holds the body of an LR file; TIFF leaves 65000 to 65535 free for private use."""

ICC_TAG = 34675
"""The tag that holds an ICC profile."""

_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8}
_INTEGER_CODES = {1: "B", 3: "H", 4: "I"}


class Entry(NamedTuple):
    """One directory entry: tag, field type, number of values, where they begin and end, where the entry stands."""

    tag: int
    type: int
    number: int
    start: int
    end: int
    at: int


def byte_order(data: bytes) -> str | None:
    """Return "<" or ">" as ``struct`` writes them, or None where ``data`` is no classic TIFF structure."""
    return {b"II*\0": "<", b"MM\0*": ">"}.get(data[:4]) if len(data) >= 8 else None


def first_directory(data: bytes) -> dict[int, Entry]:
    """Return the entries of the first directory whose values lie inside ``data``; empty where it cannot be read."""
    return {entry.tag: entry for entry in _entries(data)}


def directory_offset(data: bytes) -> int:
    """Return where the header says that the first directory begins; 0 where ``data`` is no TIFF structure."""
    order = byte_order(data)
    return 0 if order is None else int(struct.unpack_from(order + "I", data, 4)[0])


def _entries(data: bytes) -> Iterator[Entry]:
    order = byte_order(data)
    start = directory_offset(data)
    if order is None or start + 2 > len(data):
        return
    (count,) = struct.unpack_from(order + "H", data, start)
    for at in range(start + 2, min(start + 2 + 12 * count, len(data) - 11), 12):
        tag, kind, number = struct.unpack_from(order + "HHI", data, at)
        length = _SIZES.get(kind, 0) * number
        begin = at + 8 if length <= 4 else struct.unpack_from(order + "I", data, at + 8)[0]
        if length and begin + length <= len(data):
            yield Entry(tag, kind, number, begin, begin + length, at)


def integers(data: bytes, entry: Entry | None) -> tuple[int, ...]:
    """Return the values of an entry of bytes, 16 bit or 32 bit numbers; empty for any other entry and for None."""
    order = byte_order(data)
    if entry is None or order is None or entry.type not in _INTEGER_CODES:
        return ()
    return struct.unpack_from(f"{order}{entry.number}{_INTEGER_CODES[entry.type]}", data, entry.start)


def raw(data: bytes, entry: Entry | None) -> bytes | None:
    """Return the bytes that ``entry`` points at, or None for None."""
    return None if entry is None else data[entry.start : entry.end]
