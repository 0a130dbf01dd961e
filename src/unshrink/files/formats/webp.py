"""The format WebP, written without loss."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from PIL.WebPImagePlugin import WebPImageFile

from unshrink.errors import LimitError
from unshrink.files import colour, exif, webp
from unshrink.files.checks import check_size, refuse_frames
from unshrink.files.formats.base import Format, Job, Located, Metadata, PictureFile, Prepared, save
from unshrink.limits import Limits

__all__ = ["WEBP"]


def _begins(data: bytes) -> bool:
    return data[:4] == b"RIFF" and data[8:12] == b"WEBP"


def _prepare(file: PictureFile, max_pixels: int, limits: Limits) -> Prepared:
    del limits
    if webp.is_animated(file.parts):
        refuse_frames(file.name, "an animated WebP")
    check_size(webp.canvas(file.parts, file.name), max_pixels, file.name)
    icc, block, xmp = (webp.only(file.parts, kind) for kind in (b"ICCP", b"EXIF", b"XMP "))
    return Prepared(file.data, Metadata(icc=icc, exif=block, xmp=xmp, dpi=exif.resolution(block)))


def _encode(job: Job) -> bytes:
    width, height = job.image.size
    if max(width, height) > webp.MAX_SIDE:
        raise LimitError(
            f"A WebP holds at most {webp.MAX_SIDE} pixels on a side, not {width} x {height}; write a PNG or a TIFF."
        )
    alpha = "A" in job.image.mode
    image = job.image.convert("RGBA" if alpha else "RGB")
    # Of libwebp's lossless settings the one that is both small and fast; exact keeps the colours under alpha 0.
    plain = save(image, "WEBP", lossless=True, quality=100, method=4, exact=True)
    metadata = _carried(job.metadata)
    if not (metadata.icc or metadata.exif or metadata.xmp or job.body):
        return plain
    picture = next(chunk for chunk in webp.walk(plain) if chunk.kind == b"VP8L")
    return webp.join(webp.extended(picture, (height, width), alpha=alpha, metadata=metadata, body=job.body))


def _carried(metadata: Metadata) -> Metadata:
    """A WebP states a resolution in its EXIF block and nowhere else, and is never grey."""
    return replace(metadata, icc=colour.coloured(metadata.icc), exif=exif.with_resolution(metadata.exif, metadata.dpi))


class _Container:
    """A body in one unSH chunk."""

    def holds(self, data: bytes) -> bool:
        return any(kind == webp.BODY_CHUNK for kind in webp.kinds(data))

    def locate(self, file: PictureFile, limits: Limits) -> Located:
        del limits
        width, height = webp.canvas(file.parts, file.name)
        return Located((height, width), webp.only(file.parts, webp.BODY_CHUNK))

    def strip(self, file: PictureFile) -> bytes:
        return webp.join(chunk for chunk in file.parts if chunk.kind != webp.BODY_CHUNK)

    def carried(self, metadata: Metadata) -> Metadata:
        return _carried(metadata)

    def sections(self, exif: bytes | None) -> Mapping[str, bytes]:
        del exif
        return {}

    def exif(self, file: PictureFile, sections: Mapping[str, bytes], block: bytes | None) -> bytes | None:
        del file, sections
        return block


WEBP = Format(
    kind="webp",
    endings=(".webp",),
    begins=_begins,
    plugin=WebPImageFile,
    feature="webp",
    take_apart=webp.read_chunks,
    prepare=_prepare,
    encode=_encode,
    container=_Container(),
)
