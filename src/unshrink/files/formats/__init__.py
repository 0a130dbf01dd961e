"""**The** table of picture formats; a new one is a file beside this one and a row here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from unshrink.files.formats.base import Container, Format, Job, Located, PictureFile
from unshrink.files.formats.heif import HEIF, is_readable
from unshrink.files.formats.jpeg import JPEG
from unshrink.files.formats.others import AVIF, BMP, GIF, PPM
from unshrink.files.formats.png import PNG
from unshrink.files.formats.tiff import TIFF
from unshrink.files.formats.webp import WEBP

__all__ = [
    "CONTAINERS", "ENDINGS", "FORMATS", "WRITTEN", "Container", "Format", "Job", "Located", "PictureFile", "by_ending",
]  # fmt: skip

FORMATS: Mapping[str, Format] = {
    one.kind: one for one in (PNG, JPEG, WEBP, TIFF, GIF, BMP, PPM, AVIF, *([HEIF] if is_readable() else []))
}
"""All that are read, by kind."""
WRITTEN: Mapping[str, Format] = {kind: one for kind, one in FORMATS.items() if one.encode is not None}
"""Those that pictures are written in."""
CONTAINERS: Mapping[str, Format] = {kind: one for kind, one in WRITTEN.items() if one.container is not None}
"""Those that an LR file can be."""


def by_ending(formats: Iterable[Format]) -> dict[str, str]:
    """The kind for every ending that files of `formats` have."""
    return {ending: one.kind for one in formats for ending in one.endings}


ENDINGS = frozenset(by_ending(FORMATS.values()))
"""All endings of files that are read, with the dot, lower-case."""
