"""The format JPEG: read, and written at a fixed quality, never an LR file."""

from __future__ import annotations

import hashlib
import io
from typing import Any

from PIL.JpegImagePlugin import JpegImageFile

from unshrink.errors import LimitError, UnreadableInputError, UnsupportedPictureError
from unshrink.files import exif as exif_blocks
from unshrink.files import jpeg
from unshrink.files.checks import check_size, refuse_bits
from unshrink.files.formats.base import Format, Job, Metadata, PictureFile, Prepared, begins_with, refuse_alpha, save
from unshrink.files.pillow import translated
from unshrink.limits import DEFAULT_LIMITS, Limits

__all__ = ["JPEG", "is_whole"]

_MAX_SIDE = 65500
_MAX_SEGMENT = 65533
_QUALITY = 95
_XMP = b"http://ns.adobe.com/xap/1.0/\0"
_ICC = b"ICC_PROFILE\0"
_EOI = b"\xff\xd9"
_APP0, _APP1, _APP2, _APP13, _APP14 = 0xE0, 0xE1, 0xE2, 0xED, 0xEE
_LOST = {
    (_APP1, b"http://ns.adobe.com/xmp/extension/\0"): "the second part of its XMP is not kept",
    (_APP2, b"MPF\0"): "the further pictures behind it (a preview, a gain map) are not kept",
    (_APP13, b"Photoshop 3.0\0"): "its IPTC is not kept",
}
_PADDING = b"\x5a\xa5\x33\xcc\x0f\x96" * 400


def _take_apart(data: bytes, name: str) -> jpeg.Jpeg:
    return jpeg.walk(data, name, max_scans=DEFAULT_LIMITS.max_scans)


def _prepare(file: PictureFile, max_pixels: int, limits: Limits) -> Prepared:
    parts: jpeg.Jpeg = file.parts
    check_size((parts.frame.width, parts.frame.height), max_pixels, file.name)
    if parts.frame.marker in jpeg.LOSSLESS:
        raise UnsupportedPictureError(f"{file.name} is a lossless JPEG; convert it to PNG first.")
    if parts.frame.precision != 8:
        refuse_bits(file.name, str(parts.frame.precision))
    notes = _notes(file)
    data = file.data[: parts.end] if parts.end else file.data + _EOI
    if parts.end and parts.missing_scans():
        notes.append("some of its scans, and with them its finest detail, are not there")
    if not _is_whole(parts, data, file.name):
        if not limits.lenient:
            raise UnreadableInputError(
                f"{file.name} is cut short: its picture ends before its last row; get a whole copy, or read what there "
                "is of it (--lenient)."
            )
        notes.append("its picture ends before its last row; the rest is empty")
    return Prepared(data, Metadata(icc=_icc(file), exif=_exif(file), xmp=_xmp(file), dpi=_dpi(file)), tuple(notes))


def _notes(file: PictureFile) -> list[str]:
    notes = [] if file.parts.end else ["its end mark is missing; nothing else is"]
    for (marker, begin), note in _LOST.items():
        if _held(file, marker, begin) is not None:
            notes.append(note)
    behind = file.data[file.parts.end :] if file.parts.end else b""
    if b"ftyp" in behind[:64] or b"ftyp" in behind[-(1 << 24) :]:
        notes.append("the motion clip behind it is not kept")
    return notes


def is_whole(data: bytes, name: str) -> bool:
    """Whether the scans of a JPEG, such as a strip of a TIFF, hold all of their samples. Raises what reading raises."""
    parts = _take_apart(data, name)
    return _is_whole(parts, data[: parts.end] if parts.end else data + _EOI, name)


