"""What every reader of pictures checks, in one wording; what cannot be kept is refused by name."""

from __future__ import annotations

from typing import NoReturn

from unshrink.errors import LimitError, UnreadableInputError, UnsupportedPictureError
from unshrink.files.metadata import Metadata
from unshrink.limits import Limits

__all__ = ["check_metadata", "check_mode", "check_size", "refuse_bits", "refuse_frames"]

_COLOUR_MODES = ("1", "L", "LA", "La", "P", "PA", "RGB", "RGBA", "RGBa", "RGBX", "YCbCr")


def check_size(size: tuple[int, int], max_pixels: int, name: str) -> None:
    """Raise LimitError where `size` (two sides, in any order) has more than `max_pixels` pixels, or none."""
    if size[0] < 1 or size[1] < 1:
        raise UnreadableInputError(f"{name} is damaged: it states a size of {size[0]} x {size[1]}; get a good copy.")
    if size[0] * size[1] > max_pixels:
        raise LimitError(
            f"{name} is {size[0]} x {size[1]} pixels, over the limit of {max_pixels}; "
            "cut it into pieces, or raise the limit (unshrink.Limits, from Python)."
        )


def check_mode(mode: str, name: str) -> None:
    """Raise UnsupportedPictureError for a Pillow mode that 8 bit grey or RGB with alpha cannot hold."""
    if mode in _COLOUR_MODES:
        return
    if mode == "CMYK":
        raise UnsupportedPictureError(f"{name} is a CMYK picture; convert it to RGB by its colour profile first.")
    if mode.startswith("I"):
        refuse_bits(name, "16")
    if mode == "F":
        raise UnsupportedPictureError(f"{name} holds floating-point samples; convert it to 8 bits per sample first.")
    raise UnsupportedPictureError(f"{name} is a picture of colour mode {mode}; convert it to RGB first.")


def refuse_bits(name: str, bits: str) -> NoReturn:
    """Raise UnsupportedPictureError for samples of so many `bits`."""
    raise UnsupportedPictureError(f"{name} has {bits} bits per sample; convert it to 8 bits per sample first.")


def refuse_frames(name: str, kind: str) -> NoReturn:
    """Raise UnsupportedPictureError for a file of several pictures, which `kind` names: "an animated GIF"."""
    raise UnsupportedPictureError(f"{name} is {kind}; only single pictures are handled, so take out one of them first.")


def check_metadata(metadata: Metadata, limits: Limits, name: str) -> None:
    """Raise LimitError where a piece of metadata is longer than `limits.max_metadata_bytes`."""
    for label, data in (("colour profile", metadata.icc), ("EXIF block", metadata.exif), ("XMP packet", metadata.xmp)):
        if data is not None and len(data) > limits.max_metadata_bytes:
            most = limits.max_metadata_bytes
            raise LimitError(f"{name} has its {label} over the limit of {most} bytes; remove it first.")
