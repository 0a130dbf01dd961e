"""Small pictures and LR files that the tests of this folder are made from."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from PIL import Image

from unshrink.files import png, tiff, webp
from unshrink.files.header import Header
from unshrink.files.lrfile import LRFile, encode
from unshrink.files.picture import Picture
from unshrink.files.tiffpixels import tiff_bytes
from unshrink.limits import DEFAULT_LIMITS

CONTAINERS = ("png", "webp", "tiff")
in_each_container = pytest.mark.parametrize("container", CONTAINERS)
ICC = b"not a profile, but carried as one" * 3


def pixels(height: int, width: int, channels: int = 3, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, channels), dtype=np.uint8)


def exif_block(orientation: int = 1) -> bytes:
    exif = Image.Exif()
    exif[0x010E] = "a harbour at dawn"
    exif[0x0112] = orientation
    exif[0x8769] = {0x9003: "2020:01:02 03:04:05", 0x927C: b"maker notes with offsets" * 4}
    exif[0x8825] = {1: "N", 2: (1.0, 2.0, 3.5)}
    return exif.tobytes().removeprefix(b"Exif\0\0")


def picture(height: int = 5, width: int = 7, channels: int = 3, *, metadata: bool = False, seed: int = 0) -> Picture:
    made = Picture.from_array(pixels(height, width, channels, seed))
    if not metadata:
        return made
    return Picture(made.rgb, alpha=made.alpha, grey=made.grey, icc=ICC, exif=exif_block())


def header(lr: Picture, **changes: Any) -> Header:
    values: dict[str, Any] = {
        "model": "lite-x4",
        "weights": "0123456789abcdef" * 4,
        "scale": (4.0, 4.0),
        "size": (lr.height * 4 - 1, lr.width * 4 - 3),
        "grey": lr.grey,
        "carrier": "none",
        "alpha": "none",
        "writer": "unshrink 0.1.0",
    }
    return Header(**{**values, **changes})


def lrfile(channels: int = 3, *, metadata: bool = True, sections: dict[str, bytes] | None = None) -> LRFile:
    lr = picture(channels=channels, metadata=metadata)
    return LRFile(lr, header(lr), {"ALPH": b"\0\xff"} if sections is None else sections)


def saved(image: Image.Image, kind: str, **options: Any) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def same_picture(a: Picture, b: Picture) -> bool:
    return np.array_equal(a.samples, b.samples) and (a.grey, a.icc, a.exif) == (b.grey, b.icc, b.exif)


def same_lrfile(a: LRFile, b: LRFile) -> bool:
    return same_picture(a.picture, b.picture) and a.header == b.header and dict(a.sections) == dict(b.sections)


def frames(kind: str) -> bytes:
    images = [Image.fromarray(pixels(5, 7, seed=seed)) for seed in (1, 2)]
    return saved(images[0], kind, save_all=True, append_images=images[1:])


SMALL = {
    kind: saved(
        Image.fromarray(pixels(6, 9)), kind, **({"exif": b"Exif\0\0" + exif_block(6)} if kind == "JPEG" else {})
    )
    for kind in ("PNG", "JPEG", "WEBP", "TIFF", "GIF", "BMP", "PPM", "AVIF")
}


ORIGINAL = lrfile(4)
ENCODED = {container: encode(ORIGINAL, container) for container in ("png", "webp", "tiff")}


def with_body(data: bytes, change: Callable[[bytes], bytes]) -> bytes:
    """Return an LR file with its body changed and every checksum of its container right."""
    if data.startswith(b"\x89PNG"):
        chunks = png.read_chunks(data, "x")
        body = change(png.join_body(chunks, DEFAULT_LIMITS, "x"))
        rest = [chunk for chunk in chunks if chunk.kind != b"unSH"]
        return png.join(png.insert_before_pixels(rest, png.body_chunks(body, DEFAULT_LIMITS)))
    if data.startswith(b"RIFF"):
        chunks = webp.read_chunks(data, "x")
        return webp.join(webp.Chunk(k, change(d)) if k == b"unSH" else webp.Chunk(k, d) for k, d in chunks)
    entry = tiff.first_directory(data)[tiff.BODY_TAG]
    body = change(data[entry.start : entry.end])
    return data[: entry.start] + body.ljust(entry.end - entry.start, b"\0") + data[entry.end :]


def signed(body: bytes) -> bytes:
    return body[:-32] + hashlib.sha256(body[:-32]).digest()


def with_pixels(container: str, change: Callable[[Picture], Picture]) -> bytes:
    """Return the file with the body of ``ORIGINAL`` around other pixels."""
    body = body_of(ENCODED[container])
    lr = change(ORIGINAL.picture)
    return (
        with_body(encode(LRFile(lr, header(lr)), container), lambda old: body)
        if container != "tiff"
        else (tiff_bytes(lr.samples, metadata=lr.metadata, kept=(), body=body))
    )


def body_of(data: bytes) -> bytes:
    found: list[bytes] = []
    with_body(data, lambda body: found.append(body) or body)
    return found[0]
