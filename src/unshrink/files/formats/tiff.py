"""The format TIFF: every kind of 8 bit grey or RGB is read, and all others are refused by what they are."""

from __future__ import annotations

import io
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import prod

import numpy as np
from numpy.typing import NDArray
from PIL.TiffImagePlugin import TiffImageFile

from unshrink.errors import UnreadableInputError, UnsupportedPictureError
from unshrink.files import exif as exif_blocks
from unshrink.files import tiff
from unshrink.files.checks import check_mode, check_size, refuse_bits, refuse_frames
from unshrink.files.formats.base import Format, Job, Located, Metadata, PictureFile, Prepared, begins_with
from unshrink.files.formats.jpeg import is_whole
from unshrink.files.pillow import libtiff_heeded, samples_of, translated
from unshrink.files.sections import EXIF_SECTION
from unshrink.files.tiffpixels import exif_at_start, tiff_bytes, tiff_pixels
from unshrink.limits import Limits

__all__ = ["TIFF"]

_EXIF_PLACE = struct.Struct(">II")
_SUBFILE, _WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC, _MAKE, _COUNT = 254, 256, 257, 258, 259, 262, 271, 277
_PLANAR, _SUB_DIRECTORIES, _EXTRAS, _FORMATS, _XMP, _DNG = 284, 330, 338, 339, 700, 50706
_STRIPS, _TILES = (273, 279), (324, 325)
_REDUCED, _MASK = 1, 4
_RAW_PHOTOMETRICS = (32803, 34892)
_COLOURS = {0: 1, 1: 1, 2: 3, 3: 1, 6: 3}
"""Samples of colour by photometric interpretation, of those that are read."""
_NAMED = {4: "a transparency mask", 8: "LAB", 9: "LAB", 10: "LAB", 32844: "LogL", 32845: "LogLuv"}
_ASSOCIATED, _UNASSOCIATED = 1, 2
_JPEG, _JPEG_TABLES = 7, 347
_COMPRESSIONS = (1, 2, 3, 4, 5, 6, 7, 8, 32771, 32773, 32946, 34925, 50000, 50001)
_PIXEL_TAGS = (256, 257, 259, 266, 278, 292, 293, 317, 322, 323, 347)
"""What describes the pixels of every plane alike."""
_IPTC_TAGS = (33723, 34377)


@dataclass(frozen=True)
class _Kind:
    """What the first directory says of the pixels."""

    size: tuple[int, int]
    """Width and height."""
    bits: tuple[int, ...]
    count: int
    """Samples of a pixel."""
    photometric: int
    extras: tuple[int, ...]
    """What each sample beyond the colours is."""
    planes: bool
    """Samples lie in planes, not side by side."""
    notes: list[str] = field(default_factory=list)

    @property
    def premultiplied(self) -> bool:
        return self.extras == (_ASSOCIATED,)


def _take_apart(data: bytes, name: str) -> dict[int, tiff.Entry]:
    entries = tiff.first_directory(data)
    if not entries:
        raise UnreadableInputError(f"{name} is cut short or damaged: the TIFF has no directory; get a whole copy.")
    return entries


def _prepare(file: PictureFile, max_pixels: int, limits: Limits) -> Prepared:
    samples = tiff_pixels(file.data, max_pixels=max_pixels)
    if samples is None:
        kind = _kind(file)
        check_size(kind.size, max_pixels, file.name)
        _refuse_half(file, limits, kind.notes)
        samples, notes = _read(file, kind), kind.notes
    else:
        notes = []
    notes += ["its IPTC is not kept"] if any(tag in file.parts for tag in _IPTC_TAGS) else []
    raw = {tag: tiff.raw(file.data, file.parts.get(tag)) for tag in (tiff.ICC_TAG, _XMP)}
    block = _descriptive(file)
    metadata = Metadata(icc=raw[tiff.ICC_TAG], exif=block, xmp=raw[_XMP], dpi=exif_blocks.resolution(file.data))
    return Prepared(file.data, metadata, tuple(notes), samples=samples)


