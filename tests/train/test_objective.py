"""The objective's terms, by hand."""

import pytest
import torch

from samples import at, disturb
from unshrink.models.irn import IRN, IRNSettings, LevelSettings
from unshrink.train.objective import luma, measure_losses
from unshrink.train.recipe import ObjectiveSettings


@pytest.fixture
def fresh():
    return IRN(IRNSettings((LevelSettings(blocks=1, width=4, depth=1, subnet="residual"),)))


def _measure(model, settings, seed=0):
    hr = torch.rand(2, 3, 8, 8, generator=torch.Generator().manual_seed(3))
    guide = torch.rand(2, 3, 4, 4, generator=torch.Generator().manual_seed(4))
    return hr, guide, measure_losses(model, hr, guide, settings, torch.Generator().manual_seed(seed))


def test_the_papers_sums(fresh):
    settings = ObjectiveSettings(guide_weight=4.0)
    hr, guide, losses = _measure(fresh, settings)
    parts = at(fresh, hr).split(hr)
    assert losses.guide.item() == pytest.approx((parts.lr - guide).square().sum().item() / 2, rel=1e-4)
    assert losses.latent.item() == pytest.approx(parts.latent.square().sum().item() / 2, rel=1e-4)
    total = losses.reconstruction + 4 * losses.guide + losses.latent
    assert losses.total.item() == pytest.approx(total.item(), rel=1e-5)


def test_with_z_at_zero_a_fresh_net_restores_its_own_means(fresh):
    settings = ObjectiveSettings(reconstruction="l1", reduction="mean", latent_noise=0.0, latent_weight=0.0)
    hr, _, losses = _measure(fresh, settings)
    means = torch.nn.functional.interpolate(torch.nn.functional.avg_pool2d(hr, 2), scale_factor=2.0)
    assert losses.reconstruction.item() == pytest.approx((hr - means).abs().mean().item(), abs=1e-3)


def test_the_drawn_latent_follows_its_seed(fresh):
    first, same, other = (_measure(fresh, ObjectiveSettings(), seed)[2].total.item() for seed in (1, 1, 2))
    assert first == same != other


def test_luma_of_white_is_the_protocols():
    assert luma(torch.ones(1, 3, 1, 1)).item() == pytest.approx(219 / 255, abs=1e-6)


def test_gradients_reach_every_parameter(fresh):
    _measure(disturb(fresh), ObjectiveSettings())[2].total.backward()
    assert all(parameter.grad.abs().sum() > 0 for parameter in fresh.parameters())


def test_root_mean_squares_give_every_picture_the_same_say(fresh):
    """The mean of the two pictures' own roots, not the root of their mean; `reduction` changes nothing."""
    settings = [
        ObjectiveSettings(reconstruction="rms", reduction=reduction, latent_noise=0.0, latent_weight=0.0)
        for reduction in ("mean", "sum")
    ]
    hr, _, losses = _measure(fresh, settings[0])
    means = torch.nn.functional.interpolate(torch.nn.functional.avg_pool2d(hr, 2), scale_factor=2.0)
    roots = (hr - means).square().mean((1, 2, 3)).sqrt()
    assert losses.reconstruction.item() == pytest.approx(roots.mean().item(), rel=1e-2)
    assert losses.reconstruction.item() == _measure(fresh, settings[1])[2].reconstruction.item()
