"""From the bytes of a picture file to a loaded Pillow image with its metadata; what cannot be kept is refused by name.

Pillow's plugin classes are called directly: ``Image.open`` guesses by trial, takes its size limit from a global, and
takes the JPEG of many phones, which carries a preview behind the picture, for an animation.
"""

from __future__ import annotations

import contextlib
import io
import re
import threading
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from PIL import Image
from PIL.AvifImagePlugin import AvifImageFile
from PIL.BmpImagePlugin import BmpImageFile
from PIL.GifImagePlugin import GifImageFile
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.PpmImagePlugin import PpmImageFile
from PIL.TiffImagePlugin import TiffImageFile
from PIL.WebPImagePlugin import WebPImageFile

from unshrink.errors import LimitError, UnreadableInputError, UnshrinkError, UnsupportedPictureError
from unshrink.files import exif, png, webp
from unshrink.files.sniff import sniff
from unshrink.limits import Limits

__all__ = ["Decoded", "check_metadata", "check_mode", "check_size", "decode_image", "stated_size", "translated"]

_PLUGINS: dict[str, type[ImageFile]] = {
    "png": PngImageFile,
    "jpeg": JpegImageFile,
    "webp": WebPImageFile,
    "tiff": TiffImageFile,
    "gif": GifImageFile,
    "bmp": BmpImageFile,
    "ppm": PpmImageFile,
    "avif": AvifImageFile,
}
_COLOUR_MODES = ("1", "L", "LA", "La", "P", "PA", "RGB", "RGBA", "RGBa", "RGBX", "YCbCr")
_PIXEL_CHUNKS = (b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND")
_PILLOW_LOCK = threading.Lock()  # warnings.catch_warnings changes the filters of the whole process


@dataclass(frozen=True)
class Decoded:
    """A loaded Pillow image in one of the modes that hold 8 bit grey or colour, with its ICC profile and EXIF block."""

    image: Image.Image
    kind: str
    icc: bytes | None
    exif: bytes | None


@dataclass(frozen=True)
class _Prepared:
    """Bytes fit for Pillow, and what was taken from the container on the way."""

    data: bytes
    icc: bytes | None = None
    exif: bytes | None = None
    grey_key: int | None = None


class Stated(NamedTuple):
    """What a picture file says of itself before anything is decoded."""

    width: int
    height: int
    progressive: bool
    """A JPEG whose coefficients are all kept until its end."""


def stated_size(data: bytes, name: str) -> Stated | None:
    """What the picture in ``data`` says of its size; None where that takes decoding, or is damaged."""
    try:
        with translated(name):
            image = _PLUGINS[sniff(data, name)](io.BytesIO(data))
            return Stated(image.width, image.height, bool(image.info.get("progressive")))
    except UnshrinkError:
        return None  # decoding tells what is wrong


def decode_image(data: bytes, *, max_pixels: int, limits: Limits, name: str) -> Decoded:
    """Decode the one picture in ``data``, checking its size against ``max_pixels`` before pixels are allocated.

    Raises ``UnreadableInputError`` for anything damaged, cut short or no picture at all, ``UnsupportedPictureError``
    for what would be lost (frames, pages, bits, CMYK), and ``LimitError``.
    """
    kind = sniff(data, name)
    prepared = _PREPARE.get(kind, _prepare_other)(data, max_pixels, limits, name)
    with translated(name):
        image = _PLUGINS[kind](io.BytesIO(prepared.data))
        check_size(image.size, max_pixels, name)
        _refuse_by_kind(image, kind, name)
        check_mode(image.mode, name)
        image.load()
        if prepared.grey_key is not None:
            image.info["transparency"] = prepared.grey_key
        icc, block = prepared.icc, prepared.exif
        if kind not in ("png", "webp"):
            icc = image.info.get("icc_profile") or None
            block = exif.from_tags(image) if kind == "tiff" else image.info.get("exif")
    check_metadata(icc, block, limits, name)
    return Decoded(image, kind, icc, block)


@contextlib.contextmanager
def translated(name: str) -> Iterator[None]:
    """Run Pillow with its warnings off, and turn whatever it raises into one of our errors."""
    with _PILLOW_LOCK, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            yield
        except UnshrinkError:
            raise
        except (MemoryError, Image.DecompressionBombError):
            raise LimitError(f"{name} is too large to be decoded here; use a smaller picture.") from None
        except Exception as error:  # Pillow's decoders let through nearly every class there is when a file is damaged
            raise UnreadableInputError(f"{name} is damaged or cut short ({error}); get a good copy.") from error


def check_size(size: tuple[int, int], max_pixels: int, name: str) -> None:
    """Raise ``LimitError`` where ``size`` (two sides, in any order) has more than ``max_pixels`` pixels or none."""
    if size[0] < 1 or size[1] < 1:
        raise UnreadableInputError(f"{name} is damaged: it states a size of {size[0]} x {size[1]}; get a good copy.")
    if size[0] * size[1] > max_pixels:
        raise LimitError(
            f"{name} is {size[0]} x {size[1]} pixels, over the limit of {max_pixels}; "
            "cut it into pieces, or raise the limit (unshrink.Limits, from Python)."
        )


def check_mode(mode: str, name: str) -> None:
    """Raise ``UnsupportedPictureError`` for a Pillow mode that 8 bit grey or RGB with alpha cannot hold."""
    if mode in _COLOUR_MODES:
        return
    if mode == "CMYK":
        raise UnsupportedPictureError(f"{name} is a CMYK picture; convert it to RGB by its colour profile first.")
    if mode.startswith("I"):
        _refuse_bits(name, "16")
    if mode == "F":
        raise UnsupportedPictureError(f"{name} holds floating-point samples; convert it to 8 bits per sample first.")
    raise UnsupportedPictureError(f"{name} is a picture of colour mode {mode}; convert it to RGB first.")


def _refuse_bits(name: str, bits: str) -> None:
    raise UnsupportedPictureError(f"{name} has {bits} bits per sample; convert it to 8 bits per sample first.")


def _refuse_frames(name: str, kind: str) -> None:
    raise UnsupportedPictureError(f"{name} is {kind}; only single pictures are handled, so take out one of them first.")


def check_metadata(icc: bytes | None, block: bytes | None, limits: Limits, name: str) -> None:
    """Raise ``LimitError`` where the ICC profile or the EXIF block is longer than ``limits.max_metadata_bytes``."""
    for label, data in (("colour profile", icc), ("EXIF block", block)):
        if data is not None and len(data) > limits.max_metadata_bytes:
            raise LimitError(f"{name} has a {label} of more than {limits.max_metadata_bytes} bytes; remove it first.")


def _prepare_png(data: bytes, max_pixels: int, limits: Limits, name: str) -> _Prepared:
    chunks = png.read_chunks(data, name)
    head = png.head(chunks)
    check_size(head[:2], max_pixels, name)
    if head.depth == 16:
        _refuse_bits(name, "16")
    if png.frame_count(chunks) > 1:
        _refuse_frames(name, "an animated PNG")
    key = png.only(chunks, b"tRNS") if head.colour == 0 and head.depth in (2, 4) else None
    # Pillow stretches 2 and 4 bit grey to 8 bits but leaves the transparent value as it was.
    grey_key = int.from_bytes(key[:2]) * (255 // (2**head.depth - 1)) if key else None
    plain = all(chunk.kind in _PIXEL_CHUNKS for chunk in chunks)
    pixels = data if plain else png.join(chunk for chunk in chunks if chunk.kind in _PIXEL_CHUNKS)
    return _Prepared(pixels, png.icc_profile(chunks, limits, name), png.only(chunks, b"eXIf"), grey_key)


def _prepare_webp(data: bytes, max_pixels: int, limits: Limits, name: str) -> _Prepared:
    chunks = webp.read_chunks(data, name)
    if webp.is_animated(chunks):
        _refuse_frames(name, "an animated WebP")
    check_size(webp.canvas(chunks, name), max_pixels, name)
    return _Prepared(data, webp.only(chunks, b"ICCP"), webp.only(chunks, b"EXIF"))


def _prepare_ppm(data: bytes, max_pixels: int, limits: Limits, name: str) -> _Prepared:
    tokens = re.sub(rb"#[^\r\n]*", b"", data[:4096]).split(maxsplit=4)
    has_maximum = len(tokens) > 3 and tokens[0] in (b"P2", b"P3", b"P5", b"P6") and tokens[3].isdigit()
    if has_maximum and int(tokens[3][:9]) > 255:
        _refuse_bits(name, "16")
    return _Prepared(data)


def _prepare_avif(data: bytes, max_pixels: int, limits: Limits, name: str) -> _Prepared:
    # The AV1 configuration box: marker, profile and level, then tier, high_bitdepth, twelve_bit in the top three bits.
    at = data.find(b"av1C")
    if at >= 0 and data[at + 6 : at + 7] > b"" and data[at + 6] & 0x40:
        _refuse_bits(name, "12" if data[at + 6] & 0x20 else "10")
    return _Prepared(data)


def _prepare_other(data: bytes, max_pixels: int, limits: Limits, name: str) -> _Prepared:
    return _Prepared(data)


_PREPARE: dict[str, Callable[[bytes, int, Limits, str], _Prepared]] = {
    "png": _prepare_png,
    "webp": _prepare_webp,
    "ppm": _prepare_ppm,
    "avif": _prepare_avif,
}


def _refuse_by_kind(image: ImageFile, kind: str, name: str) -> None:
    if isinstance(image, TiffImageFile):
        _refuse_tiff(image, name)
    elif kind in ("gif", "avif") and getattr(image, "is_animated", False):
        _refuse_frames(name, f"an animated {kind.upper()}")


def _refuse_tiff(image: TiffImageFile, name: str) -> None:
    bits = max(_tag_values(image, 258), default=1)
    formats = set(_tag_values(image, 339))
    if 3 in formats:
        check_mode("F", name)
    if bits > 8 or formats - {1, 4}:
        _refuse_bits(name, str(bits) if bits > 8 else "signed")
    if image.is_animated:
        _refuse_frames(name, "a TIFF of several pages")


def _tag_values(image: TiffImageFile, tag: int) -> tuple[int, ...]:
    value = image.tag_v2.get(tag, ())
    return tuple(value) if isinstance(value, tuple) else (int(value),)
