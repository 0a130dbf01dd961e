"""The LR file, format version 1: a picture that any viewer shows, with header and payload inside.

docs/file-format.md describes every byte.  The road out is ``encode``, the same road back is ``decode``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unshrink.errors import (
    DamagedLRFileError,
    EditedLRFileError,
    LRFileError,
    NotAnLRFileError,
    UnknownNameError,
    UnreadableInputError,
    UnshrinkError,
    UsageError,
)
from unshrink.files import body as bodies
from unshrink.files import colour, exif
from unshrink.files.carried import without_carried
from unshrink.files.checks import check_metadata, check_size
from unshrink.files.decoders import Decoded, decode_image
from unshrink.files.encoders import encode_image
from unshrink.files.formats import CONTAINERS, Container, PictureFile
from unshrink.files.header import Header
from unshrink.files.metadata import Metadata
from unshrink.files.picture import Picture, picture_from_file, upright_picture
from unshrink.files.sections import EXIF_SECTION
from unshrink.files.sniff import open_file, sniff_or_none
from unshrink.limits import DEFAULT_LIMITS, Limits

__all__ = ["Header", "LRFile", "decode", "encode", "inspect", "is_lrfile", "sections_of", "strip", "verify"]

Pixels = NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class LRFile:
    """An LR picture with its header and payload.  Raises ``UsageError`` where they do not belong together."""

    picture: Picture
    """The LR pixels, with LR alpha, ICC profile and EXIF block."""

    header: Header

    sections: Mapping[str, bytes] = field(default_factory=dict)
    """Payload by name (four capital letters or digits), see `unshrink.files.sections`; `EXIF` is reserved."""

    turn: int = 1
    """The EXIF orientation, 1 to 8, that was given to the file after it was written: how to turn what is restored."""

    def __post_init__(self) -> None:
        if not self.header.fits(self.picture.size):
            raise UsageError(
                f"An LR picture of {self.picture.size} is not {self.header.size} shrunk by {self.header.scale}."
            )
        if EXIF_SECTION in self.sections:
            raise UsageError(f"The section name {EXIF_SECTION} is reserved; give EXIF with the picture.")
        object.__setattr__(self, "sections", MappingProxyType(dict(self.sections)))


@dataclass(frozen=True)
class _Found:
    """An LR file taken apart: the picture file it is, the (height, width) that it states, the bytes of the body."""

    file: PictureFile
    container: Container
    size: tuple[int, int]
    body: bytes


def encode(lrfile: LRFile, format: str = "png", *, limits: Limits = DEFAULT_LIMITS) -> bytes:
    """Return the bytes of an LR file: "png", "webp" (lossless) or "tiff" (deflate).

    Raises ``UnknownNameError`` for another format and ``LimitError`` beyond ``limits`` or those of the container.
    """
    container = CONTAINERS[format].container if format in CONTAINERS else None
    if container is None:
        raise UnknownNameError("LR file format", format, CONTAINERS)
    carried = container.carried(lrfile.picture.metadata)
    picture = replace(lrfile.picture, exif=carried.exif)
    check_size(picture.size, limits.max_lr_pixels, "The LR picture")
    check_metadata(picture.metadata, limits, "The LR picture")
    lrfile.header.check(limits)
    samples = picture.samples
    body = bodies.Body(
        header=lrfile.header,
        sections={**lrfile.sections, **container.sections(picture.exif)},
        lr_size=picture.size,
        channels=samples.shape[2],
        pixels=bodies.pixel_digest(samples),
        metadata=bodies.metadata_digest(carried.icc, picture.exif),
    )
    return encode_image(picture.job(body=bodies.pack(body, limits=limits), limits=limits), format)


def decode(data: bytes, *, limits: Limits = DEFAULT_LIMITS, name: str = "The file") -> LRFile:
    """Return what ``encode`` was given, every byte of it checked; ``name`` is what messages call the file.

    Raises ``NotAnLRFileError``, ``EditedLRFileError`` (the pixels or metadata are others than were written),
    ``DamagedLRFileError``, ``NewerFormatError``, ``LimitError``, and ``UnreadableInputError`` for no picture at all.
    """
    found = _locate(data, limits, name)
    body = bodies.unpack(found.body, limits=limits)
    if found.size != body.lr_size:
        raise _edited(name, f"its size is no longer {body.lr_size[0]} x {body.lr_size[1]} (height x width)")
    try:
        shown = decode_image(found.file, max_pixels=limits.max_lr_pixels, limits=limits)
    except UnreadableInputError as error:
        raise _damaged(name, str(error)) from error
    samples = _conform(shown.samples, body.channels, name)
    if bodies.pixel_digest(samples) != body.pixels:
        raise _edited(name, "its pixels are no longer those that were written")
    metadata, notes = _metadata(found, body, shown)
    sections = {key: value for key, value in body.sections.items() if key != EXIF_SECTION}
    # The pixels were upright when they were written, so an orientation is somebody's wish for what they show.
    turn = exif.orientation(metadata.exif)
    picture = upright_picture(Decoded(samples, replace(metadata, exif=exif.upright(metadata.exif)), notes))
    return LRFile(picture=picture, header=body.header, sections=sections, turn=turn)


def is_lrfile(data: bytes) -> bool:
    """Whether `data` is a picture with a body of ours in it, sound or not; cheap, and never raises."""
    format = sniff_or_none(data)
    return format is not None and format.container is not None and format.container.holds(data)


def strip(data: bytes, *, limits: Limits = DEFAULT_LIMITS, name: str = "The file") -> bytes:
    """The same picture in the same container with all its metadata, and nothing of ours.

    Works on edited files, files with a damaged payload, and files of which only the pixels are left, too. Raises
    NotAnLRFileError where there is nothing to take out, DamagedLRFileError where the picture itself is damaged,
    UnreadableInputError and LimitError.
    """
    try:
        found = _locate(data, limits, name)
    except NotAnLRFileError:
        bare = _emptied(data, limits, name)
        if bare is None:
            raise
        return bare
    bare = found.container.strip(found.file)
    try:
        carries = bodies.unpack(found.body, limits=limits, trusting=True).header.carrier == "pixels"
    except LRFileError:
        carries = True  # who knows
    return (_emptied(bare, limits, name) if carries else None) or bare


def _emptied(data: bytes, limits: Limits, name: str) -> bytes | None:
    """The picture in `data` without what its pixels carry, in the same format; None where they carry nothing."""
    file = open_file(data, name)
    if file.format.encode is None or file.format.kind == "jpeg":
        return None
    bare = without_carried(picture_from_file(file, max_pixels=limits.max_lr_pixels, limits=limits))
    return None if bare is None else bare.encode(file.format.kind)


def inspect(data: bytes, *, limits: Limits = DEFAULT_LIMITS, name: str = "The file") -> dict[str, Any]:
    """Return what the file says of itself, ready for JSON, without decoding pixels; a wrong digest is only reported.

    Keys: format, version, bytes, size (height, width of the LR picture as it is now), lr_size (as it was written),
    channels, profile (what the colour profile calls itself), header (all fields of ``Header``), body_bytes,
    payload_bytes, sections (bytes by name), intact (whether the body's digest is right and the size unchanged;
    ``verify`` checks the pixels).  Raises what ``decode`` raises.
    """
    found = _locate(data, limits, name)
    body = bodies.unpack(found.body, limits=limits, trusting=True)
    return {
        "format": found.file.format.kind,
        "version": bodies.VERSION,
        "bytes": len(data),
        "size": list(found.size),
        "lr_size": list(body.lr_size),
        "channels": body.channels,
        "profile": _profile(found.file, limits),
        "header": {key: list(v) if isinstance(v, tuple) else v for key, v in asdict(body.header).items()},
        "body_bytes": len(found.body),
        "payload_bytes": sum(map(len, body.sections.values())),
        "sections": {key: len(value) for key, value in body.sections.items()},
        "intact": bodies.is_sound(found.body) and found.size == body.lr_size,
    }


def _profile(file: PictureFile, limits: Limits) -> str | None:
    try:
        metadata = file.format.prepare(file, limits.max_lr_pixels, limits).metadata
    except UnshrinkError:
        return None  # decoding tells what is wrong
    return colour.describe(metadata.icc) if metadata is not None else None


def sections_of(data: bytes, *, limits: Limits = DEFAULT_LIMITS, name: str = "The file") -> dict[str, bytes]:
    """The payload sections in a file, without a look at its pixels; raises what `inspect` raises."""
    return dict(bodies.unpack(_locate(data, limits, name).body, limits=limits, trusting=True).sections)


def verify(data: bytes, *, limits: Limits = DEFAULT_LIMITS, name: str = "The file") -> dict[str, Any]:
    """Decode the file and return ``inspect``'s report; raises what ``decode`` raises where anything is wrong."""
    decode(data, limits=limits, name=name)
    return inspect(data, limits=limits, name=name)