def _descriptive(file: PictureFile) -> bytes | None:
    with translated(file.name):
        return exif_blocks.from_tags(TiffImageFile(io.BytesIO(_classic(file.data, file.parts))))


def _kind(file: PictureFile) -> _Kind:
    """What the pixels are; raises UnsupportedPictureError for all that cannot be kept."""
    _refuse_raw(file)
    kind = _Kind(
        size=(_number(file, _WIDTH), _number(file, _HEIGHT)),
        bits=_numbers(file, _BITS) or (1,),
        count=_number(file, _COUNT, 1),
        photometric=_number(file, _PHOTOMETRIC, 1),
        extras=_numbers(file, _EXTRAS),
        planes=_number(file, _PLANAR, 1) == 2 and _number(file, _COUNT, 1) > 1,
    )
    _refuse_pages(file, kind.notes)
    _refuse_samples(file, kind)
    compression = _number(file, _COMPRESSION, 1)
    if compression not in _COMPRESSIONS:
        raise UnsupportedPictureError(f"{file.name} is a TIFF of compression {compression}; convert it to PNG first.")
    return kind


def _refuse_raw(file: PictureFile) -> None:
    """Refuse what is the preview of something else: a camera's raw file begins with one."""
    make = (tiff.raw(file.data, file.parts.get(_MAKE)) or b"").split(b"\0")[0].decode("latin-1").strip()
    raw = UnsupportedPictureError(
        f"{file.name} is a raw file{f' ({make})' if make.isprintable() and make else ''}, which is not read here; "
        "develop it with a raw converter first."
    )
    below = [tiff.directory(file.data, at).entries for at in _numbers(file, _SUB_DIRECTORIES)[:16]]
    photometrics = [_first(file.data, entries, _PHOTOMETRIC, 1) for entries in (file.parts, *below)]
    if _DNG in file.parts or file.data[8:10] == b"CR" or any(one in _RAW_PHOTOMETRICS for one in photometrics):
        raise raw
    if _number(file, _SUBFILE) & _REDUCED:
        if make:
            raise raw
        raise UnsupportedPictureError(
            f"{file.name} begins with a reduced copy of its picture; save the full one as a file of its own first."
        )
    pixels = _number(file, _WIDTH) * _number(file, _HEIGHT)
    if any(prod(_first(file.data, one, tag, 0) for tag in (_WIDTH, _HEIGHT)) > pixels for one in below):
        raise raw


def _refuse_pages(file: PictureFile, notes: list[str]) -> None:
    for number, page in enumerate(tiff.chain(file.data)):
        if number and not _first(file.data, page.entries, _SUBFILE, 0) & (_REDUCED | _MASK):
            refuse_frames(file.name, "a TIFF of several pages")
        if number == 1:
            notes.append("the smaller copies in it are not kept")


def _refuse_samples(file: PictureFile, kind: _Kind) -> None:
    formats = set(_numbers(file, _FORMATS)) - {1, 4}
    if 3 in formats or 6 in formats:
        check_mode("F", file.name)
    if max(kind.bits) > 8 or formats:
        refuse_bits(file.name, str(max(kind.bits)) if max(kind.bits) > 8 else "signed 8")
    if kind.photometric == 5:
        check_mode("CMYK", file.name)
    if kind.photometric not in _COLOURS:
        label = _NAMED.get(kind.photometric, f"of colours of code {kind.photometric}")
        raise UnsupportedPictureError(f"{file.name} is a picture of colour mode {label}; convert it to RGB first.")
    further = kind.count - _COLOURS[kind.photometric]
    if further and (further != 1 or kind.extras not in ((_ASSOCIATED,), (_UNASSOCIATED,)) or kind.photometric == 3):
        raise UnsupportedPictureError(
            f"{file.name} has {kind.count} samples per pixel, {further} of them beyond its colours and not plainly "
            "alpha; save it with its colours alone, or mark the last as alpha."
        )
    if kind.count > 1 and set(kind.bits) != {8}:
        refuse_bits(file.name, str(max(kind.bits)))
    if kind.planes and kind.photometric == 6:
        raise UnsupportedPictureError(f"{file.name} is a YCbCr TIFF of separate planes; convert it to PNG first.")


