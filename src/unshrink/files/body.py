"""The body of an LR file: one run of bytes, the same in every container.  docs/file-format.md has it byte by byte."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unshrink.errors import DamagedLRFileError, LimitError, NewerFormatError
from unshrink.files.header import Header, header_from_json, header_to_json
from unshrink.files.sections import pack_sections, unpack_sections
from unshrink.limits import Limits

__all__ = ["VERSION", "Body", "is_sound", "metadata_digest", "pack", "pixel_digest", "unpack"]

VERSION = 1
"""The version of the format that is written, and the only one that is read so far."""

_MAGIC = b"UNSH"
_FIXED = struct.Struct(">4sBBHII32s32sI")
_DIGEST_BYTES = 32


@dataclass(frozen=True, kw_only=True)
class Body:
    """Everything that an LR file carries beside its picture."""

    header: Header
    sections: Mapping[str, bytes]
    lr_size: tuple[int, int]
    """Height and width of the LR picture."""

    channels: int
    """Samples per LR pixel: 1 grey, 2 grey and alpha, 3 RGB, 4 RGB and alpha."""

    pixels: bytes
    """``pixel_digest`` of the LR picture."""

    metadata: bytes
    """``metadata_digest`` of the LR picture."""


def pixel_digest(samples: NDArray[np.uint8]) -> bytes:
    """Return the SHA-256 of width, height, channels (32, 32 and 8 bit) followed by the samples (H, W, C) in order."""
    height, width, channels = samples.shape
    digest = hashlib.sha256(struct.pack(">IIB", width, height, channels))
    digest.update(np.ascontiguousarray(samples).data)
    return digest.digest()


def metadata_digest(icc: bytes | None, exif: bytes | None) -> bytes:
    """Return the SHA-256 of ICC profile and EXIF block, each after its length (32 bit, 0 where there is none)."""
    blocks = [block or b"" for block in (icc, exif)]
    return hashlib.sha256(b"".join(len(block).to_bytes(4) + block for block in blocks)).digest()


def pack(body: Body, *, limits: Limits) -> bytes:
    """Return the bytes of ``body``; raises ``LimitError`` where the header or the sections are too long."""
    header = header_to_json(body.header)
    if len(header) > limits.max_header_bytes:
        raise LimitError(f"The header has {len(header)} bytes, over the limit of {limits.max_header_bytes}.")
    height, width = body.lr_size
    fixed = _FIXED.pack(
        _MAGIC, VERSION, body.channels, len(body.sections), width, height, body.pixels, body.metadata, len(header)
    )
    content = fixed + header + pack_sections(body.sections, limits=limits)
    return content + hashlib.sha256(content).digest()


def is_sound(data: bytes) -> bool:
    """Say whether the bytes are those that were written: true of every version of the format."""
    content, digest = data[:-_DIGEST_BYTES], data[-_DIGEST_BYTES:]
    return len(data) > len(_MAGIC) + _DIGEST_BYTES and hashlib.sha256(content).digest() == digest


def unpack(data: bytes, *, limits: Limits, trusting: bool = False) -> Body:
    """Return the body in ``data``; with ``trusting``, one whose digest is wrong too, as far as it can be understood.

    Raises ``DamagedLRFileError``, ``NewerFormatError`` for a version above ``VERSION``, and ``LimitError``.
    """
    damaged = DamagedLRFileError("The payload of the LR file is damaged; get a good copy, or use --plain.")
    if not data.startswith(_MAGIC) or not (trusting or is_sound(data)) or len(data) < _FIXED.size + _DIGEST_BYTES:
        raise damaged
    if data[4] > VERSION:
        raise NewerFormatError(
            f"The file is an LR file of format version {data[4]}, and this program reads version {VERSION}; update it."
        )
    _, version, channels, count, width, height, pixels, metadata, length = _FIXED.unpack_from(data)
    start, end = _FIXED.size + length, len(data) - _DIGEST_BYTES
    if version < 1 or channels not in (1, 2, 3, 4) or not width or not height or start > end:
        raise damaged
    if width * height > limits.max_lr_pixels:
        raise LimitError(f"The LR picture is {width} x {height} pixels, over the limit of {limits.max_lr_pixels}.")
    header = header_from_json(data[_FIXED.size : start], limits=limits)
    header.check(limits)
    if not header.fits((height, width)):
        raise DamagedLRFileError("The header's size and scale do not fit the LR picture; get a good copy of the file.")
    sections = unpack_sections(data[start:end], count, limits=limits)
    return Body(
        header=header, sections=sections, lr_size=(height, width), channels=channels, pixels=pixels, metadata=metadata
    )
