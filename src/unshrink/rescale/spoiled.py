"""Which blocks of a picture the network spoils; docs/exact-blocks.md states the rule and why it is this one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from unshrink.files.blocks import BLOCK, block_grid
from unshrink.nn.resample import bicubic_down, bicubic_up, resize
from unshrink.rescale.tensors import Pixels, bicubic_lr, to_rgb, to_tensor

FEW_COLOURS = 2
"""A block is drawn where this many colours make up at least half of it."""
LEAST_RMSE = 8.0
"""Levels; a drawn block that is nearer than that to the original is left alone, whatever bicubic does."""
LEAST_WORST = 32
"""Levels; a pixel that is off by no more is no artefact, even where bicubic is better everywhere in the picture."""

_STRIP_PIXELS = 1_000_000
Mask = NDArray[np.bool_]


class _Strip(NamedTuple):
    """What is known of the blocks of some rows: squared error and worst pixel of the network, the same of bicubic."""

    error: NDArray[np.int64]
    worst: NDArray[np.uint8]
    bicubic_worst: int
    failed: Mask
    """Drawn, clearly off, and less than 3 dB better than bicubic."""


def spoiled_blocks(
    hr: Pixels,
    restored: Pixels,
    scale: int | None,
    alpha: Pixels | None = None,
    *,
    small: tuple[int, int] | None = None,
) -> Mask:
    """The blocks (``block_grid`` of ``hr``) to be carried exactly, given HR and restored picture, both (H, W, 3).

    A block is carried where (1) it is drawn - few colours make up half of it - and the network restores it less than
    3 dB better than bicubic there and back, or (2) a pixel of it is off by more than bicubic's worst in the whole
    picture. Pixels that ``alpha`` (H, W) makes invisible do not count. ``small`` is the LR size for no scale.
    """
    whole = None if scale is not None else _whole_there_and_back(hr, small)
    strips = []
    for rows in _rows(hr.shape[:2], scale or 1):
        bicubic = whole[rows] if whole is not None else _there_and_back(hr, scale or 1, rows)
        strips.append(_judge(hr, restored, bicubic, alpha, rows))
    worst = max(LEAST_WORST, max(strip.bicubic_worst for strip in strips))
    return np.concatenate([strip.failed | (strip.worst > worst) for strip in strips])


def _rows(shape: tuple[int, ...], scale: int) -> Iterator[slice]:
    """Strips of whole blocks and whole LR rows, of about as many pixels as fit the processor's memory well."""
    unit = BLOCK * scale
    step = max(1, _STRIP_PIXELS // (shape[1] * unit)) * unit
    for top in range(0, shape[0], step):
        yield slice(top, min(top + step, shape[0]))


def _judge(hr: Pixels, restored: Pixels, bicubic: Pixels, alpha: Pixels | None, rows: slice) -> _Strip:
    original = _blocks(hr[rows])
    off = _difference(original, _blocks(restored[rows]))
    off_bicubic = _difference(original, _blocks(bicubic))
    if alpha is not None:
        invisible = _blocks(alpha[rows, :, None]) == 0
        off, off_bicubic = np.where(invisible, 0, off), np.where(invisible, 0, off_bicubic)
    error, error_bicubic = _squares(off), _squares(off_bicubic)
    failed = (2 * error > error_bicubic) & (error > LEAST_RMSE**2 * off[0].size)
    failed[failed] = _drawn(original[failed])
    grid = block_grid((rows.stop - rows.start, hr.shape[1]))
    worst = off.max(axis=(1, 2, 3))
    return _Strip(error.reshape(grid), worst.reshape(grid), int(off_bicubic.max()), failed.reshape(grid))


def _there_and_back(hr: Pixels, scale: int, rows: slice) -> Pixels:
    """Some rows of what bicubic makes of the whole picture: down, 8 bits, up, 8 bits."""
    halo = 8 * scale  # both ways the kernels reach less than 5 LR pixels
    top, bottom = max(0, rows.start - halo), min(hr.shape[0], rows.stop + halo)
    with torch.inference_mode():
        small = bicubic_down(to_tensor(hr[top:bottom], scale), scale)
        small.clamp_(0, 1).mul_(255).round_().div_(255)
        grown = to_rgb(bicubic_up(small, scale), (bottom - top, hr.shape[1]))
    return grown[rows.start - top : rows.stop - top]


def _whole_there_and_back(hr: Pixels, small: tuple[int, int] | None) -> Pixels:
    size = hr.shape[0], hr.shape[1]
    with torch.inference_mode():
        lr = bicubic_lr(to_tensor(hr), None, small)
        lr.clamp_(0, 1).mul_(255).round_().div_(255)
        return to_rgb(resize(lr, size), size)


def _blocks(pixels: Pixels) -> Pixels:
    """(H, W, C) -> (blocks, 16, 16, C) in reading order, filled up at the right and below by repeating the edge."""
    height, width = pixels.shape[:2]
    rows, columns = block_grid((height, width))
    filled = np.pad(pixels, ((0, rows * BLOCK - height), (0, columns * BLOCK - width), (0, 0)), mode="edge")
    return filled.reshape(rows, BLOCK, columns, BLOCK, -1).swapaxes(1, 2).reshape(rows * columns, BLOCK, BLOCK, -1)


def _difference(a: Pixels, b: Pixels) -> Pixels:
    return np.maximum(a, b) - np.minimum(a, b)


def _squares(off: Pixels) -> NDArray[np.int64]:
    flat = off.reshape(len(off), -1).astype(np.float32)
    return np.asarray(np.einsum("bi,bi->b", flat, flat), dtype=np.int64)


def _drawn(blocks: Pixels) -> Mask:
    """Whether the few most common colours make up at least half of each block (N, 16, 16, 3)."""
    if len(blocks) == 0:
        return np.zeros(0, dtype=np.bool_)
    flat = blocks.reshape(len(blocks), -1, 3).astype(np.int32)
    colours = np.sort(flat @ np.array([1, 256, 65536], dtype=np.int32), axis=1)
    runs = np.cumsum(np.diff(colours, axis=1, prepend=colours[:, :1]) != 0, axis=1)
    places = colours.shape[1]
    index = (runs + places * np.arange(len(blocks))[:, None]).ravel()
    counts = np.bincount(index, minlength=places * len(blocks)).reshape(len(blocks), places)
    common = np.partition(counts, places - FEW_COLOURS, axis=1)[:, places - FEW_COLOURS :]
    return np.asarray(2 * common.sum(axis=1) >= places)