def _read(file: PictureFile, kind: _Kind) -> NDArray[np.uint8]:
    if kind.planes:
        planes = [_decoded(_plane(file, kind, index), file.name)[..., :1] for index in range(kind.count)]
        samples = np.concatenate(planes, axis=2)
        if kind.photometric == 0:
            samples[..., 0] = 255 - samples[..., 0]
    else:
        samples = _decoded(_pixels_only(file, kind), file.name)
    return _unmultiplied(samples, kind) if kind.premultiplied else samples


def _refuse_half(file: PictureFile, limits: Limits, notes: list[str]) -> None:
    """Refuse JPEG strips and tiles that end early, or note it: libjpeg fills them up, and libtiff is silent."""
    if _number(file, _COMPRESSION, 1) != _JPEG:
        return
    tables = tiff.raw(file.data, file.parts.get(_JPEG_TABLES)) or b"\xff\xd8"
    tables = tables.removesuffix(b"\xff\xd9")
    tags = _TILES if _TILES[0] in file.parts else _STRIPS
    for start, length in zip(*(_numbers(file, tag) for tag in tags), strict=False):
        strip = file.data[start : start + length]
        if is_whole(tables + strip.removeprefix(b"\xff\xd8"), file.name):
            continue
        if not limits.lenient:
            raise UnreadableInputError(
                f"{file.name} is cut short: a strip of it ends before its last row; get a whole copy, or read what "
                "there is of it (--lenient)."
            )
        notes.append("a part of it ends before its last row; the rest is empty")
        return


