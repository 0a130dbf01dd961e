"""The LR file, format version 1: a picture that any viewer shows, with header and payload inside.

docs/file-format.md describes every byte.  The road out is ``encode``, the same road back is ``decode``.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

from unshrink.errors import (
    DamagedLRFileError,
    EditedLRFileError,
    NotAnLRFileError,
    UnknownNameError,
    UnreadableInputError,
    UsageError,
)
from unshrink.files import body as bodies
from unshrink.files import png, tiff, webp
from unshrink.files.decoders import check_metadata, check_size
from unshrink.files.encoders import encode_image
from unshrink.files.header import Header
from unshrink.files.picture import Picture, picture_from_bytes
from unshrink.files.sniff import sniff, sniff_or_none
from unshrink.files.tiffpixels import exif_at_start, tiff_pixels
from unshrink.limits import DEFAULT_LIMITS, Limits

__all__ = ["CONTAINERS", "Header", "LRFile", "decode", "encode", "inspect", "is_lrfile", "strip", "verify"]

CONTAINERS = ("png", "webp", "tiff")
"""The formats that an LR file can be."""

_EXIF_SECTION = "EXIF"
_EXIF_PLACE = struct.Struct(">II")


@dataclass(frozen=True, eq=False)
class LRFile:
    """An LR picture with its header and payload.  Raises ``UsageError`` where they do not belong together."""

    picture: Picture
    """The LR pixels, with LR alpha, ICC profile and EXIF block."""

    header: Header

    sections: Mapping[str, bytes] = field(default_factory=dict)
    """Payload by name (four capital letters or digits); ``ALPH`` is the lossless HR alpha, ``EXIF`` is reserved."""

    def __post_init__(self) -> None:
        if not self.header.fits(self.picture.size):
            raise UsageError(
                f"An LR picture of {self.picture.size} is not {self.header.size} shrunk by {self.header.scale}."
            )
        if _EXIF_SECTION in self.sections:
            raise UsageError(f"The section name {_EXIF_SECTION} is reserved; give EXIF with the picture.")
        object.__setattr__(self, "sections", MappingProxyType(dict(self.sections)))


class _Located(NamedTuple):
    """Where the body was found: kind of container, its stated (height, width), the bytes of the body."""

    kind: str
    size: tuple[int, int]
    body: bytes


def encode(lrfile: LRFile, format: str = "png", *, limits: Limits = DEFAULT_LIMITS) -> bytes:
    """Return the bytes of an LR file: "png", "webp" (lossless) or "tiff" (deflate).

    Raises ``UnknownNameError`` for another format and ``LimitError`` beyond ``limits`` or those of the container.
    """
    if format not in CONTAINERS:
        raise UnknownNameError("LR file format", format, CONTAINERS)
    picture, sections = lrfile.picture, dict(lrfile.sections)
    check_size(picture.size, limits.max_lr_pixels, "The LR picture")
    check_metadata(picture.icc, picture.exif, limits, "The LR picture")
    lrfile.header.check(limits)
    if format == "tiff" and picture.exif:
        # The block is the beginning of the TIFF, but for the link to its first directory: both numbers undo that.
        sections[_EXIF_SECTION] = _EXIF_PLACE.pack(len(picture.exif), tiff.directory_offset(picture.exif))
    samples = picture.samples
    body = bodies.Body(
        header=lrfile.header,
        sections=sections,
        lr_size=picture.size,
        channels=samples.shape[2],
        pixels=bodies.pixel_digest(samples),
        metadata=bodies.metadata_digest(picture.icc, picture.exif),
    )
    return encode_image(picture.job(body=bodies.pack(body, limits=limits), limits=limits), format)


def decode(data: bytes, *, limits: Limits = DEFAULT_LIMITS, name: str = "The file") -> LRFile:
    """Return what ``encode`` was given, every byte of it checked; ``name`` is what messages call the file.

    Raises ``NotAnLRFileError``, ``EditedLRFileError`` (the pixels or metadata are others than were written),
    ``DamagedLRFileError``, ``NewerFormatError``, ``LimitError``, and ``UnreadableInputError`` for no picture at all.
    """
    located = _locate(data, limits, name)
    body = bodies.unpack(located.body, limits=limits)
    if located.size != body.lr_size:
        raise _edited(name, f"its size is no longer {body.lr_size[0]} x {body.lr_size[1]} (height x width)")
    try:
        shown = _tiff_picture(data, body, limits, name) if located.kind == "tiff" else _picture(data, limits, name)
    except UnreadableInputError as error:
        raise _damaged(name, str(error)) from error
    picture = _conform(shown, body.channels, name)
    sections = {key: value for key, value in body.sections.items() if key != _EXIF_SECTION}
    _check_digests(picture, body, name)
    return LRFile(picture=picture, header=body.header, sections=sections)


def is_lrfile(data: bytes) -> bool:
    """Say whether ``data`` is a picture with a body of ours in it, sound or not; cheap, and never raises."""
    kind = sniff_or_none(data)
    if kind == "png":
        for chunk, _ in png.walk(data):
            if chunk.kind in (png.BODY_CHUNK, b"IDAT"):
                return chunk.kind == png.BODY_CHUNK
    if kind == "webp":
        return any(chunk.kind == webp.BODY_CHUNK for chunk in webp.walk(data))
    return kind == "tiff" and tiff.BODY_TAG in tiff.first_directory(data)


def strip(data: bytes, *, limits: Limits = DEFAULT_LIMITS, name: str = "The file") -> bytes:
    """Return the same picture in the same container with ICC profile and EXIF, and nothing of ours.

    Works on edited files and files with a damaged payload too.  Raises ``NotAnLRFileError`` where there is nothing to
    take out, ``DamagedLRFileError`` where the picture itself is damaged, ``UnreadableInputError`` and ``LimitError``.
    """
    located = _locate(data, limits, name)
    if located.kind == "png":
        return png.join(chunk for chunk in png.read_chunks(data, name) if chunk.kind != png.BODY_CHUNK)
    if located.kind == "webp":
        return webp.join(chunk for chunk in webp.read_chunks(data, name) if chunk.kind != webp.BODY_CHUNK)
    picture = _picture(data, limits, name)
    if bodies.is_sound(located.body):
        picture = replace(picture, exif=_tiff_exif(data, bodies.unpack(located.body, limits=limits)))
    return picture.encode("tiff")


def inspect(data: bytes, *, limits: Limits = DEFAULT_LIMITS, name: str = "The file") -> dict[str, Any]:
    """Return what the file says of itself, ready for JSON, without decoding pixels; a wrong digest is only reported.

    Keys: format, version, bytes, size (height, width of the LR picture as it is now), lr_size (as it was written),
    channels, header (all fields of ``Header``), body_bytes, payload_bytes, sections (bytes by name), intact (whether
    the body's digest is right and the size unchanged; ``verify`` checks the pixels).  Raises what ``decode`` raises.
    """
    located = _locate(data, limits, name)
    body = bodies.unpack(located.body, limits=limits, trusting=True)
    return {
        "format": located.kind,
        "version": bodies.VERSION,
        "bytes": len(data),
        "size": list(located.size),
        "lr_size": list(body.lr_size),
        "channels": body.channels,
        "header": {key: list(v) if isinstance(v, tuple) else v for key, v in asdict(body.header).items()},
        "body_bytes": len(located.body),
        "payload_bytes": sum(map(len, body.sections.values())),
        "sections": {key: len(value) for key, value in body.sections.items()},
        "intact": bodies.is_sound(located.body) and located.size == body.lr_size,
    }


def verify(data: bytes, *, limits: Limits = DEFAULT_LIMITS, name: str = "The file") -> dict[str, Any]:
    """Decode the file and return ``inspect``'s report; raises what ``decode`` raises where anything is wrong."""
    decode(data, limits=limits, name=name)
    return inspect(data, limits=limits, name=name)


def _locate(data: bytes, limits: Limits, name: str) -> _Located:
    kind = sniff(data, name)
    finder = {"png": _locate_png, "webp": _locate_webp, "tiff": _locate_tiff}.get(kind)
    try:
        located = finder(data, limits, name) if finder else None
    except UnreadableInputError as error:
        if is_lrfile(data):
            raise _damaged(name, str(error)) from error
        raise
    if located is None:
        raise NotAnLRFileError(
            f"{name} is a picture, but not an LR file, so it carries no detail to restore; --plain enlarges it without."
        )
    return located


def _locate_png(data: bytes, limits: Limits, name: str) -> _Located | None:
    chunks = png.read_chunks(data, name)
    body = png.join_body(chunks, limits, name)
    head = png.head(chunks)
    return None if body is None else _Located("png", (head.height, head.width), body)


def _locate_webp(data: bytes, limits: Limits, name: str) -> _Located | None:
    chunks = webp.read_chunks(data, name)
    body = webp.only(chunks, webp.BODY_CHUNK)
    if body is None:
        return None
    width, height = webp.canvas(chunks, name)
    return _Located("webp", (height, width), body)


def _locate_tiff(data: bytes, limits: Limits, name: str) -> _Located | None:
    tags = tiff.first_directory(data)
    body = tiff.raw(data, tags.get(tiff.BODY_TAG))
    if not tags and tiff.byte_order(data):
        raise UnreadableInputError(f"{name} is cut short or damaged: the TIFF has no directory; get a whole copy.")
    if body is None:
        return None
    width, height = (tiff.integers(data, tags.get(tag))[:1] for tag in (256, 257))
    if not width or not height:
        raise UnreadableInputError(f"{name} is damaged: the TIFF states no size; get a good copy.")
    return _Located("tiff", (height[0], width[0]), body)


def _picture(data: bytes, limits: Limits, name: str) -> Picture:
    return picture_from_bytes(data, max_pixels=limits.max_lr_pixels, limits=limits, name=name)


def _tiff_picture(data: bytes, body: bodies.Body, limits: Limits, name: str) -> Picture:
    samples = tiff_pixels(data, max_pixels=limits.max_lr_pixels)
    if samples is None:
        raise _edited(name, "its pixels have been written anew, or damaged")
    icc = tiff.raw(data, tiff.first_directory(data).get(tiff.ICC_TAG))
    check_metadata(icc, None, limits, name)
    return replace(Picture.from_array(samples), icc=icc, exif=_tiff_exif(data, body))


def _tiff_exif(data: bytes, body: bodies.Body) -> bytes | None:
    place = body.sections.get(_EXIF_SECTION, b"")
    return exif_at_start(data, *_EXIF_PLACE.unpack(place)) if len(place) == _EXIF_PLACE.size else None


def _conform(picture: Picture, channels: int, name: str) -> Picture:
    """Return ``picture`` with the channels that were written: containers and optimisers may store more or fewer."""
    grey, has_alpha = channels < 3, channels in (2, 4)
    alpha = picture.alpha
    if has_alpha and alpha is None:
        alpha = np.full(picture.size, 255, dtype=np.uint8)
    if not has_alpha and alpha is not None:
        if not bool((alpha == 255).all()):
            raise _edited(name, "it has been given transparency")
        alpha = None
    try:
        return replace(picture, alpha=alpha, grey=grey)
    except UsageError:
        raise _edited(name, "a grey picture has become coloured") from None


def _check_digests(picture: Picture, body: bodies.Body, name: str) -> None:
    if bodies.pixel_digest(picture.samples) != body.pixels:
        raise _edited(name, "its pixels are no longer those that were written")
    if bodies.metadata_digest(picture.icc, picture.exif) != body.metadata:
        raise _edited(name, "its colour profile or EXIF is no longer what was written")


def _edited(name: str, what: str) -> EditedLRFileError:
    return EditedLRFileError(f"{name} was edited: {what}; get the original, or use --plain to go without its detail.")


def _damaged(name: str, what: str) -> DamagedLRFileError:
    return DamagedLRFileError(f"{name} is a damaged LR file; get a good copy of it. ({what})")
