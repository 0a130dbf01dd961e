"""What a picture format is: how its files are told, taken apart, decoded and written, and how they carry a body."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.ImageFile import ImageFile

from unshrink.errors import UsageError
from unshrink.files.metadata import NO_METADATA, Metadata
from unshrink.limits import DEFAULT_LIMITS, Limits

__all__ = [
    "Container", "Format", "Job", "Located", "Metadata", "PictureFile", "Prepared", "begins_with", "refuse_alpha",
    "save",
]  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Job:
    """What is to be encoded: an image of mode L, LA, RGB or RGBA, metadata, and the body of an LR file or None.

    The `info` of the image must be empty: Pillow would write metadata from there on its own account.
    """

    image: Image.Image
    metadata: Metadata = NO_METADATA
    body: bytes | None = None
    limits: Limits = DEFAULT_LIMITS
    quality: int | None = None
    """Of a JPEG, 1 to 100; None for 95."""


@dataclass(frozen=True)
class PictureFile:
    """The bytes of a picture file, told by their content and taken apart once; nothing is decoded yet."""

    data: bytes
    name: str
    """What messages call it."""
    format: Format
    parts: Any
    """What `format.take_apart` made of the bytes: the chunks of a PNG or a WebP, the directory of a TIFF."""


@dataclass(frozen=True)
class Prepared:
    """Bytes fit for Pillow, and what was taken from the container on the way."""

    data: bytes
    metadata: Metadata | None = None
    """None where Pillow finds it."""
    notes: tuple[str, ...] = ()
    """What is lost or was amiss, each a clause that can follow the file's name and a colon."""
    grey_key: int | None = None
    """The transparent value of a grey picture, where Pillow gets it wrong."""
    profile: bytes | None = None
    """The colour profile where Pillow finds none."""
    samples: NDArray[np.uint8] | None = None
    """(H, W, C), where the pixels have been read already."""


class Located(NamedTuple):
    """Where a container keeps what belongs to an LR file."""

    size: tuple[int, int]
    """Height and width that the container states."""
    body: bytes | None
    """None where it holds no body, which a carrier in the pixels need not have."""


class Container(Protocol):
    """A format that can hold the body of an LR file."""

    def holds(self, data: bytes) -> bool:
        """Whether there is a body in `data`, sound or not; cheap, and never raises."""

    def locate(self, file: PictureFile, limits: Limits) -> Located:
        """The body in `file` and the size it states; UnreadableInputError, DamagedLRFileError, LimitError."""

    def strip(self, file: PictureFile) -> bytes:
        """The file without its body, pixels and metadata as they are."""

    def carried(self, metadata: Metadata) -> Metadata:
        """What a file of this format can hold of `metadata`, as it reads it back."""

    def sections(self, exif: bytes | None) -> Mapping[str, bytes]:
        """What has to be in the body so that `exif` comes back byte for byte; mostly nothing."""

    def exif(self, file: PictureFile, sections: Mapping[str, bytes], block: bytes | None) -> bytes | None:
        """The EXIF block that was written; `block` is the one that a reader of pictures finds."""


def _whole(data: bytes, name: str) -> None:
    del data, name


def _unchanged(file: PictureFile, max_pixels: int, limits: Limits) -> Prepared:
    del max_pixels, limits
    return Prepared(file.data)


def _anything(image: ImageFile, name: str) -> None:
    del image, name


@dataclass(frozen=True, kw_only=True)
class Format:
    """One format of picture files."""

    kind: str
    """What it is called in options and reports: "png"."""
    endings: tuple[str, ...]
    """Of its files' names, with the dot, lower-case; the first is the one we give."""
    begins: Callable[[bytes], bool]
    """Whether a file that begins so is of this format."""
    plugin: type[ImageFile]
    """Pillow's reader."""
    feature: str | None = None
    """What Pillow has to be built with, as `PIL.features` calls it."""
    take_apart: Callable[[bytes, str], Any] = _whole
    """The parts of a file's bytes, which messages call by the name given; raises UnreadableInputError."""
    prepare: Callable[[PictureFile, int, Limits], Prepared] = _unchanged
    """A file made ready for Pillow within a number of pixels; raises what reading a picture raises."""
    refuse: Callable[[ImageFile, str], None] = _anything
    """Raises UnsupportedPictureError for what Pillow, having read the head, would lose."""
    encode: Callable[[Job], bytes] | None = None
    """The bytes of a file; None where none are written."""
    container: Container | None = None
    """How an LR file is one of these; None where it cannot be."""


def begins_with(*magic: bytes) -> Callable[[bytes], bool]:
    """A test for files that begin with one of `magic`."""
    return lambda data: data.startswith(magic)


def save(image: Image.Image, kind: str, **options: Any) -> bytes:
    """The bytes that Pillow writes for `image`."""
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def refuse_alpha(image: Image.Image, label: str) -> None:
    """Raise UsageError where `image` has an alpha channel, which the format `label` cannot hold."""
    if "A" in image.mode:
        raise UsageError(f"A {label} cannot hold the alpha channel of this picture; write a PNG, WebP or TIFF.")
