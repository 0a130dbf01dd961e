"""Where the pixels of a resampled grid lie, as extra input planes of sub-networks."""

import torch
from torch import Tensor

from unshrink.nn.parts import Part, Size, whole

PLANES = 4
"""How many planes `position_planes` gives."""


def position_planes(source: Size, grid: Size, like: Tensor, part: Part | None = None) -> Tensor:
    """What a network needs to know of the resampling from `source` to `grid`, both (height, width) in pixels.

    Returns (1, 4, height, width) of the grid, or of a part of it, in dtype and on the device of `like`: grid rows per
    source row, the same of columns, then the phase along the height and along the width: how far the centre of a grid
    pixel lies from the centre of the source pixel it falls into, in source pixels, -0.5 to 0.5. Position-aware scale
    encoding is named in Pan et al., WACV 2023, without its form; these planes are our design.
    """
    (high, wide), (rows, columns) = source, grid
    down, across = (part or whole(grid)).slices
    along_height, along_width = _phases(high, rows)[down].to(like), _phases(wide, columns)[across].to(like)
    planes = like.new_empty(1, PLANES, len(along_height), len(along_width))
    planes[:, 0] = rows / high
    planes[:, 1] = columns / wide
    planes[:, 2] = along_height[:, None]
    planes[:, 3] = along_width
    return planes


def _phases(source: int, grid: int) -> Tensor:
    centres = (torch.arange(grid, dtype=torch.float64) + 0.5) * (source / grid) - 0.5
    return centres - torch.floor(centres + 0.5)
