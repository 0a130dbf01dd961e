"""What stands in the text chunks of a PNG: XMP, and EXIF as programs older than its own chunk wrote it."""

from __future__ import annotations

import binascii
import re
import zlib
from collections.abc import Iterable
from dataclasses import dataclass

from unshrink.files.png import Chunk
from unshrink.limits import Limits

__all__ = ["Text", "read", "xmp_chunk"]

_XMP = b"XML:com.adobe.xmp"
_RAW = re.compile(rb"\s*\n?\s*[a-zA-Z0-9 ]+\n\s*(\d+)\n([0-9a-fA-F\s]*)\Z")
_EXIF_NAMES = (b"Raw profile type exif", b"Raw profile type APP1")
_XMP_NAMES = (b"Raw profile type xmp", _XMP)
_IPTC_NAMES = (b"Raw profile type iptc", b"Raw profile type 8bim")


@dataclass(frozen=True)
class Text:
    """What was found, and notes on what is not kept."""

    exif: bytes | None
    xmp: bytes | None
    notes: tuple[str, ...]


def read(chunks: Iterable[Chunk], limits: Limits) -> Text:
    """EXIF and XMP in the text chunks, none longer than `limits.max_metadata_bytes`; the other keys become a note."""
    exif = xmp = None
    other: list[str] = []
    for chunk in chunks:
        if chunk.kind not in (b"tEXt", b"zTXt", b"iTXt"):
            continue
        key, _, rest = chunk.data.partition(b"\0")
        if key in _EXIF_NAMES + _XMP_NAMES:
            held = _held(chunk.kind, rest, limits)
            held = held if key == _XMP else _unwrapped(held)
            if held.startswith((b"Exif\0\0", b"II*\0", b"MM\0*")):
                exif = exif or held
            elif b"<" in held[:200]:
                xmp = xmp or held[held.index(b"<") :]
        else:
            other.append("IPTC" if key in _IPTC_NAMES else key.decode("latin-1", "replace"))
    return Text(exif, xmp, _notes(other))


def xmp_chunk(xmp: bytes) -> Chunk:
    """The chunk that holds an XMP packet."""
    return Chunk(b"iTXt", _XMP + bytes(5) + xmp)


def _notes(keys: list[str]) -> tuple[str, ...]:
    names = [key for key in dict.fromkeys(keys) if key.isprintable()]
    if not keys:
        return ()
    shown = ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")
    return (f"its text is not kept ({shown})",)


def _held(kind: bytes, rest: bytes, limits: Limits) -> bytes:
    """The text of a chunk, inflated within the limit; empty where it cannot be read or is longer."""
    packed = kind == b"zTXt"
    if kind == b"iTXt":
        flags, rest = rest[:2], rest[2:]
        packed = flags[:1] == b"\1"
        rest = rest.split(b"\0", 2)[-1]  # language and translated key
    elif packed:
        rest = rest[1:]
    most = limits.max_metadata_bytes
    try:
        held = zlib.decompressobj().decompress(rest, 2 * most + 1) if packed else rest
    except zlib.error:
        return b""
    return held if len(held) <= 2 * most else b""


def _unwrapped(held: bytes) -> bytes:
    """The bytes of a raw profile: its name, its length, and so many bytes as hexadecimal digits."""
    found = _RAW.match(held)
    if found is None:
        return b""
    try:
        data = binascii.unhexlify(b"".join(found[2].split()))
    except binascii.Error:
        return b""
    return data.removeprefix(b"http://ns.adobe.com/xap/1.0/\0")
