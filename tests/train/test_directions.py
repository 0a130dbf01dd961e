"""An IRN-M begins with a trained IRN's weights, and with directions that tell most of its latent."""

import pytest
import torch

from samples import disturb
from unshrink.errors import UsageError
from unshrink.models.irn import IRN, IRNSettings, LevelSettings
from unshrink.models.irn_m import IRNM, IRNMSettings
from unshrink.models.registry import build, get
from unshrink.models.weights import write_weights
from unshrink.train.directions import aim
from unshrink.train.objective import measure_losses
from unshrink.train.recipe import ObjectiveSettings, Recipe, read_recipe
from unshrink.train.state import begin_with, start

LEVEL = LevelSettings(blocks=1, width=4, depth=1, subnet="residual", coupling="twin")


def _model(**changes):
    torch.manual_seed(0)
    return IRNM(IRNMSettings(irn=IRNSettings((LEVEL,)), width=6, **changes)).eval()


def _striped(seed):
    """Pictures whose finest detail is diagonal and alternates from pixel to pixel of the latent."""
    generator = torch.Generator().manual_seed(seed)
    y, x = torch.meshgrid(torch.arange(32), torch.arange(32), indexing="ij")
    pattern = ((y + x) % 2 * 2 - 1) * (((y // 2 + x // 2) % 2) * 2 - 1)
    return 0.5 + 0.3 * torch.rand(2, 3, 1, 1, generator=generator) * pattern


def _error(model, hr):
    with torch.no_grad():
        lr, payload = model.downscale(hr)
        return float((model.upscale(lr, model.payload.rounded(payload)) - hr).square().mean())


def test_aiming_finds_what_the_latent_holds():
    model, hr = _model(), _striped(1)
    before = _error(model, hr)
    assert aim(model, [_striped(seed) for seed in range(2, 6)])
    assert _error(model, hr) < 0.05 * before


@pytest.mark.parametrize("changes", [{"design": "paper"}, {}])
def test_other_autoencoders_and_those_that_have_learnt_stay(changes):
    model = _model(**changes)
    if not changes:
        with torch.no_grad():
            model.autoencoder.encoder.correct[-1].bias.add_(1)
    before = {key: tensor.clone() for key, tensor in model.state_dict().items()}
    assert not aim(model, [_striped(1)])
    assert all(torch.equal(tensor, before[key]) for key, tensor in model.state_dict().items())


def test_a_run_begins_with_the_weights_of_an_irn(tmp_path):
    irn = disturb(build(get("lite-x2")), 0.01)
    write_weights(irn, "lite-x2", tmp_path)
    state = start(Recipe(model="irn-m-x2"), torch.device("cpu"))
    begin_with(state, tmp_path, "irn-m-x2")
    assert isinstance(state.model, IRNM)
    assert all(torch.equal(tensor, state.model.irn.state_dict()[key]) for key, tensor in irn.state_dict().items())
    assert all(torch.equal(tensor, state.average.state_dict()[key]) for key, tensor in state.model.state_dict().items())


def test_pretraining_is_the_autoencoder_alone():
    model = _model(design="paper").train()
    settings = ObjectiveSettings(random_latent=True)
    hr, guide = torch.rand(2, 3, 16, 16), torch.rand(2, 3, 8, 8)
    losses = measure_losses(model, hr, guide, settings, torch.Generator().manual_seed(0))
    losses.total.backward()
    assert losses.total > 0.5
    assert all(parameter.grad is None for parameter in model.irn.parameters())
    assert any(parameter.grad.any() for parameter in model.autoencoder.encoder.parameters())


def test_only_an_irn_m_has_an_autoencoder_to_pretrain():
    settings = ObjectiveSettings(random_latent=True)
    with pytest.raises(UsageError, match="no autoencoder"):
        measure_losses(IRN(IRNSettings((LEVEL,))), _striped(1), _striped(1), settings, torch.Generator())


@pytest.mark.parametrize("name", ["irn-m-x2", "irn-m-x4", "dlv-m-x2", "dlv-m-x4"])
def test_recipes_train_the_model_of_their_name(name):
    assert read_recipe(name).model == name
