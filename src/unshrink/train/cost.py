"""What a network and its training cost, counted, not timed."""

from collections.abc import Callable
from typing import Any

import torch
from torch.utils.flop_counter import FlopCounterMode

from unshrink.data.patches import PatchSettings
from unshrink.models.rescaler import Rescaler
from unshrink.models.stream import StreamNet, expect
from unshrink.models.stream_grid import everything

SIDE = 48  # a multiple of every scale
ANY_SCALE = 3
"""The scale at which networks of any scale are counted."""


def _stream_operations(model: StreamNet) -> float:
    """Floating-point operations of a restoration, per HR pixel; coding takes the same but for the refining network."""
    small = SIDE // (model.scale or ANY_SCALE)
    place = everything((SIDE, SIDE), (small, small))
    lr = torch.zeros(1, 3, small, small, device=next(model.parameters()).device)
    with FlopCounterMode(display=False) as counter:
        model.finish(model.walk(lr, lr[:, :1] + 8, place, lr.new_tensor([1000.0]), expect))
    return float(counter.get_total_flops()) / SIDE**2


COSTS: dict[type, Callable[[Any], float]] = {StreamNet: _stream_operations}
"""Networks that are counted otherwise: floating-point operations per HR pixel."""


@torch.no_grad()
def multiply_adds_per_pixel(model: Rescaler) -> float:
    """Multiply-adds of one direction, per HR pixel: all convolutions and matrix products of a restoration."""
    if type(model) in COSTS:
        return COSTS[type(model)](model) / 2
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
    if type(model) in COSTS:
        return COSTS[type(model)](model)
    hr = torch.zeros(1, 3, SIDE, SIDE, device=next(model.parameters()).device)
    small = SIDE // (model.scale or ANY_SCALE)
    placed = model.at((SIDE, SIDE), (small, small))
    with FlopCounterMode(display=False) as counter:
        parts = placed.split(hr)
        placed.upscale(parts.lr, parts.payload)
    return float(counter.get_total_flops()) / SIDE**2
