"""Units of a latent, and the channels of it that tell sigma."""

import pytest
import torch

from unshrink.models.irn import IRN, IRNSettings, LevelSettings, dial_channels
from unshrink.nn.latent import LatentUnit

LEVELS = tuple(LevelSettings(blocks=1, width=4, depth=1, subnet="residual", augment=n) for n in (1, 2))


def test_inverse_undoes_forward():
    link = LatentUnit(7, split=3, unit=0.01, whole=[1]).double()
    with torch.no_grad():
        link.log_unit.add_(torch.randn(4, 1, 1))
    x = torch.rand(2, 7, 3, 5, dtype=torch.float64)
    assert (link.inverse(link(x)) - x).abs().max() < 1e-12


def test_a_unit_is_what_one_stands_for():
    y = torch.ones(1, 7, 1, 1)
    x = LatentUnit(7, split=3, unit=0.01, whole=[1]).inverse(y)
    assert x.flatten().tolist() == pytest.approx([1, 1, 1, 0.01, 1, 0.01, 0.01])


def test_the_augmented_channels_of_every_level_hold_sigma():
    """A fresh network changes nothing, so that the means of augmented channels can be read off its state."""
    model = IRN(IRNSettings(LEVELS, latent_unit=0.01))
    noise = torch.randn(1, model.latent_channels, 2, 2, generator=torch.Generator().manual_seed(0))
    state = torch.cat([torch.zeros(1, 3, 2, 2), model.draw(noise, 0.6)], dim=1)
    seen = []
    for link in reversed(model.chain.links):
        if hasattr(link, "extra"):
            seen.append(state[:, -link.extra :])
        state = link.inverse(state)
    assert [planes.shape[1] for planes in seen] == [2, 1]
    assert torch.allclose(seen[0], torch.tensor(0.6))
    means = torch.nn.functional.avg_pool2d(seen[1], 2)
    assert torch.allclose(means, torch.tensor(0.6), atol=1e-6)
    assert seen[1].std() > 0.001


def test_the_rest_of_a_draw_is_noise_of_that_deviation():
    model = IRN(IRNSettings(LEVELS, latent_unit=0.01))
    noise = torch.randn(1, model.latent_channels, 8, 8, generator=torch.Generator().manual_seed(0))
    rest = [i for i in range(model.latent_channels) if i not in dial_channels(model.settings)]
    assert torch.equal(model.draw(noise, 0.5)[:, rest], 0.5 * noise[:, rest])


def test_without_units_nothing_tells_sigma():
    model = IRN(IRNSettings(LEVELS))
    noise = torch.randn(1, model.latent_channels, 2, 2)
    assert torch.equal(model.draw(noise, 0.5), 0.5 * noise)
