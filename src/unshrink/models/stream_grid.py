"""Where a coded stream's grids lie over an LR picture, and what of it they read."""

from functools import lru_cache
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from unshrink.nn.parts import Part, Size, whole
from unshrink.nn.resample import resize, resize_part

CELL = 4
"""HR pixels along each side of a cell, which is one pixel of the coarse grid and 2 x 2 of the fine one."""


class Place(NamedTuple):
    """Which part of a picture is worked on."""

    hr_size: Size
    """Of the whole HR picture."""
    lr_size: Size
    """Of the whole LR picture."""
    hr: Part
    """The part's HR pixels; sides are multiples of 4 except where the picture ends."""
    lr: Part
    """Its LR pixels, the only ones that are read."""

    @property
    def cells(self) -> Part:
        """The part on the coarse grid."""
        return self.hr.over(CELL)


def everything(hr: Size, lr: Size) -> Place:
    """All of a picture."""
    return Place(hr, lr, whole(hr), whole(lr))


def enlarge(lr: Tensor, place: Place) -> Tensor:
    """LR pixels of a part (B, 3, h, w), enlarged to its HR pixels and padded by its edge to whole cells.

    Pixels of LR beyond the part are taken to be as its edge.
    """
    bottom, right = ((-side) % CELL for side in place.hr.size)
    if place.hr.size == place.hr_size:
        made = resize(lr, place.hr_size)
    else:
        made = resize_part(lambda part: _clipped(lr, place.lr, part), place.lr_size, place.hr_size, place.hr)
    return nn.functional.pad(made, (0, right, 0, bottom), mode="replicate") if bottom or right else made


def _clipped(x: Tensor, at: Part, part: Part) -> Tensor:
    """`part` of a picture of which `x` is the part `at`, and everything else as its edge."""
    rows = torch.arange(part.top, part.bottom).clamp(at.top, at.bottom - 1) - at.top
    columns = torch.arange(part.left, part.right).clamp(at.left, at.right - 1) - at.left
    return x[..., rows.to(x.device), :][..., columns.to(x.device)]


def whole_inputs(pixels: Tensor, q: Tensor, steps: Tensor, place: Place, factor: int) -> Tensor:
    """Inputs of the whole-number network on a grid of `factor` points a cell: (B, 7, h, w), whole, from -127 to 127.

    `pixels` are the LR's, less 128. Luma and two differences of colours, then q, step and both scales.
    """
    r, g, b = pixels.unbind(1)
    colours = [((r + 2 * g + b) / 4).floor(), ((b - g) / 2).floor(), ((r - g) / 2).floor()]
    placed = resample_whole(torch.cat([torch.stack(colours, 1), _log_table(q)], 1), place, factor)
    ones = torch.ones_like(placed[:, :1])
    told = [ones * (steps.float() / 16).floor().view(-1, 1, 1, 1)]
    told += [ones * min(127, 32 * large // small) for large, small in zip(place.hr_size, place.lr_size, strict=True)]
    return torch.cat([placed, *told], 1).clamp(-127, 127)


_LOGS = (0, 0, 16, 25, 32, 37, 41, 45, 48, 51, 53, 55, 57, 59, 61, 63, 64)


def _log_table(q: Tensor) -> Tensor:
    """16 times the base-2 logarithm of whole numbers up to 16, as whole numbers from a table."""
    return q.new_tensor(_LOGS)[q.long().clamp(0, len(_LOGS) - 1)]


def resample_whole(x: Tensor, place: Place, factor: int) -> Tensor:
    """Whole numbers (B, C, h, w) of a part of LR -> whole numbers on a grid of `factor` points a cell.

    The same on every machine: a triangle filter, as wide as a pixel of the coarser grid, with weights in 256ths.
    """
    cells = place.cells
    spans = (
        (cells.top, cells.bottom, place.lr.top, place.lr.bottom),
        (cells.left, cells.right, place.lr.left, place.lr.right),
    )
    rows, columns = (
        whole_matrix(lr, factor * -(-hr // CELL), factor * start, factor * stop, first, last)
        for hr, lr, (start, stop, first, last) in zip(place.hr_size, place.lr_size, spans, strict=True)
    )
    with torch.autocast(x.device.type, enabled=False):
        made = rows.to(x.device) @ x.double() @ columns.to(x.device).T
    return ((made + (1 << 15)) / (1 << 16)).floor().to(x.dtype)


@lru_cache(maxsize=256)
def whole_matrix(n_in: int, n_out: int, start: int, stop: int, first: int, last: int) -> Tensor:
    """(stop - start, last - first), float64: what outputs `start` to `stop` - 1 are of inputs `first` to `last` - 1.

    Weights are whole 256ths that add up to 256, made of whole numbers only. Inputs beyond count as the nearest.
    """
    # In units of 1 / (2 * n_out) input pixels, so that all is whole: output i stands at (2 i + 1) * n_in.
    out = np.arange(start, stop, dtype=np.int64)
    reach = -(-max(n_in, n_out) // n_out) + 1
    near = np.arange(-reach, reach + 1) + ((2 * out + 1) * n_in // (2 * n_out))[:, None]
    away = np.abs((2 * out + 1)[:, None] * n_in - (2 * near + 1) * n_out)
    raw = np.maximum(0, 2 * max(n_in, n_out) - away)
    weights = raw * 256 // raw.sum(1, keepdims=True)
    weights[np.arange(len(out)), raw.argmax(1)] += 256 - weights.sum(1)
    matrix = np.zeros((stop - start, last - first))
    np.add.at(matrix, (np.arange(len(out))[:, None], near.clip(first, last - 1) - first), weights)
    with torch.inference_mode(False):
        return torch.from_numpy(matrix)
