"""The directories of a TIFF structure (TIFF 6.0, section 2; BigTIFF), read in place: for TIFF files and EXIF blocks."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from typing import NamedTuple

__all__ = [
    "BODY_TAG", "ICC_TAG", "LONG", "RATIONAL", "SHORT", "UNDEFINED", "Directory", "Entry", "Layout", "byte_order",
    "chain", "directory", "directory_offset", "entry_bytes", "first_directory", "integers", "layout", "raw",
    "with_entries", "without",
]  # fmt: skip

BODY_TAG = 65107
"""The tag that holds the body of an LR file; TIFF leaves 65000 to 65535 free for private use."""

ICC_TAG = 34675
"""The tag that holds an ICC profile."""

SHORT, LONG, RATIONAL, UNDEFINED = 3, 4, 5, 7
"""Field types."""

_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
_INTEGER_CODES = {1: "B", 3: "H", 4: "I", 13: "I", 16: "Q", 18: "Q"}
_MOST_DIRECTORIES = 64
"""Directories that are followed; a file may link them in a circle."""


class Entry(NamedTuple):
    """One directory entry: tag, field type, number of values, where they begin and end, where the entry stands."""

    tag: int
    type: int
    number: int
    start: int
    end: int
    at: int


class Layout(NamedTuple):
    """How a TIFF structure is written."""

    order: str
    """"<" or ">" as `struct` writes them."""
    big: bool
    """BigTIFF: offsets and counts of 64 bits."""


class Directory(NamedTuple):
    """The entries of one directory whose values lie inside the data, and the offset of the next one, or 0."""

    entries: dict[int, Entry]
    next: int


def byte_order(data: bytes) -> str | None:
    """ "<" or ">" as `struct` writes them, or None where `data` is no classic TIFF structure."""
    return {b"II*\0": "<", b"MM\0*": ">"}.get(data[:4]) if len(data) >= 8 else None


def layout(data: bytes) -> Layout | None:
    """The layout that the first bytes of a TIFF or BigTIFF state, or None where they are neither."""
    order = byte_order(data)
    if order is not None:
        return Layout(order, big=False)
    order = {b"II+\0": "<", b"MM\0+": ">"}.get(data[:4]) if len(data) >= 16 else None
    return None if order is None else Layout(order, big=True)


def first_directory(data: bytes) -> dict[int, Entry]:
    """The entries of the first directory whose values lie inside `data`; empty where it cannot be read."""
    return directory(data, directory_offset(data)).entries


def directory_offset(data: bytes) -> int:
    """Where the header says that the first directory begins; 0 where `data` is no TIFF structure."""
    found = layout(data)
    if found is None:
        return 0
    return int(struct.unpack_from(found.order + ("Q" if found.big else "I"), data, 8 if found.big else 4)[0])


def chain(data: bytes) -> Iterator[Directory]:
    """The directories from the first on, each as long as it can be read."""
    seen: set[int] = set()
    at = directory_offset(data)
    while at and at not in seen and len(seen) < _MOST_DIRECTORIES:
        seen.add(at)
        found = directory(data, at)
        if not found.entries:
            return
        yield found
        at = found.next


def directory(data: bytes, offset: int) -> Directory:
    """The directory at `offset`; one without entries where none can be read there."""
    found = layout(data)
    wide = 8 if found is not None and found.big else 2
    if found is None or not 0 < offset <= len(data) - wide:
        return Directory({}, 0)
    count = struct.unpack_from(found.order + ("Q" if found.big else "H"), data, offset)[0]
    step = 20 if found.big else 12
    end = offset + wide + step * count
    entries = {entry.tag: entry for entry in _entries(data, found, offset + wide, min(end, len(data) - step + 1))}
    link = 8 if found.big else 4
    following = (
        struct.unpack_from(found.order + ("Q" if found.big else "I"), data, end)[0] if end + link <= len(data) else 0
    )
    return Directory(entries, int(following))


def _entries(data: bytes, found: Layout, start: int, end: int) -> Iterator[Entry]:
    step, inline = (20, 8) if found.big else (12, 4)
    head, word = found.order + ("HHQ" if found.big else "HHI"), found.order + ("Q" if found.big else "I")
    for at in range(start, end, step):
        tag, kind, number = struct.unpack_from(head, data, at)
        length = _SIZES.get(kind, 0) * number
        place = at + step - inline
        begin = place if length <= inline else struct.unpack_from(word, data, place)[0]
        if length and begin + length <= len(data):
            yield Entry(tag, kind, number, begin, begin + length, at)


def integers(data: bytes, entry: Entry | None) -> tuple[int, ...]:
    """The values of an entry of whole numbers; empty for any other entry and for None."""
    found = layout(data)
    if entry is None or found is None or entry.type not in _INTEGER_CODES:
        return ()
    return struct.unpack_from(f"{found.order}{entry.number}{_INTEGER_CODES[entry.type]}", data, entry.start)


def raw(data: bytes, entry: Entry | None) -> bytes | None:
    """The bytes that `entry` points at, or None for None."""
    return None if entry is None else data[entry.start : entry.end]


def without(data: bytes, tag: int) -> bytes:
    """The classic file without that entry of its first directory and without its value; all else stays in place.

    A value at the end of the file is cut off, and one in the middle becomes zeros.
    """
    entry = first_directory(data).get(tag)
    order = byte_order(data)
    if entry is None or order is None:
        return data
    changed = bytearray(data)
    changed[entry.start : entry.end] = bytes(entry.end - entry.start)
    start = directory_offset(data)
    (count,) = struct.unpack_from(order + "H", data, start)
    # Entries behind it and the link to the next directory move up.
    end = start + 2 + 12 * count + 4
    changed[entry.at : end] = changed[entry.at + 12 : end] + bytes(12)
    struct.pack_into(order + "H", changed, start, count - 1)
    if entry.end - entry.start > 4 and len(data) - entry.end <= 1:
        del changed[entry.start :]
    return bytes(changed)


def entry_bytes(order: str, tag: int, type: int, values: bytes) -> tuple[bytes, bytes]:
    """The head of a classic entry (tag, type, number) and its values as bytes."""
    return struct.pack(order + "HHI", tag, type, len(values) // _SIZES[type]), values


def with_entries(data: bytes, fields: Mapping[int, tuple[int, bytes]], *, keep: bool, following: int = 0) -> bytes:
    """A classic structure like `data` whose first directory is a new one at the end: `fields`, as type and values.

    With `keep` the other entries of the first directory are in it too. Nothing else moves, so every offset stays right.
    A BigTIFF becomes a classic one. Raises ValueError where the structure would pass 4 GiB.
    """
    found = layout(data)
    order = found.order if found else "<"
    start = len(data) + len(data) % 2
    old = {tag: data[entry.at : entry.at + 12] for tag, entry in first_directory(data).items()} if keep else {}
    count = len({*old, *fields})
    at = start + 2 + 12 * count + 4
    values = b""
    for tag, (kind, held) in fields.items():
        head, held = entry_bytes(order, tag, kind, held)
        inline = len(held) <= 4
        old[tag] = head + (held.ljust(4, b"\0") if inline else struct.pack(order + "I", at + len(values)))
        values += b"" if inline else held + bytes(len(held) % 2)
    if at + len(values) >= 2**32:
        raise ValueError("a TIFF holds at most 4 GiB")
    magic = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "I", start)
    listed = b"".join(old[tag] for tag in sorted(old))
    end = struct.pack(order + "I", following)
    return b"".join([magic, data[8:].ljust(start - 8, b"\0"), struct.pack(order + "H", count), listed, end, values])
