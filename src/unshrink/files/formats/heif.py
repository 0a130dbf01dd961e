"""HEIF with HEVC pictures, as telephones take them, by way of pillow-heif, which comes with the extra `heif`."""

from __future__ import annotations

import io
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from PIL.ImageFile import ImageFile

from unshrink.files import colour
from unshrink.files.checks import refuse_bits, refuse_frames
from unshrink.files.formats.base import Format, PictureFile, Prepared
from unshrink.files.pillow import translated
from unshrink.limits import Limits

__all__ = ["BRANDS", "HEIF", "is_readable"]

BRANDS = (b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1")
"""What such files call themselves."""


def is_readable() -> bool:
    """Whether the package that reads them is installed."""
    return find_spec("pillow_heif") is not None


def _begins(data: bytes) -> bool:
    return data[4:8] == b"ftyp" and data[8:12] in BRANDS


def _open(stream: io.BytesIO) -> ImageFile:
    image: ImageFile = import_module("pillow_heif.as_plugin").HeifImageFile(stream)
    return image


def _prepare(file: PictureFile, max_pixels: int, limits: Limits) -> Prepared:
    """The file with the profile of the colours that it numbers, where it holds no profile."""
    del max_pixels, limits
    with translated(file.name):
        coded: dict[str, Any] = _open(io.BytesIO(file.data)).info.get("nclx_profile") or {}
    numbers = coded.get("color_primaries"), coded.get("transfer_characteristics")
    if None in numbers:
        return Prepared(file.data)
    return Prepared(file.data, profile=colour.coded_profile(*numbers, file.name, grey=False))  # type: ignore[arg-type]


def _refuse(image: ImageFile, name: str) -> None:
    bits = image.info.get("bit_depth", 8)
    if bits > 8:
        refuse_bits(name, str(bits))
    if getattr(image, "n_frames", 1) > 1:
        refuse_frames(name, "a HEIF of several pictures")


HEIF = Format(
    kind="heif",
    endings=(".heic", ".heif", ".hif"),
    begins=_begins,
    plugin=_open,  # type: ignore[arg-type]
    prepare=_prepare,
    refuse=_refuse,
)
