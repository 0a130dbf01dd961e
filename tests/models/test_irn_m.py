"""IRN-M: what is kept of the latent is rounded, cut to size and worth keeping."""

import pytest
import torch

from samples import at
from unshrink.errors import UsageError
from unshrink.models.irn import IRNSettings, LevelSettings
from unshrink.models.irn_m import IRNM, IRNMSettings
from unshrink.nn import autoencoder

LEVEL = LevelSettings(blocks=1, width=4, depth=1, subnet="residual", coupling="twin")
DESIGNS = {
    "ours": {},
    "ours, 2 layers": {"layers": 2},
    "the paper's, 4 layers": {"design": "paper"},
    "the paper's, 2 layers": {"design": "paper", "layers": 2},
}


def _model(levels=(LEVEL,), *, disturbed=True, **changes):
    torch.manual_seed(0)
    model = IRNM(IRNMSettings(irn=IRNSettings(levels), width=6, **changes))
    if disturbed:
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.add_(0.1 * torch.randn_like(parameter))
    return model.eval()


@pytest.mark.parametrize("design", DESIGNS)
@pytest.mark.parametrize("size", [(16, 24), (2, 2), (10, 30)])
def test_with_all_that_was_left_out_the_picture_comes_back(design, size):
    model = _model(**DESIGNS[design]).double()
    hr = torch.rand(2, 3, *size, dtype=torch.float64)
    parts = at(model, hr).split(hr)
    assert parts.payload.shape == (2, *model.payload.shape((size[0] // 2, size[1] // 2)))
    restored = model.upscale(parts.lr, parts.payload, latent=parts.latent)
    assert (restored - hr).abs().max() < 1e-9


def test_downscaling_is_splitting():
    model, hr = _model(), torch.rand(1, 3, 12, 20)
    with torch.no_grad():
        lr, payload = model.downscale(hr)
        parts = at(model, hr).split(hr)
    assert torch.equal(lr, parts.lr)
    assert torch.equal(payload, parts.payload)


def test_an_augmented_network_keeps_its_downscaling_latent_too():
    model = _model((LevelSettings(blocks=1, width=4, depth=1, subnet="residual", augment=2), LEVEL))
    parts = at(model, torch.rand(1, 3, 16, 32)).split(torch.rand(1, 3, 16, 32))
    assert parts.latent.shape == (1, 4 * (12 + 2) - 3, 4, 8)
    assert parts.payload.shape == (1, 4, 1, 2)


def test_the_payload_is_whole_steps_within_bounds_with_the_identity_for_its_gradient():
    model = _model()
    payload = torch.tensor([-300.0, -1.4, 0.6, 90.2, 127.4]).view(1, 1, 1, 5).requires_grad_()
    stored = model.payload.rounded(payload)
    stored.sum().backward()
    assert stored.flatten().tolist() == [-127, -1, 1, 90, 127]
    assert payload.grad.flatten().tolist() == [0, 1, 1, 1, 0]


def test_coarser_steps_are_met_in_training_only():
    model = _model(coarser=(1, 8))
    payload = torch.full((3, 4, 1, 1), 13.0)
    assert model.at((8, 8), (4, 4)).payload.rounded(payload).unique().tolist() == [13]
    stored = model.train().at((8, 8), (4, 4)).payload.rounded(payload)
    assert stored[:, 0, 0, 0].tolist() == [13, 16, 13]


@pytest.mark.parametrize("levels", [(LEVEL,), (LEVEL, LEVEL)])
def test_a_fresh_autoencoder_projects(levels):
    model = _model(levels, disturbed=False)
    z, y = torch.randn(1, model.irn.latent_channels, 8, 12), torch.rand(1, 3, 8, 12)
    with torch.no_grad():
        once = model.autoencoder.decode(model.autoencoder.encode(z, y), y)
        twice = model.autoencoder.decode(model.autoencoder.encode(once, y), y)
    assert torch.allclose(once, twice, atol=1e-5)
    assert 0.1 < once.square().mean() / z.square().mean() * 16 * model.irn.latent_channels < 8


def test_without_a_payload_it_is_zero():
    model, lr = _model(), torch.rand(1, 3, 5, 9)
    with torch.no_grad():
        assert torch.equal(model.upscale(lr), model.upscale(lr, torch.zeros(1, 4, 2, 3)))
        assert torch.allclose(model.upscale(lr), model.irn.upscale(lr), atol=1e-6)


@pytest.mark.parametrize("design", DESIGNS)
def test_strips_make_no_difference(design, monkeypatch):
    model = _model(**DESIGNS[design])
    hr = torch.rand(1, 3, 2 * 4 * 23 + 2, 18)
    with torch.no_grad():
        whole = model.downscale(hr)
        restored = model.upscale(*whole)
        monkeypatch.setattr(autoencoder, "STRIP_PIXELS", 1)
        lr, payload = model.downscale(hr)
        assert torch.allclose(payload, whole[1], atol=1e-4)
        assert torch.allclose(model.upscale(lr, payload), restored, atol=1e-5)


def test_the_penalty_is_the_error_of_the_autoencoder_and_the_price_of_its_numbers():
    hr = torch.rand(1, 3, 16, 16)
    plain, priced = _model(), _model(error=2.0, rate=0.5)
    parts = at(plain, hr).split(hr)
    error = parts.latent.square().mean()
    bits = torch.log2(1 + parts.payload.abs()).mean()
    assert torch.allclose(plain.penalty(parts), error)
    assert torch.allclose(priced.penalty(parts), 2 * error + 0.5 * bits)


def test_other_numbers_of_layers_are_refused():
    with pytest.raises(UsageError, match="2 or 4"):
        IRNM(IRNMSettings(layers=3))
