"""A network's reach is what a restored pixel reads, no less."""

import pytest
import torch

from samples import disturb
from unshrink.models.irn import IRN, IRNSettings, LevelSettings

LEVELS = {
    "x2": (LevelSettings(blocks=2, width=4, depth=1, subnet="residual", coupling="twin"),),
    "x3": (LevelSettings(factor=3, blocks=1, width=4, depth=2),),
    "x4": (LevelSettings(blocks=1, width=4, depth=1, subnet="residual"), LevelSettings(blocks=1, width=4, depth=2)),
}


@pytest.mark.parametrize("name", LEVELS)
def test_no_pixel_is_read_from_further_away(name):
    torch.manual_seed(0)
    model = disturb(IRN(IRNSettings(LEVELS[name])).double(), 0.3)
    side = 2 * (model.reach // model.scale) + 9
    lr = torch.rand(1, 3, side, side, dtype=torch.float64, requires_grad=True)
    middle = side // 2
    model.upscale(lr)[..., middle * model.scale, middle * model.scale].sum().backward()
    rows = lr.grad.abs().sum((0, 1, 3)).nonzero().flatten()
    furthest = max(middle - int(rows.min()), int(rows.max()) - middle)
    assert furthest * model.scale <= model.reach + model.scale
    assert furthest * model.scale > model.reach / 2
