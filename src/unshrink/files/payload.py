"""Lossless coding of 8 bit planes and RGB pixels, for payload sections."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from unshrink.errors import DamagedLRFileError, LimitError, UnreadableInputError, UsageError
from unshrink.files import png, webp
from unshrink.files.decoders import decode_image
from unshrink.files.sniff import open_file
from unshrink.limits import DEFAULT_LIMITS, Limits

__all__ = [
    "lossless_plane_decode",
    "lossless_plane_encode",
    "lossless_rgb_decode",
    "lossless_rgb_encode",
]

_CONSTANT, _PNG_GREY, _PNG_BILEVEL, _WEBP, _PNG_RGB, _WEBP_RGB = range(6)
_PNG_KINDS = {_PNG_GREY: (8, 0), _PNG_BILEVEL: (1, 0), _PNG_RGB: (24, 2)}
"""Bits per pixel and colour type of the PNG whose data stream the coding is."""
_COLOURED = (bytes([_PNG_RGB]), bytes([_WEBP_RGB]))
# Beyond this the strongest settings take many seconds for a few per cent.
_STRONG_PIXELS = 1_000_000


def lossless_plane_encode(plane: NDArray[np.uint8]) -> bytes:
    """Return ``plane`` (uint8, (H, W), not empty) coded without loss: one byte for the coding, then the smallest of

    0 one value, 1 the data stream of an 8 bit grey PNG, 2 that of a 1 bit PNG (values 0 and 255), 3 a lossless WebP.
    """
    if plane.dtype != np.uint8 or plane.ndim != 2 or plane.size == 0:
        raise UsageError(f"A plane must be uint8 of shape (H, W), not {plane.dtype} {plane.shape}.")
    first = int(plane[0, 0])
    if bool((plane == first).all()):
        return bytes([_CONSTANT, first])
    image = Image.fromarray(np.ascontiguousarray(plane))
    coded = [bytes([_PNG_GREY]) + _png_stream(image)]
    if bool(((plane == 0) | (plane == 255)).all()):
        coded.append(bytes([_PNG_BILEVEL]) + _png_stream(image.convert("1", dither=Image.Dither.NONE)))
    if max(plane.shape) <= webp.MAX_SIDE:
        coded.append(bytes([_WEBP]) + _webp_file(image))
    return min(coded, key=len)


def lossless_plane_decode(data: bytes, shape: tuple[int, int], *, limits: Limits = DEFAULT_LIMITS) -> NDArray[np.uint8]:
    """Return the plane of ``shape`` (H, W) that ``lossless_plane_encode`` coded; no more than that is allocated.

    Raises ``DamagedLRFileError`` where ``data`` is no such plane, and ``LimitError`` beyond ``limits.max_hr_pixels``.
    """
    if data[:1] in _COLOURED:
        raise _damaged_plane()
    return _decode(data, shape, limits)[..., 0]


def lossless_rgb_encode(rgb: NDArray[np.uint8]) -> bytes:
    """Return ``rgb`` (uint8, (H, W, 3), not empty) coded without loss: as a plane where its channels are equal, else

    the smaller of 4 the data stream of an 8 bit RGB PNG, 5 a lossless WebP.
    """
    if rgb.dtype != np.uint8 or rgb.ndim != 3 or rgb.shape[2] != 3 or rgb.size == 0:
        raise UsageError(f"Pixels must be uint8 of shape (H, W, 3), not {rgb.dtype} {rgb.shape}.")
    if bool((rgb[..., 0] == rgb[..., 1]).all() and (rgb[..., 1] == rgb[..., 2]).all()):
        return lossless_plane_encode(rgb[..., 0])
    image = Image.fromarray(np.ascontiguousarray(rgb))
    coded = [bytes([_PNG_RGB]) + _png_stream(image)]
    if max(rgb.shape) <= webp.MAX_SIDE:
        coded.append(bytes([_WEBP_RGB]) + _webp_file(image))
    return min(coded, key=len)


def lossless_rgb_decode(data: bytes, shape: tuple[int, int], *, limits: Limits = DEFAULT_LIMITS) -> NDArray[np.uint8]:
    """Return the pixels (H, W, 3), ``shape`` = (H, W), that ``lossless_rgb_encode`` coded; errors as for planes."""
    pixels = _decode(data, shape, limits)
    return pixels if pixels.shape[2] == 3 else pixels.repeat(3, axis=2)


def _decode(data: bytes, shape: tuple[int, int], limits: Limits) -> NDArray[np.uint8]:
    """The samples (H, W, 1 or 3) in any of the codings."""
    height, width = shape
    if height < 1 or width < 1:
        raise UsageError(f"A plane has at least one pixel, not the shape {shape}.")
    if height * width > limits.max_hr_pixels:
        raise LimitError(f"A plane of {height} x {width} is over the limit of {limits.max_hr_pixels} pixels.")
    coding, rest = data[:1], data[1:]
    if coding == bytes([_CONSTANT]) and len(rest) == 1:
        return np.full((height, width, 1), rest[0], dtype=np.uint8)
    try:
        return _decode_picture(_as_file(coding, rest, shape), shape, limits, coding in _COLOURED)
    except UnreadableInputError as error:
        raise _damaged_plane() from error


def _damaged_plane() -> DamagedLRFileError:
    return DamagedLRFileError("A plane in the payload is damaged; get a good copy of the file, or use --plain.")


def _png_stream(image: Image.Image) -> bytes:
    stream = io.BytesIO()
    image.save(stream, "PNG", compress_level=9 if _is_small(image) else 6)
    chunks = png.read_chunks(stream.getvalue(), "The plane")
    return b"".join(chunk.data for chunk in chunks if chunk.kind == b"IDAT")


def _webp_file(image: Image.Image) -> bytes:
    stream = io.BytesIO()
    effort = (100, 4) if _is_small(image) else (50, 2)
    image.convert("RGB").save(stream, "WEBP", lossless=True, quality=effort[0], method=effort[1])
    return stream.getvalue()


def _is_small(image: Image.Image) -> bool:
    return image.width * image.height <= _STRONG_PIXELS


def _as_file(coding: bytes, rest: bytes, shape: tuple[int, int]) -> bytes:
    kind = _PNG_KINDS.get(coding[0]) if coding else None
    if kind is not None:
        bits, colour_type = kind
        _check_inflates_to(rest, shape[0] * (1 + (shape[1] * bits + 7) // 8))
        head = struct.pack(">IIBBBBB", shape[1], shape[0], min(bits, 8), colour_type, 0, 0, 0)
        return png.join([png.Chunk(b"IHDR", head), png.Chunk(b"IDAT", rest), png.Chunk(b"IEND", b"")])
    if coding in (bytes([_WEBP]), bytes([_WEBP_RGB])) and rest[:4] == b"RIFF":
        chunks = webp.read_chunks(rest, "The plane")
        if webp.canvas(chunks, "The plane") == (shape[1], shape[0]):
            return rest
    raise _damaged_plane()


def _check_inflates_to(stream: bytes, size: int) -> None:
    """Raise where a zlib stream holds more or less than ``size`` bytes: PNG decoders let both pass."""
    inflater = zlib.decompressobj()
    try:
        held = len(inflater.decompress(stream, size + 1))
    except zlib.error as error:
        raise _damaged_plane() from error
    if held != size or not inflater.eof or inflater.unused_data:
        raise _damaged_plane()


def _decode_picture(data: bytes, shape: tuple[int, int], limits: Limits, colour: bool) -> NDArray[np.uint8]:
    file = open_file(data, "The plane")
    samples = decode_image(file, max_pixels=shape[0] * shape[1], limits=limits).samples
    if samples.shape[:2] != shape or (colour and samples.shape[2] != 3):
        raise _damaged_plane()
    return samples if colour else samples[..., :1]
