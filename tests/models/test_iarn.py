"""IARN at any size: nothing lost but the latent, and a fresh network that is bicubic both ways."""

import pytest
import torch

from samples import at
from unshrink.errors import UsageError
from unshrink.models.iarn import IARN
from unshrink.models.iarn_settings import IARNSettings, Layout, StageSettings
from unshrink.nn.conditioning import position_planes
from unshrink.nn.resample import resize, undo_resize

SYMBOLS = {
    "near_symbols": (Layout(1, (2,), (1, 1, 2)), Layout(2, (64,), (4, 4, 4))),
    "far_symbols": (Layout(0, (8, 8), (4, 4, 4)),),
    "presplit": False,
}
TINY = {"near": StageSettings(1, 6), "far": (StageSettings(1, 4), StageSettings(1, 6))}
SIZES = [
    ((1, 1), (1, 1)),
    ((7, 5), (2, 1)),
    ((37, 53), (31, 40)),
    ((47, 41), (20, 30)),
    ((48, 36), (24, 18)),
    ((48, 36), (12, 9)),
    ((60, 48), (20, 32)),
]


def _smooth(size, batch=1):
    rough = torch.rand(batch, 3, *(max(1, side // 2) for side in size), generator=torch.Generator().manual_seed(3))
    return resize(rough.double(), size)


def _network(*, disturbed=False, **settings):
    torch.manual_seed(0)
    model = IARN(IARNSettings(**TINY, **settings)).double().requires_grad_(False)
    if disturbed:
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter), alpha=0.03)
    return model


@pytest.mark.parametrize(("full", "small"), SIZES)
@pytest.mark.parametrize("presplit", [True, False])
@pytest.mark.parametrize("position", [True, False])
def test_nothing_is_lost_but_the_latent(full, small, presplit, position):
    model, hr = _network(disturbed=True, presplit=presplit, position=position), _smooth(full, batch=2)
    placed = at(model, hr, small)
    parts = placed.split(hr)
    assert parts.lr.shape == (2, 3, *small)
    assert parts.payload is None
    restored = placed.upscale(parts.lr, latent=parts.latent)
    assert (restored - hr).abs().max() < 2e-4


@pytest.mark.parametrize(("full", "small"), [((48, 36), (24, 18)), ((48, 36), (12, 9))])
def test_where_the_grid_is_the_picture_it_is_exact(full, small):
    model = _network(disturbed=True)
    hr = torch.rand(1, 3, *full, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    placed = at(model, hr, small)
    parts = placed.split(hr)
    assert (placed.upscale(parts.lr, latent=parts.latent) - hr).abs().max() < 1e-12


@pytest.mark.parametrize(("full", "small"), SIZES)
def test_a_fresh_network_is_bicubic_both_ways(full, small):
    model, hr = _network(), _smooth(full)
    placed = at(model, hr, small)
    lr, _ = placed.downscale(hr)
    assert torch.equal(lr, resize(hr, small))
    assert torch.allclose(placed.upscale(lr), resize(lr, full), atol=1e-12)


@pytest.mark.parametrize("small", [(20, 30), (30, 40)])
def test_the_planes_reach_the_sub_networks(small):
    model, hr = _network(disturbed=True), _smooth((47, 41))
    before = at(model, hr, small).downscale(hr)[0]
    blind = _network(disturbed=True)
    for name, weight in blind.named_parameters():
        if name.endswith("f.head.weight"):
            planes = slice(-4, None) if not name.startswith("fine") else slice(-7, -3)
            weight[:, planes] = 0
    assert (at(blind, hr, small).downscale(hr)[0] - before).abs().max() > 1e-4


def test_sizes_must_be_named():
    model = _network()
    for direction in (model.downscale, model.upscale):
        with pytest.raises(UsageError, match="both sizes"):
            direction(torch.rand(1, 3, 8, 8).double())


def test_there_are_two_far_stages():
    with pytest.raises(UsageError, match="two far stages"):
        IARN(IARNSettings(far=(StageSettings(),)))


def test_gradients_reach_every_weight():
    for small in ((20, 30), (30, 40)):
        model, hr = _network(disturbed=True), _smooth((47, 41))
        model.requires_grad_(True)
        placed = at(model, hr, small)
        placed.upscale(placed.split(hr).lr).square().mean().backward()
        used = "near" if small == (30, 40) else "fine"
        gradients = [p.grad for name, p in model.named_parameters() if name.startswith(used)]
        assert all(gradient is not None and gradient.abs().max() > 0 for gradient in gradients)


@pytest.mark.parametrize("scale", [1.1, 1.3, 1.5, 1.7, 1.9])
def test_the_left_inverse_undoes_resize(scale):
    picture = resize(torch.rand(1, 3, 32, 30, generator=torch.Generator().manual_seed(5)).double(), (96, 90))
    grid = 2 * round(96 / scale), 2 * round(90 / scale)
    back = undo_resize(resize(picture, grid), (96, 90))
    assert (back - picture).square().mean().sqrt() < 1e-3
    assert (back - picture).square().mean() < (resize(resize(picture, grid), (96, 90)) - picture).square().mean() / 100


def test_the_left_inverse_keeps_flat_areas_and_its_two_forms_agree():
    flat = torch.full((1, 1, 33, 21), 0.7, dtype=torch.float64)
    assert torch.allclose(undo_resize(flat, (23, 19)), flat[..., :23, :19], atol=1e-12)
    drawn = torch.rand(1, 1, 33, 21, dtype=torch.float64)
    dense = undo_resize(drawn.clone().requires_grad_(), (23, 19))
    assert torch.allclose(undo_resize(drawn, (23, 19)), dense, atol=1e-12)


def test_phases_lie_within_half_a_pixel():
    planes = position_planes((30, 40), (20, 40), torch.zeros(1))
    assert planes.shape == (1, 4, 20, 40)
    assert torch.allclose(planes[0, :2, 0, 0], torch.tensor([2 / 3, 1.0]))
    assert planes[:, 2].min() >= -0.5
    assert planes[:, 2].max() < 0.5
    assert planes[0, 2, :2, 0].tolist() == pytest.approx([0.25, -0.25])
    assert planes[:, 3].abs().max() < 1e-6


@pytest.mark.parametrize(("full", "small"), SIZES[2:])
@pytest.mark.parametrize("position", [True, False])
def test_with_symbols_nothing_is_lost_but_the_latent_either(full, small, position):
    model, hr = _network(disturbed=True, position=position, **SYMBOLS), _smooth(full, batch=2)
    placed = at(model, hr, small)
    parts = placed.split(hr)
    assert parts.planes.shape == (2, 1 if 2 * small[0] >= full[0] and 2 * small[1] >= full[1] else 2, *small)
    assert (placed.join(parts, parts.latent) - hr).abs().max() < 2e-4


@pytest.mark.parametrize(("full", "small"), SIZES[2:])
def test_the_pixels_embed_the_symbols_and_move_no_more_than_their_layout_allows(full, small):
    model, hr = _network(disturbed=True, **SYMBOLS), 0.25 + 0.5 * _smooth(full)
    placed = at(model, hr, small)
    parts = placed.split(hr)
    kept = placed.rounded(parts)
    lr, _ = placed.downscale(hr)
    assert torch.equal(kept.lr, lr)
    torch.testing.assert_close(placed.extract(lr), kept.planes)
    moved = (lr - parts.lr).abs().amax((0, 2, 3)) * 255
    steps = torch.tensor(placed.steps[:3])
    assert (moved <= steps / 2 + 0.01).all()
    assert steps[0] == (1 if full == (37, 53) else 4)
    torch.testing.assert_close(placed.upscale(lr), placed.join(kept))


@pytest.mark.parametrize(
    "bad",
    [
        {"presplit": True, "near_symbols": (Layout(1, (2,), (1, 1, 2)),)},
        {"presplit": False, "near_symbols": (Layout(2, (2,), (1, 1, 2)),)},
        {"presplit": False, "near_symbols": (Layout(1, (2,), (1, 1, 2)), Layout(2, (2, 2), (2, 2, 2)))},
        {"presplit": False, "far_symbols": (Layout(1, (9,), (2, 2, 2)),)},
    ],
)
def test_settings_that_contradict_each_other_are_refused(bad):
    with pytest.raises(UsageError):
        IARN(IARNSettings(**TINY, **bad))
