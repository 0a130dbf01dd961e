"""From a Pillow image and its metadata to the bytes of a picture file, with the body of an LR file where asked."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

from unshrink.errors import LimitError, UnknownNameError, UnshrinkError, UsageError
from unshrink.files import exif as exif_blocks
from unshrink.files import png, webp
from unshrink.files.tiffpixels import tiff_bytes
from unshrink.limits import DEFAULT_LIMITS, Limits

__all__ = ["FORMATS", "Job", "encode_image", "format_for"]

_EXTENSIONS = {
    ".png": "png", ".webp": "webp", ".tif": "tiff", ".tiff": "tiff", ".jpg": "jpeg", ".jpeg": "jpeg", ".bmp": "bmp",
}  # fmt: skip
_MAX_JPEG_SIDE = 65500
_MAX_JPEG_EXIF = 65533 - len(exif_blocks.JPEG_PREFIX)
_JPEG_QUALITY = 95
# On photographs level 9 saves 0.3 % over level 6 and takes half as long again: worth it for small pictures only.
_BEST_COMPRESSION_PIXELS = 4_000_000


@dataclass(frozen=True, kw_only=True)
class Job:
    """What is to be encoded: an image of mode L, LA, RGB or RGBA, metadata, and the body of an LR file or None.

    The ``info`` of the image must be empty: Pillow would write metadata from there on its own account.
    """

    image: Image.Image
    icc: bytes | None
    exif: bytes | None
    body: bytes | None = None
    limits: Limits = DEFAULT_LIMITS
    quality: int | None = None
    """Of a JPEG, 1 to 100; None for 95."""


def format_for(path: str) -> str:
    """Return the format that the extension of ``path`` names; raises ``UnknownNameError`` (a ``UsageError``)."""
    dot = path.rfind(".")
    extension = path[dot:].lower() if dot > max(path.rfind("/"), path.rfind("\\")) else ""
    if extension not in _EXTENSIONS:
        raise UnknownNameError("picture format with the extension", extension, _EXTENSIONS)
    return _EXTENSIONS[extension]


def encode_image(job: Job, kind: str) -> bytes:
    """Return the bytes of a file of that kind, one of ``FORMATS``.

    Raises ``UnknownNameError`` for another kind, ``UsageError`` where the format cannot hold the alpha channel, and
    ``LimitError`` where it cannot hold the size.
    """
    if kind not in _ENCODERS:
        raise UnknownNameError("picture format", kind, FORMATS)
    try:
        return _ENCODERS[kind](job)
    except UnshrinkError:
        raise
    except (OSError, ValueError, MemoryError, OverflowError) as error:
        raise LimitError(f"The picture does not go into a {kind.upper()} ({error}); choose another format.") from error


def _save(image: Image.Image, kind: str, **options: Any) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def _encode_png(job: Job) -> bytes:
    level = 9 if job.image.width * job.image.height <= _BEST_COMPRESSION_PIXELS else 6
    extra = [png.icc_chunk(job.icc)] if job.icc else []
    extra += [png.Chunk(b"eXIf", job.exif)] if job.exif else []
    extra += png.body_chunks(job.body, job.limits) if job.body else []
    stream = _PngStream(png.join(extra)[len(png.SIGNATURE) :])
    job.image.save(stream, "PNG", compress_level=level)
    return stream.getvalue()


class _PngStream(io.BytesIO):
    """Takes a PNG as it is written, and puts chunks of ours after its first, so that no second copy is needed."""

    def __init__(self, extra: bytes) -> None:
        super().__init__()
        self._extra = extra

    def write(self, data: Any) -> int:  # bytes or anything like them
        if self.tell() == png.HEAD_END:
            super().write(self._extra)
        return super().write(data)


def _encode_webp(job: Job) -> bytes:
    width, height = job.image.size
    if max(width, height) > webp.MAX_SIDE:
        raise LimitError(
            f"A WebP holds at most {webp.MAX_SIDE} pixels on a side, not {width} x {height}; write a PNG or a TIFF."
        )
    alpha = "A" in job.image.mode
    image = job.image.convert("RGBA" if alpha else "RGB")
    # Of libwebp's lossless settings the one that is both small and fast; exact keeps the colours under alpha 0.
    plain = _save(image, "WEBP", lossless=True, quality=100, method=4, exact=True)
    if not (job.icc or job.exif or job.body):
        return plain
    picture = next(chunk for chunk in webp.walk(plain) if chunk.kind == b"VP8L")
    return webp.join(webp.extended(picture, (height, width), alpha=alpha, icc=job.icc, exif=job.exif, body=job.body))


def _encode_tiff(job: Job) -> bytes:
    samples = np.asarray(job.image)
    samples = samples[..., None] if samples.ndim == 2 else samples
    kept = exif_blocks.DESCRIPTIVE_TAGS + exif_blocks.SUB_DIRECTORIES
    return tiff_bytes(samples, icc=job.icc, exif=job.exif, kept=kept, body=job.body)


def _encode_jpeg(job: Job) -> bytes:
    _refuse_alpha(job.image, "JPEG")
    if max(job.image.size) > _MAX_JPEG_SIDE:
        raise LimitError(f"A JPEG holds at most {_MAX_JPEG_SIDE} pixels on a side; write a PNG or a TIFF.")
    if job.exif and len(job.exif) > _MAX_JPEG_EXIF:
        raise LimitError(f"A JPEG holds at most {_MAX_JPEG_EXIF} bytes of EXIF; write a PNG or a TIFF.")
    options: dict[str, Any] = {"icc_profile": job.icc} if job.icc else {}
    if job.exif:
        options["exif"] = exif_blocks.JPEG_PREFIX + job.exif
    return _save(job.image, "JPEG", quality=job.quality or _JPEG_QUALITY, subsampling="4:4:4", optimize=True, **options)


def _encode_bmp(job: Job) -> bytes:
    _refuse_alpha(job.image, "BMP")
    return _save(job.image, "BMP")


def _refuse_alpha(image: Image.Image, label: str) -> None:
    if "A" in image.mode:
        raise UsageError(f"A {label} cannot hold the alpha channel of this picture; write a PNG, WebP or TIFF.")


_ENCODERS: dict[str, Callable[[Job], bytes]] = {
    "png": _encode_png,
    "webp": _encode_webp,
    "tiff": _encode_tiff,
    "jpeg": _encode_jpeg,
    "bmp": _encode_bmp,
}
FORMATS = tuple(_ENCODERS)
"""The names of the formats that pictures can be written in."""
