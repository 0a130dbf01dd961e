"""What a network and its training cost, counted, not timed."""

from torch import nn

from unshrink.data.patches import PatchSettings
from unshrink.models.irn import IRN


def multiply_adds_per_pixel(model: IRN) -> float:
    """Multiply-adds of one direction, per HR pixel: every convolution's weights over the pixels it runs at."""
    total, area = 0.0, 1
    for link in model.chain.links:
        area *= getattr(link, "factor", 1) ** 2
        kernels = sum(conv.weight.numel() for conv in link.modules() if isinstance(conv, nn.Conv2d))
        total += kernels / area
    return total


def training_flops(model: IRN, data: PatchSettings) -> float:
    """Floating-point operations of one step: both directions, forward once and backward twice, 2 a multiply-add."""
    return 2 * 3 * 2 * multiply_adds_per_pixel(model) * data.batch * data.patch**2