def _locate(data: bytes, limits: Limits, name: str) -> _Found:
    try:
        file = open_file(data, name)
        container = file.format.container
        located = container.locate(file, limits) if container else None
    except UnreadableInputError as error:
        if is_lrfile(data):
            raise _damaged(name, str(error)) from error
        raise
    if container is None or located is None or located.body is None:
        raise NotAnLRFileError(
            f"{name} is a picture, but not an LR file, so it carries no detail to restore; --plain enlarges it without."
        )
    return _Found(file, container, located.size, located.body)


def _conform(samples: Pixels, channels: int, name: str) -> Pixels:
    """`samples` with the channels that were written: containers and optimisers may store more or fewer."""
    colours, alpha = (samples[..., :-1], samples[..., -1:]) if samples.shape[2] in (2, 4) else (samples, None)
    if channels in (2, 4) and alpha is None:
        alpha = np.full_like(samples[..., :1], 255)
    if channels in (1, 3) and alpha is not None:
        if not bool((alpha == 255).all()):
            raise _edited(name, "it has been given transparency")
        alpha = None
    if channels < 3 and colours.shape[2] == 3:
        if not bool((colours == colours[..., :1]).all()):
            raise _edited(name, "a grey picture has become coloured")
        colours = colours[..., :1]
    elif channels > 2 and colours.shape[2] == 1:
        colours = colours.repeat(3, axis=2)
    return np.ascontiguousarray(colours if alpha is None else np.concatenate([colours, alpha], axis=2))


def _metadata(found: _Found, body: bodies.Body, shown: Decoded) -> tuple[Metadata, tuple[str, ...]]:
    """The metadata that were written, byte for byte, or those that an editor put in their place, with a note."""
    block = found.container.exif(found.file, body.sections, shown.metadata.exif)
    written = replace(shown.metadata, exif=exif.upright(block))
    if bodies.metadata_digest(written.icc, written.exif) == body.metadata:
        return written, shown.notes
    return shown.metadata, (*shown.notes, "its colour profile or EXIF was edited, and comes back as it is now")


def _edited(name: str, what: str) -> EditedLRFileError:
    return EditedLRFileError(f"{name} was edited: {what}; get the original, or use --plain to go without its detail.")


def _damaged(name: str, what: str) -> DamagedLRFileError:
    return DamagedLRFileError(f"{name} is a damaged LR file; get a good copy of it. ({what})")
