"""Formats that take few lines: BMP, GIF, PPM, AVIF."""

from __future__ import annotations

import re
import struct

from PIL.AvifImagePlugin import AvifImageFile
from PIL.BmpImagePlugin import BmpImageFile
from PIL.GifImagePlugin import GifImageFile
from PIL.ImageFile import ImageFile
from PIL.PpmImagePlugin import PpmImageFile

from unshrink.files import bmp, colour
from unshrink.files.checks import refuse_bits, refuse_frames
from unshrink.files.formats.base import Format, Job, PictureFile, Prepared, begins_with, refuse_alpha, save
from unshrink.files.metadata import NO_METADATA
from unshrink.limits import Limits

__all__ = ["AVIF", "BMP", "GIF", "PPM"]

_AVIF_HEAD = 1 << 16
"""Bytes at the beginning of an AVIF that hold its properties."""


def _encode_bmp(job: Job) -> bytes:
    refuse_alpha(job.image, "BMP")
    return save(job.image, "BMP")


def _refuse_animation(image: ImageFile, name: str) -> None:
    if getattr(image, "is_animated", False):
        refuse_frames(name, f"an animated {image.format}")


def _prepare_ppm(file: PictureFile, max_pixels: int, limits: Limits) -> Prepared:
    del max_pixels, limits
    tokens = re.sub(rb"#[^\r\n]*", b"", file.data[:4096]).split(maxsplit=4)
    has_maximum = len(tokens) > 3 and tokens[0] in (b"P2", b"P3", b"P5", b"P6") and tokens[3].isdigit()
    if has_maximum and int(tokens[3][:9]) > 255:
        refuse_bits(file.name, "16")
    return Prepared(file.data)


def _begins_avif(data: bytes) -> bool:
    return data[4:8] == b"ftyp" and any(brand in data[8:64] for brand in (b"avif", b"avis"))


def _prepare_avif(file: PictureFile, max_pixels: int, limits: Limits) -> Prepared:
    """The file with the profile of the colours that it numbers (box colr of type nclx), which Pillow passes over."""
    del max_pixels, limits
    data = file.data
    # The AV1 configuration box: marker, profile and level, then tier, high_bitdepth, twelve_bit in the top three bits.
    at = data.find(b"av1C")
    if at >= 0 and data[at + 6 : at + 7] > b"" and data[at + 6] & 0x40:
        refuse_bits(file.name, "12" if data[at + 6] & 0x20 else "10")
    at = data.find(b"colrnclx", 0, _AVIF_HEAD)
    coded = struct.unpack_from(">HH", data, at + 8) if 0 <= at <= len(data) - 15 else None
    grey = b"pixi" in data[:_AVIF_HEAD] and data[data.find(b"pixi") + 8 : data.find(b"pixi") + 9] == b"\1"
    return Prepared(data, profile=colour.coded_profile(coded[0], coded[1], file.name, grey=grey) if coded else None)


def _prepare_bmp(file: PictureFile, max_pixels: int, limits: Limits) -> Prepared:
    """The file, with the samples of pixels of 16 or 32 bits whose colours are bit masks: Pillow knows few of them."""
    del limits
    found = bmp.read_masked(file.data, file.name, max_pixels)
    return Prepared(file.data, samples=found, metadata=None if found is None else NO_METADATA)


BMP = Format(
    kind="bmp",
    endings=(".bmp",),
    begins=begins_with(b"BM"),
    plugin=BmpImageFile,
    prepare=_prepare_bmp,
    encode=_encode_bmp,
)
GIF = Format(
    kind="gif",
    endings=(".gif",),
    begins=begins_with(b"GIF87a", b"GIF89a"),
    plugin=GifImageFile,
    refuse=_refuse_animation,
)
PPM = Format(
    kind="ppm",
    endings=(".ppm", ".pgm", ".pbm"),
    begins=begins_with(*(b"P%d%c" % (digit, space) for digit in range(1, 7) for space in b" \t\r\n")),
    plugin=PpmImageFile,
    prepare=_prepare_ppm,
)
AVIF = Format(
    kind="avif",
    endings=(".avif",),
    begins=_begins_avif,
    plugin=AvifImageFile,
    feature="avif",
    prepare=_prepare_avif,
    refuse=_refuse_animation,
)
