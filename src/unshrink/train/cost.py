"""What a network and its training cost, counted, not timed."""

import torch
from torch.utils.flop_counter import FlopCounterMode

from unshrink.data.patches import PatchSettings
from unshrink.models.base import Rescaler

SIDE = 48  # a multiple of every scale


@torch.no_grad()
def multiply_adds_per_pixel(model: Rescaler) -> float:
    """Multiply-adds of one direction, per HR pixel: all convolutions and matrix products of a restoration."""
    parameter = next(model.parameters())
    hr = torch.zeros(1, 3, SIDE, SIDE, device=parameter.device)
    lr, payload = model.downscale(hr)
    with FlopCounterMode(display=False) as counter:
        model.upscale(lr, payload)
    return float(counter.get_total_flops()) / 2 / SIDE**2


def training_flops(model: Rescaler, data: PatchSettings) -> float:
    """Floating-point operations of one step: both directions, forward once and backward twice, 2 a multiply-add."""
    return 2 * 3 * 2 * multiply_adds_per_pixel(model) * data.batch * data.patch**2
