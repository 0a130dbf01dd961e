"""Exact blocks: which blocks of a picture the network spoils, and the LR picture with those.

docs/exact-blocks.md states the rule and why it is this one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from unshrink.files.blocks import BLOCK, block_grid, encode_blocks
from unshrink.files.picture import Picture
from unshrink.files.sections import BLOCKS_SECTION
from unshrink.models.weights import Loaded
from unshrink.nn.parts import Part, Size
from unshrink.nn.quantise import from_levels, to_levels
from unshrink.nn.resample import bicubic_down, bicubic_up, resize_part
from unshrink.rescale.coded import PIXELS, decoded_tiles
from unshrink.rescale.memory import Memory
from unshrink.rescale.payloads import decode_payload, held_in
from unshrink.rescale.pixels import Pixels, read_part, to_rgb
from unshrink.rescale.progress import Progress, silent
from unshrink.rescale.sizes import lr_size
from unshrink.rescale.small import Small
from unshrink.rescale.tiled import told, upscale

FEW_COLOURS = 2
"""A block is drawn where this many colours make up at least half of it."""
LEAST_RMSE = 8.0
"""Levels; a drawn block that is nearer than that to the original is left alone, whatever bicubic does."""
LEAST_WORST = 32
"""Levels; a pixel that is off by no more is no artefact, even where bicubic is better everywhere in the picture."""

_STRIP_PIXELS = 1_000_000
_HALO = 8  # LR pixels; both ways the kernels reach less than 5
Mask = NDArray[np.bool_]


class _Strip(NamedTuple):
    """What is known of some blocks: the worst pixel of the network, the same of bicubic, and which failed."""

    worst: NDArray[np.uint8]
    bicubic_worst: int
    failed: Mask
    """Drawn, clearly off, and less than 3 dB better than bicubic."""


def add_exact_blocks(small: Small, picture: Picture, loaded: Loaded, memory: Memory, tell: Progress = silent) -> Small:
    """`small` with those blocks of `picture` that the network, given the LR pixels of `small`, spoils."""
    lr = small.lrfile
    packed, pixels, size = held_in(lr), lr.picture.rgb, picture.size
    if loaded.spec.coded:
        restored = decoded_tiles(loaded, packed, pixels, size, grey=lr.picture.grey)
    else:
        payload = decode_payload(loaded, packed)
        restored = upscale(pixels, loaded.model, size, memory, grey=picture.grey, payload=payload)
    restored = told(restored, size, "check", tell)
    mask = spoiled_blocks(picture.rgb, restored, loaded.spec.scale, picture.alpha, small=lr.picture.size)
    if loaded.spec.coded and packed.carrier != PIXELS:
        mask[:] = True  # too small to carry anything: all of it is kept
    if not mask.any():
        return small
    sections = {**lr.sections, BLOCKS_SECTION: encode_blocks(picture.rgb, mask)}
    return Small(replace(lr, sections=sections))


def spoiled_blocks(
    hr: Pixels,
    restored: Iterable[tuple[Part, Pixels]],
    scale: int | None,
    alpha: Pixels | None = None,
    *,
    small: Size | None = None,
) -> Mask:
    """The blocks (``block_grid`` of ``hr``) to be carried exactly, given the HR picture (H, W, 3) and the restored one.

    The latter comes in tiles that begin at whole blocks and whole LR pixels. A block is carried where (1) it is drawn -
    few colours make up half of it - and the network restores it less than 3 dB better than bicubic there and back, or
    (2) a pixel of it is off by more than bicubic's worst in the whole picture. Pixels that ``alpha`` (H, W) makes
    invisible do not count. ``small`` is the LR size for no scale.
    """
    size = hr.shape[0], hr.shape[1]
    worst, failed = np.zeros(block_grid(size), np.uint8), np.zeros(block_grid(size), np.bool_)
    bound = LEAST_WORST
    for tile, pixels in restored:
        for part in _strips(tile, scale or 1):
            bicubic = _there_and_back(hr, scale, part, small)
            strip = _judge(hr[part.slices], pixels[part.within(tile).slices], bicubic, _cut(alpha, part))
            bound = max(bound, strip.bicubic_worst)
            place = part.over(BLOCK).slices
            worst[place], failed[place] = strip.worst, strip.failed
    return failed | (worst > bound)


def _strips(tile: Part, scale: int) -> Iterator[Part]:
    """Strips of whole blocks and whole LR rows, of about as many pixels as fit the processor's memory well."""
    unit = BLOCK * scale
    step = max(1, _STRIP_PIXELS // ((tile.right - tile.left) * unit)) * unit
    for top in range(tile.top, tile.bottom, step):
        yield Part(top, min(top + step, tile.bottom), tile.left, tile.right)


def _cut(alpha: Pixels | None, part: Part) -> Pixels | None:
    return None if alpha is None else alpha[part.slices]


def _judge(hr: Pixels, restored: Pixels, bicubic: Pixels, alpha: Pixels | None) -> _Strip:
    original = _blocks(hr)
    off = _difference(original, _blocks(restored))
    off_bicubic = _difference(original, _blocks(bicubic))
    if alpha is not None:
        invisible = _blocks(alpha[..., None]) == 0
        off, off_bicubic = np.where(invisible, 0, off), np.where(invisible, 0, off_bicubic)
    error, error_bicubic = _squares(off), _squares(off_bicubic)
    failed = (2 * error > error_bicubic) & (error > LEAST_RMSE**2 * off[0].size)
    failed[failed] = _drawn(original[failed])
    grid = block_grid((hr.shape[0], hr.shape[1]))
    return _Strip(off.max(axis=(1, 2, 3)).reshape(grid), int(off_bicubic.max()), failed.reshape(grid))


def _there_and_back(hr: Pixels, scale: int | None, part: Part, small: Size | None) -> Pixels:
    """A part of what bicubic makes of the whole picture: down, 8 bits, up, 8 bits."""
    size = hr.shape[0], hr.shape[1]
    with torch.inference_mode():
        if scale is None:
            return _resized_there_and_back(hr, part, small or size)
        around = part.over(scale).grown(_HALO, lr_size(size, scale))
        lr = to_levels(bicubic_down(read_part(hr, around.times(scale)), scale))
        grown = bicubic_up(from_levels(lr), scale)
        place = part.within(around.times(scale))
        return to_rgb(grown[..., *place.slices], part.size)


def _resized_there_and_back(hr: Pixels, part: Part, small: Size) -> Pixels:
    size = hr.shape[0], hr.shape[1]

    def lr(piece: Part) -> Tensor:
        made = resize_part(lambda source: read_part(hr, source), size, small, piece)
        return from_levels(to_levels(made))

    return to_rgb(resize_part(lr, small, size, part), part.size)


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
