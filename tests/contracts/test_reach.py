"""A network's halo is what a restored pixel reads around itself: no less, and hardly more."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from samples import disturb
from unshrink.models import registry
from unshrink.models.irn import IRNSettings
from unshrink.nn.parts import Part
from unshrink.rescale import tiled
from unshrink.rescale.memory import Memory

SCALES = ((1.1, 1.1), (2.5, 2.5), (3.0, 3.0), (1.5, 3.0))
"""For networks of any scale."""
CASES = [
    (name, scales)
    for name in registry.rescalers()
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


def _furthest_up(placed, payload, axis):
    """LR pixels between the cell of the payload in the middle and the furthest pixel that is read to restore it."""
    lr_size, hr_size = placed.lr, placed.hr
    lr = torch.rand(1, 3, *lr_size, dtype=torch.float64, requires_grad=True)
    read = [lr] if payload is None else [lr, payload.detach().requires_grad_()]
    hr = placed.upscale(*read)
    first = lr_size[axis] // 2 // placed.cell * placed.cell
    last, furthest = first + placed.cell - 1, 0
    for at in (first * hr_size[axis] // lr_size[axis] + 1, (last + 1) * hr_size[axis] // lr_size[axis] - 1):
        pixel = hr.select(axis + 2, at).select(2, 0).sum()
        for tensor, slope in zip(read, torch.autograd.grad(pixel, read, retain_graph=True), strict=True):
            cell, (low, high) = lr_size[axis] // tensor.shape[axis + 2], _span(slope, axis)
            furthest = max(furthest, first - cell * low, cell * (high + 1) - 1 - last)
    return furthest


def _furthest_down(placed, payload, hr, axis):
    """LR pixels between a cell of the payload in the middle and the furthest that is read to make it."""
    middle = payload.shape[axis + 2] // 2
    cell = payload.select(axis + 2, middle).sum()
    low, high = (at // placed.scale for at in _span(torch.autograd.grad(cell, hr)[0], axis))
    return max(middle * placed.cell - low, high - (middle + 1) * placed.cell + 1)


@pytest.mark.parametrize(("name", "scales"), CASES)
def test_the_halo_is_what_is_read(name, scales):
    torch.manual_seed(0)
    model = _narrow(name)
    across = 4 if model.scale is None else model.at((model.scale,) * 2, (1, 1)).cell
    for axis in (0, 1) if model.scale is None else (0,):
        size = _along(axis, 2000, across)
        long = 8 * (model.at(_larger(size, scales), size).halo // 4 + 2)
        size = _along(axis, long, across)
        hr_size, furthest, payload = _larger(size, scales), 0, None
        placed = model.at(hr_size, size)
        if registry.get(name).payload != "none":
            hr = torch.rand(1, 3, *hr_size, dtype=torch.float64, requires_grad=True)
            payload = placed.split(hr).payload
            furthest = _furthest_down(placed, payload, hr, axis)
        furthest = max(furthest, _furthest_up(placed, payload, axis))
        assert furthest <= placed.halo <= furthest + 1


@pytest.mark.parametrize(("name", "scales"), CASES)
def test_tiles_are_chosen_for_that_halo(name, scales):
    model, asked = registry.build(registry.get(name)).requires_grad_(False), []
    lr_size = (2400, 3200)
    hr_size = _larger(lr_size, scales)

    class Noting(Memory):
        def tiles(self, size, *, unit, floats, reserve, halo):
            del unit, floats, reserve
            asked.append((size, halo))
            raise AskedError

    halo, room = model.at(hr_size, lr_size).halo, Noting(0)
    with pytest.raises(AskedError):
        tiled.downscale(np.broadcast_to(np.uint8(0), (*hr_size, 3)), model, lr_size, room)
    with pytest.raises(AskedError):
        next(tiled.upscale(np.broadcast_to(np.uint8(0), (*lr_size, 3)), model, hr_size, room))
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
    placed = model.at(hr_size, lr_size)
    with pytest.raises(AskedError) as caught:
        placed.upscale_part(read, part)
    around, halo = caught.value.args[0], placed.halo
    for inner, outer, sign in zip(tile, around, (1, -1, 1, -1), strict=True):
        assert halo - 2 <= sign * (inner - outer) <= halo + 2
