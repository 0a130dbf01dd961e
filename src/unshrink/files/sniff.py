"""What kind of file some bytes are: decided by their content, never by a file name."""

from __future__ import annotations

from unshrink.errors import UnreadableInputError, UnsupportedPictureError
from unshrink.files.formats import FORMATS, Format, PictureFile
from unshrink.files.formats.heif import BRANDS

__all__ = ["open_file", "sniff", "sniff_or_none"]

_RAW = "camera raw"
_REFUSED = {
    b"\xff\x0a": "JPEG XL",
    b"\0\0\0\x0cJXL ": "JPEG XL",
    b"\0\0\0\x0cjP  ": "JPEG 2000",
    b"8BPS": "Photoshop",
    b"%PDF": "PDF",
    b"%!PS": "PostScript",
    b"<svg": "SVG",
    b"v/1\x01": "OpenEXR",
    b"#?RADIANCE": "Radiance HDR",
    b"\0\0\x01\0": "icon",
    **dict.fromkeys((b"IIRO", b"IIRS", b"MMOR", b"IIU\0", b"FUJIFILMCCD-RAW", b"FOVb", b"\0MRM", b"II\x1a\0"), _RAW),
}


def open_file(data: bytes, name: str) -> PictureFile:
    """The picture file in `data`, taken apart; raises what `sniff` raises, and UnreadableInputError for damage."""
    format = sniff(data, name)
    return PictureFile(data, name, format, format.take_apart(data, name))


def sniff_or_none(data: bytes) -> Format | None:
    """The format of a file that begins with `data`, or None where it is none that is read."""
    return next((format for format in FORMATS.values() if format.begins(data)), None)


def sniff(data: bytes, name: str) -> Format:
    """The format of a file that begins with `data`.

    Raises UnsupportedPictureError for picture formats that are known but not read, else UnreadableInputError.
    """
    format = sniff_or_none(data)
    if format is not None:
        return format
    refused = _refused_format(data)
    if refused is not None:
        how = (
            "install what reads them (pip install 'unshrink[heif]')" if refused == "HEIF" else "convert it to PNG first"
        )
        raise UnsupportedPictureError(f"{name} is a {refused} file, which is not read here; {how}.")
    raise UnreadableInputError(f"{name} is not a picture; give a PNG, JPEG, WebP, TIFF, AVIF, GIF, BMP or PPM file.")


def _refused_format(data: bytes) -> str | None:
    if data[4:8] == b"ftyp" and data[8:12] in BRANDS:
        return "HEIF"
    if data[4:12] == b"ftypcrx ":
        return _RAW
    return next((label for magic, label in _REFUSED.items() if data.startswith(magic)), None)
