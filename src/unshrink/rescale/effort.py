"""Effort at the encoder: change the LR picture a little so that the frozen network restores the HR picture better.

The network's own LR is a good start, not the best one for the picture at hand. A few gradient steps on its pixels,
through the 8-bit rounding, lower the error of the restoration; whoever restores pays nothing and needs no new file
format. Test-time optimisation of the LR of a frozen rescaler: HCD, ICCV 2023; the losses and the tiling are our design.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from unshrink.errors import UsageError
from unshrink.models.base import Rescaler
from unshrink.nn.quantise import quantise
from unshrink.nn.resample import bicubic_down

STEPS = (0, 1, 2, 3, 5, 8, 12, 18, 27, 40)
"""Gradient steps of each effort, 0 to 9."""
RATE = 2.5e-3
"""Adam's first rate, in [0, 1] of a channel: a little over half a level of 8 bits. It falls linearly to 0."""
GUIDE_WEIGHT = 0.05
"""Of the LR's squared error against bicubic, beside the restoration's."""
TILE = 256
"""HR pixels along each side of what is differentiated at once; bounds memory, not the result."""
MOST_MARGIN = 32
"""HR pixels; what lies further away hardly moves a gradient, and only gradients are cut."""
LUMA = (0.299, 0.587, 0.114)


@dataclass(frozen=True)
class Tile:
    """A square of the LR picture, with the margin that its restoration reads."""

    rows: slice
    columns: slice
    margin: tuple[int, int]
    """LR rows above and columns left of the square that belong to the margin."""
    size: tuple[int, int]
    """LR rows and columns of the square itself."""


def refine(model: Rescaler, hr: Tensor, lr: Tensor, effort: int) -> Tensor:
    """A better LR than `lr` (1, 3, h, w) for restoring `hr` (1, 3, h*s, w*s), both in [0, 1]; not yet rounded.

    `effort` is 0 (lr as it is) to 9; a step costs about three restorations. Raises UsageError for any other effort.
    """
    check_effort(effort)
    if not STEPS[effort]:
        return lr
    with torch.inference_mode(False), torch.enable_grad():
        refined = lr.clone().clamp_(0, 1)
        guide = bicubic_down(hr.clone(), model.scale)
        momentum, power = torch.zeros_like(refined), torch.zeros_like(refined)
        for step in range(STEPS[effort]):
            gradient = _gradient(model, hr, refined, guide)
            rate = RATE * (1 - step / STEPS[effort])
            _adam(refined, gradient, momentum, power, step + 1, rate)
        return refined


def check_effort(effort: int) -> None:
    """Raise UsageError unless `effort` is 0 to 9."""
    if not 0 <= effort < len(STEPS):
        raise UsageError(f"Effort goes from 0 to {len(STEPS) - 1}; {effort} is outside.")


def _gradient(model: Rescaler, hr: Tensor, lr: Tensor, guide: Tensor) -> Tensor:
    """Of the whole picture's loss, summed tile by tile."""
    total = 2 * GUIDE_WEIGHT * (lr - guide) * model.scale**2
    for tile in _tiles(lr, model.scale, min(model.reach, MOST_MARGIN)):
        window = lr[..., tile.rows, tile.columns].clone().requires_grad_()
        restored = model.upscale(quantise(window))
        error = _inner(restored, tile, model.scale) - _target(hr, tile, model.scale)
        loss = error.square().sum() + _luma(error).square().sum()
        total[..., tile.rows, tile.columns] += torch.autograd.grad(loss, window)[0]
    return total


def _adam(x: Tensor, gradient: Tensor, momentum: Tensor, power: Tensor, step: int, rate: float) -> None:
    """One step in place, with the usual decays."""
    momentum.lerp_(gradient, 0.1)
    power.lerp_(gradient.square(), 0.01)
    mean, square = momentum / (1 - 0.9**step), power / (1 - 0.99**step)
    x.sub_(rate * mean / (square.sqrt() + 1e-8)).clamp_(0, 1)


def _tiles(lr: Tensor, scale: int, reach: int) -> Iterator[Tile]:
    height, width = lr.shape[-2:]
    side, halo = max(1, TILE // scale), -(-reach // scale)
    for top in range(0, height, side):
        for left in range(0, width, side):
            first = max(top - halo, 0), max(left - halo, 0)
            size = min(side, height - top), min(side, width - left)
            rows = slice(first[0], min(top + size[0] + halo, height))
            columns = slice(first[1], min(left + size[1] + halo, width))
            yield Tile(rows, columns, (top - first[0], left - first[1]), size)


def _inner(restored: Tensor, tile: Tile, scale: int) -> Tensor:
    top, left = (side * scale for side in tile.margin)
    return restored[..., top : top + tile.size[0] * scale, left : left + tile.size[1] * scale]


def _target(hr: Tensor, tile: Tile, scale: int) -> Tensor:
    top = (tile.rows.start + tile.margin[0]) * scale
    left = (tile.columns.start + tile.margin[1]) * scale
    return hr[..., top : top + tile.size[0] * scale, left : left + tile.size[1] * scale]


def _luma(error: Tensor) -> Tensor:
    return (error * error.new_tensor(LUMA).view(3, 1, 1)).sum(1)
