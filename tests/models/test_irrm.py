"""IRRM: exactly invertible with and without its skips, its reach, its budgets, its gradients."""

import pytest
import torch

from samples import at, disturb
from unshrink.models import registry
from unshrink.models.irrm import IRRM, IRRMSettings, ModuleSettings
from unshrink.nn import tiling
from unshrink.nn.haar import Haar
from unshrink.nn.precision import use_subnet_dtype
from unshrink.nn.residual_block import BlockShape, EnhancedBlock, InvertibleResidualBlock, ResidualDownscaling
from unshrink.settings import plain, read_settings
from unshrink.train.cost import multiply_adds_per_pixel

SMALL = ModuleSettings(blocks=2, width=6, scale_width=4)
SKIPS = [(True, True), (True, False), (False, True), (False, False)]


def _model(*modules, long_skip=True, short_skip=True):
    torch.manual_seed(0)
    return disturb(IRRM(IRRMSettings(modules or (SMALL,), long_skip=long_skip, short_skip=short_skip)))


@pytest.mark.parametrize(("long_skip", "short_skip"), SKIPS)
@pytest.mark.parametrize(("dtype", "bound"), [(torch.float64, 1e-9), (torch.float32, 1e-4)])
def test_inverse_undoes_forward_and_the_other_way_round(long_skip, short_skip, dtype, bound):
    model = _model(SMALL, SMALL, long_skip=long_skip, short_skip=short_skip).to(dtype)
    x = torch.rand(2, 3, 16, 24, dtype=dtype)
    chain = model.chain
    state = chain(x)
    assert (chain.inverse(state) - x).abs().max() < bound
    other = torch.cat([torch.rand_like(state[:, :3]), torch.randn_like(state[:, 3:])], dim=1)
    off = (chain(chain.inverse(other)) - other).abs()
    assert off[:, :3].max() < bound
    assert off[:, 3:].max() < 10 * bound


@pytest.mark.parametrize(("long_skip", "short_skip"), SKIPS)
def test_reach_is_what_is_read_and_no_more(long_skip, short_skip):
    model = _model(long_skip=long_skip, short_skip=short_skip).double()
    middle = model.reach // 2 + 3
    lr = torch.rand(1, 3, 2 * middle + 1, 2 * middle + 1, dtype=torch.float64, requires_grad=True)
    model.upscale(lr)[..., 2 * middle, 2 * middle].sum().backward()
    rows = lr.grad.abs().sum((0, 1, 3)).nonzero().flatten()
    furthest = max(middle - int(rows.min()), int(rows.max()) - middle)
    assert model.reach / 2 < 2 * furthest <= model.reach


def test_the_long_skip_codes_what_the_kept_band_does_not_predict():
    shape = BlockShape(width=6, scale_width=4, depth=1, skip=True, bypass=True)
    module = disturb(ResidualDownscaling(3, low=3, blocks=1, shape=shape))
    x = torch.rand(1, 3, 12, 12)
    bands, out = module.blocks[0](Haar()(x)), module(x)
    assert torch.equal(out[:, :3], bands[:, :3])
    assert torch.allclose(out[:, 3:] + module.predict(out[:, :3]), bands[:, 3:], atol=1e-6)


def test_the_block_follows_its_equations():
    shape = BlockShape(width=6, scale_width=4, depth=1, skip=True, bypass=True)
    block = disturb(InvertibleResidualBlock(12, low=3, shape=shape, clamp=0.7))
    x = torch.randn(1, 12, 5, 7)
    scale = 0.7 * (2 * torch.sigmoid(block.h(x[:, :3])) - 1)
    high = x[:, 3:] * scale.exp() + block.g(x[:, :3])
    assert torch.allclose(block(x), torch.cat([x[:, :3] + block.f(high), high], 1), atol=1e-6)


@pytest.mark.parametrize("skip", [True, False])
def test_an_enhanced_block_passes_its_features_on_only_with_its_skip(skip):
    block = EnhancedBlock(3, 2, width=5, skip=skip)
    with torch.no_grad():
        block.tail.weight.normal_()
        for conv in block.pairs[0].children():
            conv.weight.zero_()
    assert bool(block(torch.rand(1, 3, 8, 8)).count_nonzero()) == skip


def test_with_its_bypass_a_block_does_not_see_the_brightness():
    x = torch.rand(1, 3, 12, 12, dtype=torch.float64)
    block = disturb(EnhancedBlock(3, 2, width=5, bypass=True)).double()
    assert torch.allclose(block(x), block(x + 0.25), atol=1e-12)
    assert not torch.allclose(block(x), block(1.5 * x), atol=1e-3)


@pytest.mark.parametrize("short_skip", [True, False])
def test_every_weight_learns(short_skip):
    model = _model(SMALL, SMALL, short_skip=short_skip)
    parts = at(model, torch.rand(1, 3, 16, 16)).split(torch.rand(1, 3, 16, 16))
    (model.upscale(parts.lr).square().mean() + parts.lr.square().mean()).backward()
    assert all(parameter.grad is not None and parameter.grad.any() for parameter in model.parameters())


def test_narrowed_and_in_strips_it_gives_nearly_the_same(monkeypatch):
    model, hr = _model(), torch.rand(1, 3, 80, 16)
    with torch.inference_mode():
        whole = at(model, hr).split(hr).lr
        monkeypatch.setattr(tiling, "TILE_PIXELS", 1)
        assert (at(model, hr).split(hr).lr - whole).abs().max() < 1e-5
        use_subnet_dtype(model, torch.bfloat16)
        narrowed = at(model, hr).split(hr).lr
    assert narrowed.dtype == torch.float32
    assert 0 < (narrowed - whole).abs().max() < 0.05


def test_settings_survive_json():
    settings = IRRMSettings((SMALL, ModuleSettings()), long_skip=False)
    assert read_settings(IRRMSettings, plain(settings)) == settings


@pytest.mark.parametrize(("size", "millions"), [("s", 1.1), ("m", 2.6), ("l", 4.4)])
def test_the_sizes_keep_to_their_budget(size, millions):
    assert registry.parameters(registry.get(f"irrm-{size}-x4")) == pytest.approx(millions * 1e6, rel=0.04)


def test_the_medium_one_costs_less_than_half_of_irn():
    ours, irn = (registry.build(registry.get(name)) for name in ("irrm-m-x4", "irn-x4"))
    assert multiply_adds_per_pixel(ours) < 0.5 * multiply_adds_per_pixel(irn)
