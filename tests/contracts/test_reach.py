"""A network's halo is what a restored pixel reads around itself: no less, and hardly more."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from samples import disturb
from unshrink.models import registry
from unshrink.models.irn import IRNSettings
from unshrink.nn.parts import Part
from unshrink.rescale import passes
from unshrink.rescale.memory import Memory

SCALES = ((1.1, 1.1), (2.5, 2.5), (3.0, 3.0), (1.5, 3.0))
"""For networks of any scale."""
CASES = [
    (name, scales)
    for name in registry.names()
    for scales in (SCALES if registry.get(name).scale is None else ((float(registry.get(name).scale),) * 2,))
]


class AskedError(Exception):
    """Carries what was asked for, in place of an answer."""


def _narrow(name):
    """The network with narrow sub-networks, which read as far as wide ones do."""
    spec = registry.get(name)
    settings = spec.settings
    if isinstance(settings, IRNSettings):
        settings = replace(settings, levels=tuple(replace(level, width=3) for level in settings.levels))
    return disturb(registry.build(spec, settings=settings).double().eval()).requires_grad_(False)


def _larger(lr, scales):
    return tuple(round(side * scale) for side, scale in zip(lr, scales, strict=True))


def _along(axis, long, across):
    return (long, across) if axis == 0 else (across, long)


def _span(slope, axis):
    """First and last row, or column, with a gradient."""
    rows = slope.abs().sum((0, 1, 3 - axis)).nonzero().flatten()
    return int(rows.min()), int(rows.max())


def _furthest_up(model, payload, lr_size, hr_size, axis):
    """LR pixels between the cell of the payload in the middle and the furthest pixel that is read to restore it."""
    lr = torch.rand(1, 3, *lr_size, dtype=torch.float64, requires_grad=True)
    read = [lr] if payload is None else [lr, payload.detach().requires_grad_()]
    hr = model.upscale(*read, size=hr_size)
    first = lr_size[axis] // 2 // model.grain * model.grain
    last, furthest = first + model.grain - 1, 0
    for at in (first * hr_size[axis] // lr_size[axis] + 1, (last + 1) * hr_size[axis] // lr_size[axis] - 1):
        pixel = hr.select(axis + 2, at).select(2, 0).sum()
        for tensor, slope in zip(read, torch.autograd.grad(pixel, read, retain_graph=True), strict=True):
            cell, (low, high) = lr_size[axis] // tensor.shape[axis + 2], _span(slope, axis)
            furthest = max(furthest, first - cell * low, cell * (high + 1) - 1 - last)
    return furthest


def _furthest_down(model, payload, hr, axis):
    """LR pixels between a cell of the payload in the middle and the furthest that is read to make it."""
    middle = payload.shape[axis + 2] // 2
    cell = payload.select(axis + 2, middle).sum()
    low, high = (at // model.scale for at in _span(torch.autograd.grad(cell, hr)[0], axis))
    return max(middle * model.grain - low, high - (middle + 1) * model.grain + 1)


@pytest.mark.parametrize(("name", "scales"), CASES)
def test_the_halo_is_what_is_read(name, scales):
    torch.manual_seed(0)
    model = _narrow(name)
    across = 4 if model.scale is None else model.grain
    for axis in (0, 1) if model.scale is None else (0,):
        size = _along(axis, 2000, across)
        long = 8 * (model.halo(_larger(size, scales), size) // 4 + 2)
        size = _along(axis, long, across)
        hr_size, furthest, payload = _larger(size, scales), 0, None
        if registry.get(name).payload != "none":
            hr = torch.rand(1, 3, *hr_size, dtype=torch.float64, requires_grad=True)
            payload = model.split(hr, size).payload
            furthest = _furthest_down(model, payload, hr, axis)
        furthest = max(furthest, _furthest_up(model, payload, size, hr_size, axis))
        assert furthest <= model.halo(hr_size, size) <= furthest + 1


@pytest.mark.parametrize(("name", "scales"), CASES)
def test_tiles_are_chosen_for_that_halo(name, scales):
    model, asked = registry.build(registry.get(name)).requires_grad_(False), []
    lr_size = (2400, 3200)
    hr_size = _larger(lr_size, scales)

    class Noting(Memory):
        def tiles(self, size, model, *, unit, floats, reserve, halo):
            del model, unit, floats, reserve
            asked.append((size, halo))
            raise AskedError

    halo, room = model.halo(hr_size, lr_size), Noting(0)
    with pytest.raises(AskedError):
        passes.downscale(np.broadcast_to(np.uint8(0), (*hr_size, 3)), model, lr_size, room)
    with pytest.raises(AskedError):
        next(passes.upscale(np.broadcast_to(np.uint8(0), (*lr_size, 3)), model, hr_size, room))
    assert asked[0] == (lr_size, halo)
    assert asked[1][0] == hr_size
    assert halo * max(scales) <= asked[1][1] < halo * max(scales) + 2


@pytest.mark.parametrize(("name", "scales"), CASES)
def test_a_part_reads_no_more_than_the_halo(name, scales):
    model = registry.build(registry.get(name)).requires_grad_(False)
    lr_size = (2400, 3200)
    hr_size = _larger(lr_size, scales)

    def read(part):
        raise AskedError(part)

    tile = Part(800, 960, 1600, 1760)  # LR pixels
    part = Part(*(round(side * scales[at // 2]) for at, side in enumerate(tile)))
    with pytest.raises(AskedError) as caught:
        model.upscale_part(read, lr_size, hr_size, part)
    around, halo = caught.value.args[0], model.halo(hr_size, lr_size)
    for inner, outer, sign in zip(tile, around, (1, -1, 1, -1), strict=True):
        assert halo - 2 <= sign * (inner - outer) <= halo + 2
