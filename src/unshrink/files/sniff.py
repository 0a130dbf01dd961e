"""What kind of file some bytes are: decided by their content, never by a file name."""

from __future__ import annotations

from unshrink.errors import UnreadableInputError, UnsupportedPictureError

__all__ = ["sniff", "sniff_or_none"]

_READABLE = {
    b"\x89PNG\r\n\x1a\n": "png",
    b"\xff\xd8\xff": "jpeg",
    b"II*\0": "tiff",
    b"MM\0*": "tiff",
    b"II+\0": "tiff",
    b"MM\0+": "tiff",
    b"GIF87a": "gif",
    b"GIF89a": "gif",
    b"BM": "bmp",
    **{b"P%d%c" % (digit, space): "ppm" for digit in range(1, 7) for space in b" \t\r\n"},
}
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
}
_HEIF_BRANDS = (b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1")


def sniff_or_none(data: bytes) -> str | None:
    """Return "png", "jpeg", "webp", "tiff", "gif", "bmp", "ppm" or "avif", or None for anything else."""
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "webp"
    if data[4:8] == b"ftyp" and any(brand in data[8:64] for brand in (b"avif", b"avis")):
        return "avif"
    return next((kind for magic, kind in _READABLE.items() if data.startswith(magic)), None)


def sniff(data: bytes, name: str) -> str:
    """Return the kind of picture that ``data`` holds, as ``sniff_or_none`` names it.

    Raises ``UnsupportedPictureError`` for picture formats that are known but not read, else ``UnreadableInputError``.
    """
    kind = sniff_or_none(data)
    if kind is not None:
        return kind
    refused = _refused_format(data)
    if refused is not None:
        raise UnsupportedPictureError(f"{name} is a {refused} file, which is not read here; convert it to PNG first.")
    raise UnreadableInputError(f"{name} is not a picture; give a PNG, JPEG, WebP, TIFF, AVIF, GIF, BMP or PPM file.")


def _refused_format(data: bytes) -> str | None:
    if data[4:8] == b"ftyp" and data[8:12] in _HEIF_BRANDS:
        return "HEIF"
    return next((label for magic, label in _REFUSED.items() if data.startswith(magic)), None)
