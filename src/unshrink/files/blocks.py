"""Exact blocks: some 16 x 16 blocks of the HR picture, coded without loss, as a payload section.

The section is the length of the map (32 bit), the map, and the sheet.  The map is a coded plane of one sample per block
of the picture, 255 where the block is carried, 0 where not.  The sheet is coded RGB: the carried blocks in reading
order, side by side, as many to a row as the map is wide, so that a picture carried whole is its own sheet.
"""

from __future__ import annotations

import struct
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from unshrink.errors import DamagedLRFileError, UsageError
from unshrink.files.payload import (
    lossless_plane_decode,
    lossless_plane_encode,
    lossless_rgb_decode,
    lossless_rgb_encode,
)
from unshrink.limits import DEFAULT_LIMITS, Limits

__all__ = ["BLOCK", "block_grid", "carried_blocks", "encode_blocks", "paste_blocks"]

BLOCK = 16
"""Side of a block in HR pixels."""

Pixels = NDArray[np.uint8]
_MAP_LENGTH = struct.Struct(">I")


class _Sheet(NamedTuple):
    """How the blocks lie: rows and columns of blocks in the sheet, height and width of one."""

    rows: int
    columns: int
    block: tuple[int, int]

    @property
    def shape(self) -> tuple[int, int]:
        return self.rows * self.block[0], self.columns * self.block[1]


def block_grid(size: tuple[int, int]) -> tuple[int, int]:
    """Rows and columns of blocks that cover a picture of ``size`` (H, W)."""
    return -(-size[0] // BLOCK), -(-size[1] // BLOCK)


def encode_blocks(rgb: Pixels, mask: NDArray[np.bool_]) -> bytes:
    """The section for those blocks of ``rgb`` (H, W, 3) that ``mask`` (``block_grid`` of it, bool) marks, at least one.

    Blocks at the right and lower edge are filled up by repeating the last column and row.
    """
    size = rgb.shape[:2]
    if rgb.ndim != 3 or mask.shape != block_grid((size[0], size[1])) or mask.dtype != np.bool_ or not mask.any():
        raise UsageError(f"A mask of {mask.dtype} {mask.shape} marks no blocks of a picture of {rgb.shape}.")
    marks = lossless_plane_encode(mask.astype(np.uint8) * 255)
    layout = _layout(mask, (size[0], size[1]))
    blocks = np.zeros((layout.rows * layout.columns, *layout.block, 3), dtype=np.uint8)
    for number, (top, left) in enumerate(_corners(mask)):
        blocks[number] = _cut(rgb, top, left, layout.block)
    sheet = blocks.reshape(layout.rows, layout.columns, *layout.block, 3).swapaxes(1, 2).reshape(*layout.shape, 3)
    return _MAP_LENGTH.pack(len(marks)) + marks + lossless_rgb_encode(sheet)


def paste_blocks(data: bytes, rgb: Pixels, *, limits: Limits = DEFAULT_LIMITS) -> None:
    """Put the blocks that ``encode_blocks`` coded into ``rgb`` (H, W, 3), in place.

    Raises ``DamagedLRFileError`` where ``data`` is no section for a picture of that size, and ``LimitError``; nothing
    is allocated that is larger than four such pictures.
    """
    size = (rgb.shape[0], rgb.shape[1])
    mask, coded = _read_map(data, size, limits)
    layout = _layout(mask, size)
    # A picture of one pixel more than a block has two blocks along that side.
    sheet = lossless_rgb_decode(coded, layout.shape, limits=replace(limits, max_hr_pixels=4 * limits.max_hr_pixels))
    height, width = layout.block
    for number, (top, left) in enumerate(_corners(mask)):
        row, column = divmod(number, layout.columns)
        target = rgb[top : top + height, left : left + width]
        source = sheet[row * height : (row + 1) * height, column * width : (column + 1) * width]
        target[:] = source[: target.shape[0], : target.shape[1]]


def carried_blocks(data: bytes, size: tuple[int, int], *, limits: Limits = DEFAULT_LIMITS) -> NDArray[np.bool_]:
    """Which blocks of a picture of `size` (H, W) a section carries: `block_grid` of it. Raises DamagedLRFileError."""
    return _read_map(data, size, limits)[0]


def _read_map(data: bytes, size: tuple[int, int], limits: Limits) -> tuple[NDArray[np.bool_], bytes]:
    if len(data) < _MAP_LENGTH.size:
        raise _damaged()
    (length,) = _MAP_LENGTH.unpack_from(data)
    end = _MAP_LENGTH.size + length
    if end > len(data):
        raise _damaged()
    marks = lossless_plane_decode(data[_MAP_LENGTH.size : end], block_grid(size), limits=limits)
    mask = marks == 255
    if not mask.any() or bool((~mask & (marks != 0)).any()):
        raise _damaged()
    return mask, data[end:]


def _layout(mask: NDArray[np.bool_], size: tuple[int, int]) -> _Sheet:
    count = int(mask.sum())
    columns = min(count, mask.shape[1])
    return _Sheet(-(-count // columns), columns, (min(BLOCK, size[0]), min(BLOCK, size[1])))


def _corners(mask: NDArray[np.bool_]) -> NDArray[np.intp]:
    """(N, 2): top and left of each carried block in HR pixels, in reading order."""
    return np.argwhere(mask) * BLOCK


def _cut(rgb: Pixels, top: int, left: int, block: tuple[int, int]) -> Pixels:
    cut = rgb[top : top + block[0], left : left + block[1]]
    missing = (block[0] - cut.shape[0], block[1] - cut.shape[1])
    return np.pad(cut, ((0, missing[0]), (0, missing[1]), (0, 0)), mode="edge") if any(missing) else cut


def _damaged() -> DamagedLRFileError:
    return DamagedLRFileError("The exact blocks in the payload are damaged; get a good copy of the file.")
