"""A small file held against what it restores to: on the way down against the original, later against what it shows."""

from __future__ import annotations

from dataclasses import replace
from math import inf, log10

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from unshrink.errors import UsageError
from unshrink.files.blocks import BLOCK, block_grid, carried_blocks, encode_blocks
from unshrink.files.picture import Picture
from unshrink.files.sections import BLOCKS_SECTION
from unshrink.rescale.small import Small

LIKE = 22.0
"""Decibels from which on a restored picture, shrunk, is what the small file shows; networks reach 35 to 45."""


def psnr(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> float:
    """Decibels over all samples of two pictures (H, W, 3); infinite where they are the same."""
    return _decibels(_square_errors(one, other).sum(), one.size)


def shrunk(picture: Picture, size: tuple[int, int]) -> NDArray[np.uint8]:
    """The colours of `picture` at that height and width, by plain bicubic resampling."""
    return np.asarray(Image.fromarray(picture.rgb).resize(size[::-1], Image.Resampling.BICUBIC))


def bicubic_psnr(picture: Picture, size: tuple[int, int]) -> float:
    """What plain bicubic resampling to that height and width and back leaves of `picture`, in decibels."""
    return psnr(picture.rgb, bicubic_back(picture, size))


def bicubic_back(picture: Picture, size: tuple[int, int]) -> NDArray[np.uint8]:
    """The colours of `picture` resampled to that height and width and back, bicubic both ways."""
    small = Image.fromarray(shrunk(picture, size))
    return np.asarray(small.resize((picture.width, picture.height), Image.Resampling.BICUBIC))


def made_good(small: Small, picture: Picture, restored: Picture, least: float) -> Small:
    """`small`, which restores to `restored`, with the exact blocks that bring `picture` back at `least` dB.

    The worst blocks come first. Raises UsageError where `least` is no number that can be asked for.
    """
    if not least < inf:
        raise UsageError(f"A least PSNR is a number of decibels, not {least}.")
    errors = _square_errors(picture.rgb, restored.rgb)
    of_blocks = _by_block(errors)
    allowed = 255**2 * picture.rgb.size / 10 ** (least / 10)
    worst = np.argsort(of_blocks, axis=None)[::-1]
    left = of_blocks.sum() - np.cumsum(of_blocks.ravel()[worst])
    count = int(np.argmax(left <= allowed)) + 1
    mask: NDArray[np.bool_] = np.zeros(of_blocks.shape, dtype=np.bool_)
    mask.ravel()[worst[:count]] = True
    held = small.lrfile.sections.get(BLOCKS_SECTION)
    if held is not None:
        mask |= carried_blocks(held, picture.size)
    note = f"{int(mask.sum())} of {mask.size} blocks are carried exactly, so that it comes back at {least:.1f} dB"
    shown = replace(small.lrfile.picture, notes=(*small.lrfile.picture.notes, note))
    sections = {**small.lrfile.sections, BLOCKS_SECTION: encode_blocks(picture.rgb, mask)}
    return Small(replace(small.lrfile, picture=shown, sections=sections))


def _square_errors(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Of each row and column, summed over colours."""
    errors = np.empty(one.shape[:2], dtype=np.float64)
    for row in range(one.shape[0]):
        errors[row] = ((one[row].astype(np.int32) - other[row]) ** 2).sum(axis=1)
    return errors


def _by_block(errors: NDArray[np.float64]) -> NDArray[np.float64]:
    rows, columns = block_grid((errors.shape[0], errors.shape[1]))
    padded = np.pad(errors, ((0, rows * BLOCK - errors.shape[0]), (0, columns * BLOCK - errors.shape[1])))
    summed: NDArray[np.float64] = padded.reshape(rows, BLOCK, columns, BLOCK).sum(axis=(1, 3))
    return summed


def _decibels(squares: float, count: int) -> float:
    return inf if squares == 0 else 10 * log10(255**2 * count / squares)
