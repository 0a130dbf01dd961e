"""Where the pixels of a resampled grid lie, as extra input planes of sub-networks."""

import torch
from torch import Tensor

PLANES = 4
"""How many planes `position_planes` gives."""


def position_planes(source: tuple[int, int], grid: tuple[int, int], like: Tensor) -> Tensor:
    """What a network needs to know of the resampling from `source` to `grid`, both (height, width) in pixels.

    Returns (1, 4, height, width) of the grid, in dtype and on the device of `like`: grid rows per source row, the same
    of columns, then the phase along the height and along the width: how far the centre of a grid pixel lies from the
    centre of the source pixel it falls into, in source pixels, -0.5 to 0.5. Position-aware scale encoding is named in
    Pan et al., WACV 2023, without its form; these planes are our design.
    """
    (high, wide), (rows, columns) = source, grid
    planes = like.new_empty(1, PLANES, rows, columns)
    planes[:, 0] = rows / high
    planes[:, 1] = columns / wide
    planes[:, 2] = _phases(high, rows).to(like)[:, None]
    planes[:, 3] = _phases(wide, columns).to(like)
    return planes


def _phases(source: int, grid: int) -> Tensor:
    centres = (torch.arange(grid, dtype=torch.float64) + 0.5) * (source / grid) - 0.5
    return centres - torch.floor(centres + 0.5)
