"""What a network and its training cost, counted, not timed."""

import torch
from torch.utils.flop_counter import FlopCounterMode

from unshrink.data.patches import PatchSettings
from unshrink.models.rescaler import Rescaler

SIDE = 48  # a multiple of every scale
ANY_SCALE = 3
"""The scale at which networks of any scale are counted."""


@torch.no_grad()
def multiply_adds_per_pixel(model: Rescaler) -> float:
    """Multiply-adds of one direction, per HR pixel: all convolutions and matrix products of a restoration."""
    parameter = next(model.parameters())
    hr = torch.zeros(1, 3, SIDE, SIDE, device=parameter.device)
    small = SIDE // (model.scale or ANY_SCALE)
    placed = model.at((SIDE, SIDE), (small, small))
    lr, payload = placed.downscale(hr)
    with FlopCounterMode(display=False) as counter:
        placed.upscale(lr, payload)
    return float(counter.get_total_flops()) / 2 / SIDE**2


def training_flops(model: Rescaler, data: PatchSettings) -> float:
    """Floating-point operations of one step: both directions, forward once and backward twice, 2 a multiply-add."""
    return 3 * _both_directions(model) * data.batch * data.patch**2


@torch.no_grad()
def _both_directions(model: Rescaler) -> float:
    """Floating-point operations of taking apart and restoring, per HR pixel."""
    hr = torch.zeros(1, 3, SIDE, SIDE, device=next(model.parameters()).device)
    small = SIDE // (model.scale or ANY_SCALE)
    placed = model.at((SIDE, SIDE), (small, small))
    with FlopCounterMode(display=False) as counter:
        parts = placed.split(hr)
        placed.upscale(parts.lr, parts.payload)
    return float(counter.get_total_flops()) / SIDE**2
