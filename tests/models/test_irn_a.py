"""IRN-A: the plane beside the LR picture, finite everywhere, and the dropped channel exact."""

from dataclasses import replace

import pytest
import torch

from samples import at, disturb
from unshrink.errors import UsageError, WeightsError
from unshrink.models.irn import IRN, IRNSettings, LevelSettings
from unshrink.models.irn_a import IRNA, IRNASettings, MeanFirst
from unshrink.models.payloads import Plane
from unshrink.nn.haar import Haar
from unshrink.train.adapt import adapt

LEVEL = LevelSettings(blocks=2, width=5, depth=1, subnet="residual", coupling="twin")
KINDS = {
    "x2": IRNASettings((LEVEL,)),
    "x4": IRNASettings((LEVEL, LEVEL)),
    "augmented": IRNASettings((replace(LEVEL, augment=2), replace(LEVEL, augment=3))),
    "no mean": IRNASettings((LEVEL, LEVEL), start="none"),
    "post-split": IRNASettings((LEVEL, LEVEL), split="post"),
    "gain": IRNASettings((LEVEL,), gain=8.0),
}


@pytest.fixture(params=KINDS)
def model(request):
    torch.manual_seed(0)
    return disturb(IRNA(KINDS[request.param]).double())


def _picture(model, rows=3, columns=5):
    shape = (2, 3, rows * model.scale, columns * model.scale)
    return torch.rand(shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


def test_nothing_is_lost_before_the_rounding(model):
    hr = _picture(model)
    with torch.no_grad():
        parts = at(model, hr).split(hr)
        assert parts.lr.shape == (2, 3, 3, 5)
        assert parts.payload.shape == (2, 1, 3, 5)
        assert parts.latent.shape == (2, model.latent_channels, 3, 5)
        assert (model.upscale(parts.lr, parts.payload, latent=parts.latent) - hr).abs().max() < 1e-9


def test_the_payload_is_a_plane_from_0_to_1_that_matters(model):
    with torch.no_grad():
        lr, payload = model.downscale(_picture(model))
        assert 0 < payload.min() < payload.max() < 1
        assert (model.upscale(lr, payload) - model.upscale(lr, 1 - payload)).abs().max() > 1e-3


def test_it_is_finite_at_both_ends_and_beyond(model):
    lr = torch.rand(1, 3, 2, 2, dtype=torch.float64)
    payload = torch.tensor([[[[0.0, 1.0], [-0.3, 1.7]]]], dtype=torch.float64, requires_grad=True)
    restored = model.upscale(lr, payload)
    restored.sum().backward()
    assert restored.isfinite().all()
    assert payload.grad.isfinite().all()
    clipped = payload.clamp(0.5 / 255, 1 - 0.5 / 255)
    assert torch.allclose(restored, model.upscale(lr, clipped))


def test_without_a_payload_it_is_one_half(model):
    lr = torch.rand(1, 3, 2, 3, dtype=torch.float64)
    with torch.no_grad():
        assert (model.upscale(lr) - model.upscale(lr, torch.full_like(lr[:, :1], 0.5))).abs().max() < 1e-12


def test_what_is_stored_is_8_bits_and_never_0():
    payload = torch.tensor([-0.1, 0.0, 0.4 / 255, 1.6 / 255, 0.5, 1.0, 1.2], requires_grad=True)
    stored = Plane().rounded(payload)
    assert torch.equal(stored.detach(), torch.tensor([1, 1, 1, 2, 128, 255, 255]) / 255)
    (stored * torch.arange(7)).sum().backward()
    assert payload.grad.tolist() == list(range(7))


def test_other_sizes_are_refused(model):
    with pytest.raises(UsageError, match="multiple"):
        model.downscale(torch.rand(1, 3, model.scale + 1, model.scale, dtype=torch.float64))


def test_the_mean_takes_the_place_of_the_first_high_channel_which_comes_back_exactly():
    bands = Haar()(torch.rand(1, 3, 8, 6, dtype=torch.float64))
    state = MeanFirst()(bands)
    assert torch.equal(state[:, :3], bands[:, :3])
    assert torch.allclose(state[:, 3], bands[:, 3:].mean(1))
    assert torch.equal(state[:, 4:], bands[:, 4:])
    assert (9 * state[:, 3] - state[:, 4:].sum(1) - bands[:, 3]).abs().max() < 1e-15
    assert (MeanFirst().inverse(state) - bands).abs().max() < 1e-15


def test_a_fresh_network_stores_the_mean_of_the_high_bands():
    model = IRNA(KINDS["x4"]).double()
    hr = _picture(model)
    with torch.no_grad():
        payload = model.downscale(hr)[1]
    mean = torch.nn.functional.avg_pool2d(Haar()(hr)[:, 3:].mean(1, keepdim=True), 2)
    assert (torch.logit(payload) - mean).abs().max() < 1e-12


def test_the_state_is_split_at_four():
    links = IRNA(KINDS["augmented"]).chain.links
    assert [(link.split, link.f.head.in_channels) for link in links if hasattr(link, "split")] == [
        (4, 10), (4, 10), (4, 55), (4, 55),
    ]  # fmt: skip


def _plain(*levels):
    torch.manual_seed(0)
    return disturb(IRN(IRNSettings(levels)).double(), 0.02)


def test_after_a_post_split_it_begins_as_the_irn_that_it_grows_from():
    plain = _plain(LEVEL, LEVEL)
    larger = replace(LEVEL, width=7, augment=2)
    model = IRNA(IRNASettings((larger, larger), split="post")).double()
    adapt(plain, model)
    hr = _picture(model)
    with torch.no_grad():
        lr = model.downscale(hr)[0]
        assert (lr - plain.downscale(hr)[0]).abs().max() < 1e-12
        assert (model.upscale(lr) - plain.upscale(lr)).abs().max() < 1e-12


@pytest.mark.parametrize("start", ["mean", "none"])
def test_what_corresponds_is_kept_when_it_begins_with_an_irn(start):
    """Where the first high channel says nothing to the LR, that it is lost changes nothing else on the way down."""
    plain = _plain(LEVEL)
    with torch.no_grad():
        for link in list(plain.chain.links)[1:]:
            link.f.head.weight[:, 0] = 0
    model = IRNA(IRNASettings((LEVEL,), start=start)).double()
    adapt(plain, model)
    hr = _picture(model)
    with torch.no_grad():
        parts, old = at(model, hr).split(hr), at(plain, hr).split(hr)
        assert (parts.lr - old.lr).abs().max() < 1e-12
        assert (parts.latent - old.latent[:, 1:]).abs().max() < 1e-12


def test_weights_of_another_make_are_refused():
    model = IRNA(IRNASettings((replace(LEVEL, coupling="affine"),)))
    with pytest.raises(WeightsError):
        adapt(IRN(IRNSettings((replace(LEVEL, coupling="affine"),))), model)
