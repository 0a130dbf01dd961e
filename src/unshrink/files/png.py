"""PNG as a list of chunks (PNG specification, section 5): walked with every CRC checked, put together again.

Pixels are left to Pillow.  Pillow does not check the CRC of IDAT and narrows 16 bit silently, so both are done here.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from unshrink.errors import DamagedLRFileError, LimitError, UnreadableInputError, UnsupportedPictureError
from unshrink.limits import Limits

__all__ = [
    "BODY_CHUNK", "HEAD_END", "SIGNATURE", "Chunk", "Head", "body_chunks", "frame_count", "head", "icc_chunk",
    "icc_profile", "insert_before_pixels", "join", "join_body", "kinds", "only", "read_chunks", "walk",
]  # fmt: skip

SIGNATURE = b"\x89PNG\r\n\x1a\n"
HEAD_END = 33
"""Where IHDR, the first chunk, ends."""
_IEND = b"\0\0\0\0IEND\xaeB`\x82"
BODY_CHUNK = b"unSH"
"""Ancillary, private, and unsafe to copy (4th letter upper-case): an editor that changes pixels drops it."""


class Chunk(NamedTuple):
    """One chunk: its four-letter type and its data."""

    kind: bytes
    data: bytes


class Head(NamedTuple):
    """What IHDR says: width and height in pixels, bits per sample, colour type (0, 2, 3, 4 or 6)."""

    width: int
    height: int
    depth: int
    colour: int


def walk(data: bytes) -> Iterator[tuple[Chunk, bool]]:
    """Yield each chunk and whether its CRC is right, until IEND or the end of ``data``; a chunk cut short ends it."""
    at = len(SIGNATURE)
    while at + 12 <= len(data):
        length = int.from_bytes(data[at : at + 4])
        end = at + 8 + length
        if end + 4 > len(data):
            return
        chunk = Chunk(data[at + 4 : at + 8], data[at + 8 : end])
        yield chunk, zlib.crc32(chunk.data, zlib.crc32(chunk.kind)) == int.from_bytes(data[end : end + 4])
        if chunk.kind == b"IEND":
            return
        at = end + 4


def kinds(data: bytes) -> Iterator[bytes]:
    """The types of the chunks in order, until IEND or the end of `data`; nothing is copied or checked."""
    at = len(SIGNATURE)
    while at + 12 <= len(data):
        kind = data[at + 4 : at + 8]
        yield kind
        if kind == b"IEND":
            return
        at += 12 + int.from_bytes(data[at : at + 4])


def read_chunks(data: bytes, name: str) -> list[Chunk]:
    """All chunks from IHDR to IEND; what follows IEND is ignored, as every reader does.

    Raises UnreadableInputError where a CRC is wrong, IHDR is not first, or the file ends within a chunk. Whether IEND
    alone is missing, behind IDAT, is left to the caller: it may be all that is.
    """
    if data[len(SIGNATURE) + 4 : len(SIGNATURE) + 8] == b"CgBI":
        raise UnsupportedPictureError(f"{name} is a PNG in Apple's own variant (CgBI); convert it to PNG first.")
    chunks: list[Chunk] = []
    at = len(SIGNATURE)
    for chunk, sound in walk(data):
        at += 12 + len(chunk.data)
        if not sound:
            kind = chunk.kind.decode("ascii", "replace")
            raise UnreadableInputError(f"{name} is damaged: the CRC of PNG chunk {kind!r} is wrong; get a good copy.")
        chunks.append(chunk)
    ended = bool(chunks) and chunks[-1].kind == b"IEND"
    if not ended and not (any(chunk.kind == b"IDAT" for chunk in chunks) and _IEND.startswith(data[at:])):
        raise UnreadableInputError(f"{name} is cut short: the PNG ends before its end mark; get a whole copy.")
    if chunks[0].kind != b"IHDR" or len(chunks[0].data) != 13:
        raise UnreadableInputError(f"{name} is damaged: the PNG does not begin with its header; get a good copy.")
    return chunks


def head(chunks: Sequence[Chunk]) -> Head:
    """Return what IHDR, the first of ``chunks``, says."""
    return Head(*struct.unpack_from(">IIBB", chunks[0].data))


def only(chunks: Iterable[Chunk], kind: bytes) -> bytes | None:
    """Return the data of the first chunk of that kind, or None."""
    return next((chunk.data for chunk in chunks if chunk.kind == kind), None)


def frame_count(chunks: Iterable[Chunk]) -> int:
    """Return the number of frames: 1, or what acTL says of an animated PNG."""
    control = only(chunks, b"acTL")
    return int.from_bytes(control[:4]) if control else 1


def icc_profile(chunks: Iterable[Chunk], limits: Limits, name: str) -> bytes | None:
    """Return the ICC profile of iCCP, or None where there is none or it is broken.

    Raises ``LimitError`` where it is longer than ``limits.max_metadata_bytes``, before it is inflated.
    """
    data = only(chunks, b"iCCP")
    if data is None:
        return None
    _, _, rest = data.partition(b"\0")
    inflater = zlib.decompressobj()
    try:
        profile = inflater.decompress(rest[1:], limits.max_metadata_bytes + 1)
    except zlib.error:
        return None
    if len(profile) > limits.max_metadata_bytes:
        raise LimitError(f"{name} has a colour profile over the limit of {limits.max_metadata_bytes} bytes; remove it.")
    return profile if inflater.eof else None


def icc_chunk(profile: bytes) -> Chunk:
    """Return the iCCP chunk that holds ``profile``."""
    return Chunk(b"iCCP", b"ICC Profile\0\0" + zlib.compress(profile, 9))


def join(chunks: Iterable[Chunk]) -> bytes:
    """Return the PNG file made of ``chunks``."""
    parts = [SIGNATURE]
    for kind, data in chunks:
        crc = zlib.crc32(data, zlib.crc32(kind))
        parts += [len(data).to_bytes(4), kind, data, crc.to_bytes(4)]
    return b"".join(parts)


def insert_before_pixels(chunks: Sequence[Chunk], extra: Iterable[Chunk]) -> list[Chunk]:
    """Return ``chunks`` with ``extra`` right after IHDR, where colour profiles must stand and private chunks may."""
    return [chunks[0], *extra, *chunks[1:]]


def body_chunks(body: bytes, limits: Limits) -> list[Chunk]:
    """Return ``body`` cut into numbered unSH chunks: index and count as 16 bit numbers, then a piece.

    Raises ``LimitError`` where more than ``limits.max_chunks`` would be needed.
    """
    step = limits.chunk_bytes
    pieces = [body[at : at + step] for at in range(0, len(body), step)]
    if len(pieces) > limits.max_chunks:
        raise LimitError(f"The payload needs {len(pieces)} PNG chunks, over the limit of {limits.max_chunks}.")
    return [Chunk(BODY_CHUNK, struct.pack(">HH", i, len(pieces)) + piece) for i, piece in enumerate(pieces)]


def join_body(chunks: Iterable[Chunk], limits: Limits, name: str) -> bytes | None:
    """Return the body put together from the unSH chunks, or None where there are none.

    Raises ``DamagedLRFileError`` where pieces are missing, doubled or out of order, and ``LimitError``.
    """
    pieces = [chunk.data for chunk in chunks if chunk.kind == BODY_CHUNK]
    if not pieces:
        return None
    if len(pieces) > limits.max_chunks:
        raise LimitError(f"{name} has more payload chunks than the limit of {limits.max_chunks}; get a good copy.")
    numbers = [piece[:4] for piece in pieces]
    if numbers != [struct.pack(">HH", i, len(pieces)) for i in range(len(pieces))]:
        raise DamagedLRFileError(f"{name} has lost or moved payload chunks; get a good copy, or use --plain.")
    return b"".join(piece[4:] for piece in pieces)