def _unmultiplied(samples: NDArray[np.uint8], kind: _Kind) -> NDArray[np.uint8]:
    """Colours that were multiplied by alpha, as they were before, in rows at a time."""
    kind.notes.append("its colours were multiplied by alpha; those that alpha hides are lost")
    for row in samples:
        colours, alpha = row[:, :-1].astype(np.uint16), row[:, -1:].astype(np.uint16)
        row[:, :-1] = np.minimum(255, (colours * 255 + alpha // 2) // np.maximum(alpha, 1))
    return samples


def _decoded(data: bytes, name: str) -> NDArray[np.uint8]:
    with translated(name), libtiff_heeded(name):
        image = TiffImageFile(io.BytesIO(data))
        check_mode(image.mode, name)
        image.load()
        return samples_of(image)


def _pixels_only(file: PictureFile, kind: _Kind) -> bytes:
    """The file with a first directory that holds nothing but what describes the pixels, alpha not premultiplied."""
    tags = (*_PIXEL_TAGS, *_STRIPS, *_TILES, _BITS, _PHOTOMETRIC, _COUNT, 320, 529, 530, 531, 532)
    fields = {tag: _classic_value(file.data, file.parts[tag]) for tag in tags if tag in file.parts}
    if kind.extras and kind.count > _COLOURS[kind.photometric]:
        fields[_EXTRAS] = _shorts(file.data, _UNASSOCIATED)
    return tiff.with_entries(file.data, fields, keep=False)


def _plane(file: PictureFile, kind: _Kind, index: int) -> bytes:
    """The file with a first directory that describes one plane alone, as a grey picture."""
    fields = {tag: _classic_value(file.data, file.parts[tag]) for tag in _PIXEL_TAGS if tag in file.parts}
    fields |= {_BITS: _shorts(file.data, 8), _COUNT: _shorts(file.data, 1), _PHOTOMETRIC: _shorts(file.data, 1)}
    for tag in _TILES if _TILES[0] in file.parts else _STRIPS:
        values = _numbers(file, tag)
        number = len(values) // kind.count
        fields[tag] = _longs(file.data, values[index * number : (index + 1) * number])
    return tiff.with_entries(file.data, fields, keep=False)


def _classic(data: bytes, entries: Mapping[int, tiff.Entry]) -> bytes:
    """The file, or for a BigTIFF a classic one with the same first directory, but for directories below it."""
    found = tiff.layout(data)
    if found is None or not found.big:
        return data
    kept = {tag: entry for tag, entry in entries.items() if tag not in (*exif_blocks.SUB_DIRECTORIES, _SUB_DIRECTORIES)}
    return tiff.with_entries(data, {tag: _classic_value(data, entry) for tag, entry in kept.items()}, keep=False)


def _classic_value(data: bytes, entry: tiff.Entry) -> tuple[int, bytes]:
    if entry.type in (16, 18):
        return _longs(data, tiff.integers(data, entry))
    return entry.type, data[entry.start : entry.end]


def _longs(data: bytes, values: tuple[int, ...]) -> tuple[int, bytes]:
    return tiff.LONG, struct.pack(f"{_order(data)}{len(values)}I", *values)


def _shorts(data: bytes, *values: int) -> tuple[int, bytes]:
    return tiff.SHORT, struct.pack(f"{_order(data)}{len(values)}H", *values)


def _order(data: bytes) -> str:
    found = tiff.layout(data)
    return found.order if found else "<"


def _number(file: PictureFile, tag: int, default: int = 0) -> int:
    return _first(file.data, file.parts, tag, default)


def _numbers(file: PictureFile, tag: int) -> tuple[int, ...]:
    return tiff.integers(file.data, file.parts.get(tag))


def _first(data: bytes, entries: Mapping[int, tiff.Entry], tag: int, default: int) -> int:
    return (tiff.integers(data, entries.get(tag)) or (default,))[0]


def _encode(job: Job) -> bytes:
    samples = np.asarray(job.image)
    samples = samples[..., None] if samples.ndim == 2 else samples
    kept = exif_blocks.DESCRIPTIVE_TAGS + exif_blocks.SUB_DIRECTORIES
    return tiff_bytes(samples, metadata=job.metadata, kept=kept, body=job.body)


class _Container:
    """A body as the value of a private tag; the EXIF block is the beginning of the file."""

    def holds(self, data: bytes) -> bool:
        return tiff.BODY_TAG in tiff.first_directory(data)

    def locate(self, file: PictureFile, limits: Limits) -> Located:
        del limits
        body = tiff.raw(file.data, file.parts.get(tiff.BODY_TAG))
        size = _number(file, _HEIGHT), _number(file, _WIDTH)
        if body is not None and not all(size):
            raise UnreadableInputError(f"{file.name} is damaged: the TIFF states no size; get a good copy.")
        return Located(size, body)

    def strip(self, file: PictureFile) -> bytes:
        return tiff.without(file.data, tiff.BODY_TAG)

    def carried(self, metadata: Metadata) -> Metadata:
        return metadata

    def sections(self, exif: bytes | None) -> Mapping[str, bytes]:
        # The block is the beginning of the TIFF, but for the link to its first directory: both numbers undo that.
        return {EXIF_SECTION: _EXIF_PLACE.pack(len(exif), tiff.directory_offset(exif))} if exif else {}

    def exif(self, file: PictureFile, sections: Mapping[str, bytes], block: bytes | None) -> bytes | None:
        del block
        place = sections.get(EXIF_SECTION, b"")
        return exif_at_start(file.data, *_EXIF_PLACE.unpack(place)) if len(place) == _EXIF_PLACE.size else None


TIFF = Format(
    kind="tiff",
    endings=(".tif", ".tiff"),
    begins=begins_with(b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"),
    plugin=TiffImageFile,
    feature="libtiff",
    take_apart=_take_apart,
    prepare=_prepare,
    encode=_encode,
    container=_Container(),
)
