"""What belongs to a picture beside its pixels, and XMP, which is kept as it stands."""

from __future__ import annotations

import re
from dataclasses import dataclass

__all__ = ["NO_METADATA", "Metadata", "upright_xmp"]

_XMP_ORIENTATION = re.compile(rb"(tiff:Orientation(?:\s*=\s*[\"']|>)\s*)[2-8](?=\s*[\"'<])")


@dataclass(frozen=True, kw_only=True)
class Metadata:
    """Metadata as bytes, each as it stands in a file."""

    icc: bytes | None = None
    """A colour profile."""
    exif: bytes | None = None
    """An EXIF block, from its byte order mark on."""
    xmp: bytes | None = None
    """An XMP packet."""
    dpi: tuple[float, float] | None = None
    """Pixels an inch, across and down."""


NO_METADATA = Metadata()


def upright_xmp(xmp: bytes | None) -> bytes | None:
    """The packet with orientation 1, where it states another."""
    return None if xmp is None else _XMP_ORIENTATION.sub(rb"\g<1>1", xmp)
