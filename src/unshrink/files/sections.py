"""Payload sections: **the** table of their names, and how named runs of bytes become one and come apart again."""

from __future__ import annotations

import re
import struct
from collections.abc import Mapping

from unshrink.errors import DamagedLRFileError, LimitError, UsageError
from unshrink.limits import DEFAULT_LIMITS, Limits

__all__ = [
    "ALPHA_SECTION", "BLOCKS_SECTION", "EXIF_SECTION", "FLOOR_SECTION", "LATENT_SECTION", "ORIGIN_SECTION",
    "PLANE_SECTION", "PROFILE_SECTION", "SECTIONS", "pack_sections", "unpack_sections",
]  # fmt: skip

ALPHA_SECTION = "ALPH"
BLOCKS_SECTION = "BLKS"
EXIF_SECTION = "EXIF"
FLOOR_SECTION = "FLOR"
LATENT_SECTION = "LATN"
ORIGIN_SECTION = "FROM"
PLANE_SECTION = "PLNE"
PROFILE_SECTION = "ICCP"

SECTIONS: Mapping[str, str] = {
    ALPHA_SECTION: "the alpha channel of the original, without loss",
    BLOCKS_SECTION: "blocks of the original that the network would spoil, without loss",
    EXIF_SECTION: "where the EXIF block of a TIFF is; written by the container itself",
    FLOOR_SECTION: "the smallest alpha that stands for a payload, one byte; absent where it is 1",
    LATENT_SECTION: "a condensed latent",
    ORIGIN_SECTION: "the file that it was made from",
    PLANE_SECTION: "a payload plane, values 1 to 255",
    PROFILE_SECTION: "the colour profile of a grey original whose LR picture is in colour",
}
"""What each section is, by name, in a few words; docs/file-format.md has them byte by byte."""

_NAME = re.compile(r"[A-Z0-9]{4}")
_HEAD = struct.Struct(">4sI")


def pack_sections(sections: Mapping[str, bytes], *, limits: Limits = DEFAULT_LIMITS) -> bytes:
    """The sections, each as its name (4 of A-Z, 0-9), its length (32 bit) and its bytes, in order of name.

    Raises UsageError for another name and LimitError beyond `limits.max_payload_bytes`.
    """
    for name in sections:
        if not _NAME.fullmatch(name):
            raise UsageError(f"A payload section cannot be named {name!r}; use four capital letters or digits.")
    _check_total(sum(map(len, sections.values())), limits)
    return b"".join(_HEAD.pack(name.encode(), len(data)) + data for name, data in sorted(sections.items()))


def unpack_sections(data: bytes, count: int, *, limits: Limits = DEFAULT_LIMITS) -> dict[str, bytes]:
    """The `count` sections packed in `data`, which they must fill exactly and in order of name.

    Raises DamagedLRFileError where they do not, and LimitError.
    """
    _check_total(len(data) - count * _HEAD.size, limits)
    sections: dict[str, bytes] = {}
    at = 0
    while at + _HEAD.size <= len(data) and len(sections) < count:
        raw, length = _HEAD.unpack_from(data, at)
        at += _HEAD.size
        name = raw.decode("latin-1")
        in_order = not sections or next(reversed(sections)) < name
        if not _NAME.fullmatch(name) or not in_order or at + length > len(data):
            break
        sections[name] = data[at : at + length]
        at += length
    if len(sections) != count or at != len(data):
        raise DamagedLRFileError("The payload sections do not fit together; get a good copy, or use --plain.")
    return sections


def _check_total(size: int, limits: Limits) -> None:
    if size > limits.max_payload_bytes:
        raise LimitError(
            f"The payload of {size} bytes is over the limit of {limits.max_payload_bytes}; use a smaller picture."
        )