def _is_whole(parts: jpeg.Jpeg, data: bytes, name: str) -> bool:
    """Whether every scan holds all of its samples. libjpeg fills up what is missing, and does not say so to Pillow.

    Bytes put behind a scan that is whole are passed over; behind one that ends early they are taken for samples.
    """
    if parts.frame.marker in jpeg.ARITHMETIC:
        return True  # such a scan may leave out zeros at its end
    if parts.missing_restarts(data):
        return False
    if parts.missing_scans() and not parts.end:
        return False  # cut between two scans
    padded = bytearray()
    at = 0
    for scan in parts.scans:
        padded += data[at : scan.end] + _PADDING
        at = scan.end
    padded += data[at:]
    coarse, grey = parts.frame.marker != 0xC2, len(parts.scans) == 1
    return _shown(data, name, coarse, grey) == _shown(bytes(padded), name, coarse, grey)


def _shown(data: bytes, name: str, coarse: bool, grey: bool) -> bytes:
    """A digest of what is decoded: of brightness alone where colours are in the same scan, and perhaps at an eighth."""
    with translated(name):
        image = JpegImageFile(io.BytesIO(data))
        sides = (max(1, image.width // 8), max(1, image.height // 8)) if coarse else image.size
        image.draft("L" if grey and image.mode in ("L", "YCbCr", "RGB") else image.mode, sides)
        image.load()
        return hashlib.sha256(image.tobytes()).digest()


def _held(file: PictureFile, marker: int, begin: bytes) -> bytes | None:
    """What follows `begin` in the first segment of that marker that begins so."""
    for segment in file.parts.segments:
        if segment.marker == marker and file.data.startswith(begin, segment.start, segment.end):
            return file.data[segment.start + len(begin) : segment.end]
    return None


def _exif(file: PictureFile) -> bytes | None:
    return _held(file, _APP1, exif_blocks.JPEG_PREFIX)


def _xmp(file: PictureFile) -> bytes | None:
    return _held(file, _APP1, _XMP)


def _icc(file: PictureFile) -> bytes | None:
    """The profile put together from its numbered pieces; None where one is missing."""
    pieces: dict[int, bytes] = {}
    for segment in file.parts.segments:
        if segment.marker == _APP2 and file.data.startswith(_ICC, segment.start, segment.end):
            held = file.data[segment.start + len(_ICC) : segment.end]
            if len(held) > 2:
                pieces.setdefault(held[0], held[2:])
    whole = sorted(pieces) == list(range(1, len(pieces) + 1))
    return b"".join(pieces[number] for number in sorted(pieces)) if pieces and whole else None


def _dpi(file: PictureFile) -> tuple[float, float] | None:
    held = _held(file, _APP0, b"JFIF\0")
    if held is None or len(held) < 7 or held[2] not in (1, 2):
        return None
    across, down = int.from_bytes(held[3:5]), int.from_bytes(held[5:7])
    inch = 2.54 if held[2] == 2 else 1.0
    return (across * inch, down * inch) if across and down else None


def _encode(job: Job) -> bytes:
    refuse_alpha(job.image, "JPEG")
    if max(job.image.size) > _MAX_SIDE:
        raise LimitError(f"A JPEG holds at most {_MAX_SIDE} pixels on a side; write a PNG or a TIFF.")
    found = job.metadata
    for label, held, more in (("EXIF", found.exif, exif_blocks.JPEG_PREFIX), ("XMP", found.xmp, _XMP)):
        if held and len(held) + len(more) > _MAX_SEGMENT:
            raise LimitError(
                f"A JPEG holds at most {_MAX_SEGMENT - len(more)} bytes of {label}; write a PNG or a TIFF."
            )
    options: dict[str, Any] = {"icc_profile": found.icc} if found.icc else {}
    if found.exif:
        options["exif"] = exif_blocks.JPEG_PREFIX + found.exif
    if found.xmp:
        options["xmp"] = found.xmp
    if found.dpi and max(found.dpi) < 65535:
        options["dpi"] = tuple(max(1, round(number)) for number in found.dpi)
    return save(job.image, "JPEG", quality=job.quality or _QUALITY, subsampling="4:4:4", optimize=True, **options)


JPEG = Format(
    kind="jpeg",
    endings=(".jpg", ".jpeg"),
    begins=begins_with(b"\xff\xd8\xff"),
    plugin=JpegImageFile,
    feature="jpg",
    take_apart=_take_apart,
    prepare=_prepare,
    encode=_encode,
)
