"""The format that restored pictures are written in: one that was named, or each original's own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from unshrink.cli.tasks import ending_for
from unshrink.errors import UnshrinkError, UsageError
from unshrink.files.lrfile import sections_of
from unshrink.files.origin import Origin, decode_origin

SAME = "same"
DEFAULT = "png"


@dataclass(frozen=True)
class Output:
    """What `up` was told of its output. Raises UsageError for a quality that nothing written would have."""

    format: str | None = None
    """A format, "same" for that of each original, or None for PNG where the output names no file."""
    quality: int | None = None
    """Of JPEGs, 1 to 100; None for the original's, where it was one and the format is to be the same, else 95."""

    def __post_init__(self) -> None:
        if self.quality is not None and self.format not in (SAME, "jpeg", None):
            raise UsageError(f"Only a JPEG has a quality; leave out --quality, or {self.format}.")

    def ending(self, path: Path, endings: Mapping[str, str]) -> str:
        """Of the picture restored from the LR file at `path`. Raises UnknownNameError for an unknown format."""
        if self.format != SAME:
            return ending_for(self.format, endings)
        try:
            return endings[self.kind(origin_in(path.read_bytes()))]
        except OSError:  # told when it is read in earnest
            return endings[DEFAULT]

    def kind(self, origin: Origin | None) -> str:
        """The format, where the output names no file; PNG for originals of a format that is not written."""
        if self.format != SAME:
            return self.format or DEFAULT
        return origin.format if origin is not None and origin.format in ("jpeg", "webp", "tiff", "bmp") else DEFAULT

    def quality_of(self, origin: Origin | None) -> int | None:
        """The quality of a JPEG; None for the usual one."""
        return self.quality or (origin.quality if origin is not None and self.format == SAME else None)


def origin_in(data: bytes) -> Origin | None:
    """What an LR file says that it was made of; None where it does not say, or is none."""
    try:
        return decode_origin(sections_of(data))
    except UnshrinkError:
        return None
