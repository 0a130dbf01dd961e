"""The whole picture as a small AVIF file: what hides in an LR picture when no network does better. Needs no torch."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from unshrink.errors import DamagedLRFileError, LimitError

Pixels = NDArray[np.uint8]

SPEED = 6
"""Of the encoder, 0 (slow) to 10."""


def encode_within(pixels: Pixels, room: int, *, grey: bool = False) -> bytes:
    """The best AVIF file of pixels (H, W, 3) that takes at most `room` bytes. Raises LimitError where none does."""
    image = Image.fromarray(pixels[..., 0] if grey else pixels)
    best, low, high = None, 0, 100
    while low <= high:
        quality = (low + high) // 2
        data = _encode(image, quality)
        if len(data) <= room:
            best, low = data, quality + 1
        else:
            high = quality - 1
    if best is None:
        raise LimitError("The small picture has too few pixels to carry even a coarse copy of the large one.")
    return best


def _encode(image: Image.Image, quality: int) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format="AVIF", quality=quality, subsampling="4:2:0", speed=SPEED, max_threads=1)
    return buffer.getvalue()


def decode(data: bytes, size: tuple[int, int]) -> Pixels:
    """The pixels (H, W, 3) of an AVIF file that states `size`. Raises DamagedLRFileError."""
    try:
        with Image.open(io.BytesIO(data), formats=("AVIF",)) as image:
            if image.size != size[::-1]:
                raise DamagedLRFileError("The picture that the pixels carry has another size than they say.")
            return np.asarray(image.convert("RGB"))
    except (OSError, ValueError, SyntaxError) as error:
        raise DamagedLRFileError("The picture that the pixels carry cannot be decoded; get a good copy.") from error


def bicubic(pixels: Pixels, size: tuple[int, int]) -> NDArray[np.float32]:
    """MATLAB's bicubic LR of pixels (H, W[, C]): (h, w[, C]), levels, neither rounded nor clamped, for `size` = (h, w).

    Pillow's filter is the same but at the borders, which are mirrored here first.
    """
    channels = pixels[..., None] if pixels.ndim == 2 else pixels
    factors = [max(1.0, large / small) for large, small in zip(pixels.shape[:2], size, strict=True)]
    margins = [int(np.ceil(2 * factor)) + 1 for factor in factors]
    made = np.stack([_shrink(channels[..., i], size, margins) for i in range(channels.shape[2])], axis=-1)
    return made[..., 0] if pixels.ndim == 2 else made


def _shrink(plane: Pixels, size: tuple[int, int], margins: list[int]) -> NDArray[np.float32]:
    height, width = plane.shape
    padded = np.pad(plane, [(margin, margin) for margin in margins], mode="symmetric")
    image = Image.fromarray(padded.astype(np.float32))
    top, left = margins
    box = (left, top, left + width, top + height)
    return np.asarray(image.resize(size[::-1], Image.Resampling.BICUBIC, box=box))
