"""WebP as a list of RIFF chunks (WebP container specification); pixels are left to Pillow."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from unshrink.errors import UnreadableInputError
from unshrink.files.metadata import Metadata

__all__ = [
    "BODY_CHUNK", "MAX_SIDE", "Chunk", "canvas", "extended", "is_animated", "join", "kinds", "only", "read_chunks",
    "walk",
]  # fmt: skip

BODY_CHUNK = b"unSH"
MAX_SIDE = 16383
"""Pixels that a WebP picture may have on a side."""

_FLAG_ICC, _FLAG_ALPHA, _FLAG_EXIF, _FLAG_XMP = 0x20, 0x10, 0x08, 0x04
_PICTURES = (b"VP8 ", b"VP8L")


class Chunk(NamedTuple):
    """One RIFF chunk: its four-letter type and its data, without the padding byte."""

    kind: bytes
    data: bytes


def walk(data: bytes) -> Iterator[Chunk]:
    """Yield the chunks that lie whole inside ``data`` and inside the length that RIFF states."""
    end = min(len(data), 8 + int.from_bytes(data[4:8], "little"))
    at = 12
    while at + 8 <= end:
        length = int.from_bytes(data[at + 4 : at + 8], "little")
        if at + 8 + length > end:
            return
        yield Chunk(data[at : at + 4], data[at + 8 : at + 8 + length])
        at += 8 + length + length % 2


def kinds(data: bytes) -> Iterator[bytes]:
    """The types of the chunks in order; nothing is copied or checked."""
    at = 12
    while at + 8 <= len(data):
        yield data[at : at + 4]
        length = int.from_bytes(data[at + 4 : at + 8], "little")
        at += 8 + length + length % 2


def read_chunks(data: bytes, name: str) -> list[Chunk]:
    """Return all chunks; raises ``UnreadableInputError`` where the file is cut short or its lengths do not add up."""
    chunks = list(walk(data))
    stated = 8 + int.from_bytes(data[4:8], "little")
    held = 12 + sum(8 + len(chunk.data) + len(chunk.data) % 2 for chunk in chunks)
    # Some writers leave out the padding byte of the last chunk.
    if stated > len(data) or held not in (stated, stated + 1) or not chunks:
        raise UnreadableInputError(f"{name} is cut short or damaged: its WebP chunks do not add up; get a whole copy.")
    return chunks


def only(chunks: Iterable[Chunk], kind: bytes) -> bytes | None:
    """Return the data of the first chunk of that kind, or None."""
    return next((chunk.data for chunk in chunks if chunk.kind == kind), None)


def is_animated(chunks: Iterable[Chunk]) -> bool:
    """Say whether the file holds an animation."""
    return any(chunk.kind in (b"ANIM", b"ANMF") for chunk in chunks)


def canvas(chunks: Sequence[Chunk], name: str) -> tuple[int, int]:
    """Return width and height in pixels, the largest that any chunk states; raises ``UnreadableInputError``."""
    sizes = [size for chunk in chunks if (size := _stated_size(chunk)) is not None]
    if not sizes:
        raise UnreadableInputError(f"{name} is damaged: the WebP holds no picture; get a good copy.")
    return max(width for width, _ in sizes), max(height for _, height in sizes)


def _stated_size(chunk: Chunk) -> tuple[int, int] | None:
    data = chunk.data
    if chunk.kind == b"VP8X" and len(data) >= 10:
        return 1 + int.from_bytes(data[4:7], "little"), 1 + int.from_bytes(data[7:10], "little")
    if chunk.kind == b"VP8L" and len(data) >= 5:
        bits = int.from_bytes(data[1:5], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if chunk.kind == b"VP8 " and len(data) >= 10:
        width, height = struct.unpack_from("<HH", data, 6)
        return width & 0x3FFF, height & 0x3FFF
    return None


def join(chunks: Iterable[Chunk]) -> bytes:
    """Return the WebP file made of ``chunks``."""
    parts = [b"WEBP"]
    for kind, data in chunks:
        parts += [kind, len(data).to_bytes(4, "little"), data, b"\0" * (len(data) % 2)]
    length = sum(map(len, parts))
    return b"".join([b"RIFF", length.to_bytes(4, "little"), *parts])


def extended(
    picture: Chunk, size: tuple[int, int], *, alpha: bool, metadata: Metadata, body: bytes | None
) -> list[Chunk]:
    """The chunks of an extended (VP8X) file around the coded `picture` of `size` (height, width)."""
    flags = (_FLAG_ICC if metadata.icc else 0) | (_FLAG_EXIF if metadata.exif else 0)
    flags |= (_FLAG_XMP if metadata.xmp else 0) | (_FLAG_ALPHA if alpha else 0)
    height, width = size
    sides = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    chunks = [Chunk(b"VP8X", bytes([flags, 0, 0, 0]) + sides)]
    chunks += [Chunk(b"ICCP", metadata.icc)] if metadata.icc else []
    chunks += [picture]
    chunks += [Chunk(b"EXIF", metadata.exif)] if metadata.exif else []
    chunks += [Chunk(b"XMP ", metadata.xmp)] if metadata.xmp else []
    chunks += [Chunk(BODY_CHUNK, body)] if body else []
    return chunks
