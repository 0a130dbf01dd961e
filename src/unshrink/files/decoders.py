"""From the bytes of a picture file to 8 bit samples with their metadata; what cannot be kept is refused by name.

Pillow's plugin classes are called directly: `Image.open` guesses by trial, takes its size limit from a global, and
takes the JPEG of many phones, which carries a preview behind the picture, for an animation.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from unshrink.errors import UnshrinkError
from unshrink.files import exif
from unshrink.files.checks import check_metadata, check_mode, check_size
from unshrink.files.formats import PictureFile
from unshrink.files.formats.base import Prepared
from unshrink.files.metadata import NO_METADATA, Metadata
from unshrink.files.pillow import samples_of, translated
from unshrink.files.sniff import sniff
from unshrink.limits import Limits

__all__ = ["Decoded", "decode_image", "stated_size"]


@dataclass(frozen=True)
class Decoded:
    """The samples of a picture as they are stored, with its metadata as they stand."""

    samples: NDArray[np.uint8]
    """(H, W, C), C = 1 grey, 2 grey and alpha, 3 RGB, 4 RGB and alpha."""
    metadata: Metadata = NO_METADATA
    notes: tuple[str, ...] = ()
    """What is not kept or was amiss."""


class Stated(NamedTuple):
    """What a picture file says of itself before anything is decoded."""

    width: int
    height: int
    progressive: bool
    """A JPEG whose coefficients are all kept until its end."""


def stated_size(data: bytes, name: str) -> Stated | None:
    """What the picture in `data` says of its size; None where that takes decoding, or is damaged."""
    try:
        with translated(name):
            image = sniff(data, name).plugin(io.BytesIO(data))
            return Stated(image.width, image.height, bool(image.info.get("progressive")))
    except UnshrinkError:
        return None  # decoding tells what is wrong


def decode_image(file: PictureFile, *, max_pixels: int, limits: Limits) -> Decoded:
    """Decode the one picture in `file`, checking its size against `max_pixels` before pixels are allocated.

    Raises UnreadableInputError for anything damaged or cut short, UnsupportedPictureError for what would be lost
    (frames, pages, bits, CMYK), and LimitError.
    """
    prepared = file.format.prepare(file, max_pixels, limits)
    samples, metadata = prepared.samples, prepared.metadata
    if samples is None or metadata is None:
        with translated(file.name):
            image = file.format.plugin(io.BytesIO(prepared.data))
            check_size(image.size, max_pixels, file.name)
            file.format.refuse(image, file.name)
            samples = _loaded(image, prepared, file.name) if samples is None else samples
            metadata = _stated_metadata(image, prepared) if metadata is None else metadata
    check_metadata(metadata, limits, file.name)
    return Decoded(samples, metadata, prepared.notes)


def _loaded(image: Image.Image, prepared: Prepared, name: str) -> NDArray[np.uint8]:
    check_mode(image.mode, name)
    image.load()
    if prepared.grey_key is not None:
        image.info["transparency"] = prepared.grey_key
    return samples_of(image)


def _stated_metadata(image: Image.Image, prepared: Prepared) -> Metadata:
    """What Pillow found; in a damaged file that may be a number where bytes are due."""
    icc, block, xmp = (image.info.get(key) for key in ("icc_profile", "exif", "xmp"))
    dpi = image.info.get("dpi")
    return Metadata(
        icc=icc if isinstance(icc, bytes) and icc else prepared.profile,
        exif=block if isinstance(block, bytes) and block else None,
        xmp=xmp if isinstance(xmp, bytes) and xmp else None,
        dpi=dpi if exif.is_resolution(dpi) else None,
    )
