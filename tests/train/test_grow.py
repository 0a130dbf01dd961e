"""Growth changes nothing at first, and leaves room to learn."""

import pytest
import torch

from samples import at, disturb
from unshrink.errors import WeightsError
from unshrink.models.iarn import IARN
from unshrink.models.iarn_settings import IARNSettings, Layout, StageSettings
from unshrink.models.irn import IRN, IRNSettings, LevelSettings
from unshrink.models.irn_q import IRNQ, IRNQSettings
from unshrink.models.irrm import IRRM, IRRMSettings, ModuleSettings
from unshrink.train.grow import grow, grow_any_scale, grow_modules


def _level(blocks=1, width=4, depth=1, augment=0, coupling="twin", subnet="residual"):
    return LevelSettings(blocks=blocks, width=width, depth=depth, augment=augment, coupling=coupling, subnet=subnet)


def _net(*levels):
    torch.manual_seed(len(levels))
    return disturb(IRN(IRNSettings(levels)).double(), 0.1)


def _fresh(*levels):
    return IRN(IRNSettings(levels)).double()


def _compute_the_same(small, large):
    hr = torch.rand(1, 3, 16, 24, dtype=torch.float64)
    with torch.no_grad():
        lr = small.downscale(hr)[0]
        assert (large.downscale(hr)[0] - lr).abs().max() < 1e-12
        assert (large.upscale(lr) - small.upscale(lr)).abs().max() < 1e-12


LARGER = {
    "wider": _level(width=6),
    "deeper": _level(depth=3),
    "more couplings": _level(blocks=3),
    "augmented": _level(augment=5),
    "all at once": _level(blocks=2, width=7, depth=2, augment=3),
}


@pytest.mark.parametrize("name", LARGER)
def test_the_grown_network_computes_the_same(name):
    small, large = _net(_level(), _level()), _fresh(LARGER[name], LARGER[name])
    grow(small, large)
    _compute_the_same(small, large)


def test_affine_couplings_grow_too():
    small, large = _net(_level(coupling="affine")), _fresh(_level(width=6, augment=2, coupling="affine"))
    grow(small, large)
    _compute_the_same(small, large)


def test_what_is_new_learns():
    small, large = _net(_level()), _fresh(_level(width=6, augment=2))
    grow(small, large)
    hr = torch.rand(1, 3, 16, 16, dtype=torch.float64)
    (large.upscale(large.downscale(hr)[0]) - hr).square().sum().backward()
    new = large.chain.links[2].f.tail.weight.grad[:, 4:]
    assert new.abs().min() > 0


def test_irrm_grows_too():
    torch.manual_seed(0)
    small = disturb(IRRM(IRRMSettings((ModuleSettings(1, 6, 4), ModuleSettings(1, 6, 4)))).double())
    large = IRRM(IRRMSettings((ModuleSettings(2, 8, 4), ModuleSettings(3, 7, 6, 2)))).double()
    grow_modules(small, large)
    _compute_the_same(small, large)
    with pytest.raises(WeightsError):
        grow_modules(large, small)


@pytest.mark.parametrize("scale", [2, 4])
def test_an_iarn_begins_as_the_networks_of_one_scale(scale):
    plain = _net(*[_level(blocks=2)] * (scale // 2)).float()
    stages = StageSettings(blocks=3, width=6)
    target = IARN(IARNSettings(near=stages, far=(stages, stages), presplit=False))
    grow_any_scale(plain, target)
    hr = torch.rand(1, 3, 16, 24)
    with torch.no_grad():
        lr = plain.downscale(hr)[0]
        assert (at(target, hr, (16 // scale, 24 // scale)).downscale(hr)[0] - lr).abs().max() < 1e-5
        assert (at(target, hr, (16 // scale, 24 // scale)).upscale(lr) - plain.upscale(lr)).abs().max() < 1e-5


@pytest.mark.parametrize("scale", [2, 4])
def test_with_symbols_it_begins_as_the_networks_with_symbols(scale):
    torch.manual_seed(1)
    symbols = {"planes": (8,) * (scale // 2), "steps": (4, 4, 4)}
    plain = disturb(IRNQ(IRNQSettings((_level(blocks=2),) * (scale // 2), **symbols)))
    target = _any_scale_with_symbols()
    grow_any_scale(plain, target)
    hr = torch.rand(1, 3, 16, 24)
    with torch.no_grad():
        lr = plain.downscale(hr)[0]
        assert torch.equal(at(target, hr, (16 // scale, 24 // scale)).downscale(hr)[0], lr)
        assert (at(target, hr, (16 // scale, 24 // scale)).upscale(lr) - plain.upscale(lr)).abs().max() < 1e-5
    with pytest.raises(WeightsError, match="other low channels"):
        grow_any_scale(_net(*[_level(blocks=2)] * (scale // 2)), target)


def _any_scale_with_symbols():
    stages = StageSettings(blocks=2, width=4)
    symbols = {"near_symbols": (Layout(0, (8,), (4, 4, 4)),), "far_symbols": (Layout(0, (8, 8), (4, 4, 4)),)}
    return IARN(IARNSettings(near=stages, far=(stages, stages), presplit=False, **symbols))


def test_an_iarn_that_splits_first_has_no_place_for_them():
    with pytest.raises(WeightsError, match="splitting"):
        grow_any_scale(_net(_level()), IARN(IARNSettings()))


@pytest.mark.parametrize(
    "large",
    [
        (_level(width=3),),
        (_level(blocks=0),),
        (_level(), _level()),
        (_level(coupling="affine"),),
        (_level(subnet="dense"),),
    ],
    ids=["narrower", "fewer couplings", "another scale", "another coupling", "another sub-network"],
)
def test_what_cannot_grow_is_refused(large):
    with pytest.raises(WeightsError):
        grow(_net(_level()), _fresh(*large))


def test_augmented_channels_are_dropped_when_restoring():
    model = _net(_level(augment=3))
    hr = torch.rand(1, 3, 8, 8, dtype=torch.float64)
    with torch.no_grad():
        parts = at(model, hr).split(hr)
        assert parts.latent.shape[1] == model.latent_channels == 12
        assert (model.upscale(parts.lr, latent=parts.latent) - hr).abs().max() < 1e-9
