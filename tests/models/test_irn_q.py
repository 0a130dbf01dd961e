"""IRN-Q: what only it has to show; the rest is the registry's contract."""

from dataclasses import replace

import pytest
import torch

from samples import at
from unshrink.errors import UsageError, WeightsError
from unshrink.models import registry
from unshrink.models.irn import IRN, IRNSettings, LevelSettings
from unshrink.models.irn_a import IRNA, IRNASettings
from unshrink.models.irn_q import IRNQ, IRNQSettings
from unshrink.nn.precision import use_subnet_dtype
from unshrink.nn.quantise import quantise
from unshrink.rescale import effort
from unshrink.train.adapt import adapt

LEVEL = LevelSettings(blocks=2, width=6, depth=1, subnet="residual", coupling="twin", augment=2)
SETTINGS = IRNQSettings((LEVEL,), planes=(8, 3), steps=(4, 2, 4))


def _disturb(model, amount=0.05):
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=generator), alpha=amount)
    return model.requires_grad_(False)


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    return _disturb(IRNQ(SETTINGS))


def _picture(batch=1):
    coarse = torch.rand(batch, 3, 12, 16, generator=torch.Generator().manual_seed(1))
    return torch.nn.functional.interpolate(coarse, size=(48, 64), mode="bicubic").clamp(0, 1)


def test_the_picture_moves_by_half_a_step_at_most(model):
    parts = at(model, _picture()).split(_picture())
    moved = (model.downscale(_picture())[0] - parts.lr.clamp(4 / 255, 251 / 255)).abs() * 255
    inside = (parts.lr > 4 / 255) & (parts.lr < 251 / 255)
    for channel, step in enumerate(SETTINGS.steps):
        assert moved[:, channel][inside[:, channel]].max() <= step / 2 + 0.01


def test_what_is_embedded_matters(model):
    lr, _ = model.downscale(_picture())
    other = model.symbols.embed(lr, 1 - model.symbols.extract(lr))
    assert (model.upscale(lr) - model.upscale(other)).abs().mean() > 1e-3


def test_any_other_picture_restores_to_something_finite(model):
    for value in (0.0, 1.0, 127 / 255):
        assert model.upscale(torch.full((1, 3, 5, 7), value)).isfinite().all()


def test_gradients_reach_the_network_through_the_pixels_and_what_they_embed():
    torch.manual_seed(0)
    learning = _disturb(IRNQ(SETTINGS)).requires_grad_(True)
    placed = at(learning, _picture())
    parts = placed.split(_picture())
    parts.lr.retain_grad()
    parts.planes.retain_grad()
    placed.join(placed.rounded(parts)).square().mean().backward()
    assert parts.lr.grad.abs().max() > 0
    assert (parts.planes.grad.abs().amax((0, 2, 3)) > 0).all()


@pytest.mark.parametrize("bad", [{"planes": (64, 2)}, {"steps": (4, 4)}, {"planes": (0,)}, {"steps": (0, 4, 4)}])
def test_planes_that_the_pixels_cannot_hold_are_refused(bad):
    with pytest.raises(UsageError):
        IRNQ(replace(SETTINGS, **bad))


def test_it_begins_with_the_weights_of_an_irn_a_as_the_same_function_but_for_rounding():
    torch.manual_seed(0)
    aside = _disturb(IRNA(IRNASettings((LEVEL,), start="none", gain=8.0)), 0.02)
    inside = IRNQ(IRNQSettings((LEVEL,), planes=(64,), steps=(4, 4, 4)))
    adapt(aside, inside)
    one, other = at(aside, _picture()).split(_picture()), at(inside, _picture()).split(_picture())
    torch.testing.assert_close(one.lr, other.lr)
    torch.testing.assert_close(one.payload, other.planes)


def test_it_begins_with_the_weights_of_an_irn_near_its_restoration():
    torch.manual_seed(0)
    plain = _disturb(IRN(IRNSettings((LEVEL,))), 0.005)
    inside = IRNQ(SETTINGS)
    adapt(plain, inside)
    placed = at(inside, _picture())
    parts = placed.split(_picture())
    assert (placed.join(parts, parts.latent) - _picture()).abs().max() < 1e-4
    assert (parts.lr - at(plain, _picture()).split(_picture()).lr).abs().mean() < 0.01


def test_more_low_channels_do_not_become_fewer():
    with pytest.raises(WeightsError, match="more low channels"):
        adapt(IRNA(IRNASettings((LEVEL,))), IRNA(IRNASettings((LEVEL,), split="post")))


def test_effort_refines_what_is_embedded_too(model):
    hr = _picture()
    with torch.inference_mode():
        lr, _ = model.downscale(hr)
    better, payload = effort.refine(model, hr, lr, 8)
    assert payload is None
    assert torch.equal(quantise(better), better)
    assert not torch.equal(model.symbols.extract(better), model.symbols.extract(lr))
    errors = [_error(model, hr, small) for small in (lr, better)]
    assert errors[1] < errors[0]


def _error(model, hr, lr):
    with torch.inference_mode():
        error = model.upscale(lr) - hr
        luma = (error * torch.tensor(effort.LUMA).view(3, 1, 1)).sum(1)
        return error.square().sum() + effort.LUMA_WEIGHT * luma.square().sum()


def test_a_plane_beside_the_picture_is_refined_with_what_the_picture_embeds():
    torch.manual_seed(0)
    model = _disturb(IRNQ(replace(SETTINGS, payload=True)))
    hr = _picture()
    with torch.inference_mode():
        lr, payload = model.downscale(hr)
    better, refined = effort.refine(model, hr, lr, 8, payload=payload)
    assert refined.shape == payload.shape
    assert not torch.equal(refined, payload)
    assert not torch.equal(model.symbols.extract(better), model.symbols.extract(lr))


def test_the_network_with_a_payload_begins_as_the_one_without():
    torch.manual_seed(0)
    plain = _disturb(IRNQ(SETTINGS), 0.005)
    more = IRNQ(replace(SETTINGS, payload=True))
    adapt(plain, more)
    one, other = at(plain, _picture()).split(_picture()), at(more, _picture()).split(_picture())
    assert (one.lr - other.lr).abs().mean() < 0.01
    assert other.payload.shape == (1, 1, 24, 32)
    assert (at(more, _picture()).join(other, other.latent) - _picture()).abs().max() < 1e-4


@pytest.mark.parametrize(("name", "kept"), [("irn-q-x2", torch.float32), ("irn-q-x4", torch.bfloat16)])
def test_at_x2_what_moves_symbols_is_not_narrowed(name, kept):
    model = registry.build(registry.get(name))
    use_subnet_dtype(model, torch.bfloat16)
    *_, first, last = model.chain.links
    assert {conv.weight.dtype for conv in last.f.inner_convolutions()} == {kept}
    for subnet in (first.f, first.gh, last.gh):
        assert {conv.weight.dtype for conv in subnet.inner_convolutions()} == {torch.bfloat16}
