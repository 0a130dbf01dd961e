"""Haar, mixing, couplings and their chains undo themselves."""

import pytest
import torch

from samples import disturb
from unshrink.nn.augment import Augment
from unshrink.nn.coupling import Coupling, TwinCoupling
from unshrink.nn.haar import Haar, Mixing
from unshrink.nn.invertible import Chain
from unshrink.nn.subnets import build_subnet


def _subnet(inputs, outputs):
    return build_subnet("dense", inputs, outputs, width=6, depth=3)


LINKS = {
    "haar": lambda: Haar(),
    "mixing": lambda: Mixing(3),
    "affine": lambda: Chain([Haar(), Coupling(12, split=3, subnet=_subnet)]),
    "twin": lambda: Chain([Haar(), TwinCoupling(12, split=4, subnet=_subnet)]),
}


@pytest.mark.parametrize("name", LINKS)
@pytest.mark.parametrize(("dtype", "bound"), [(torch.float64, 1e-9), (torch.float32, 1e-4)])
def test_inverse_undoes_forward(name, dtype, bound):
    link = disturb(LINKS[name]()).to(dtype)
    x = torch.rand(2, 3, 12, 18, dtype=dtype, generator=torch.Generator().manual_seed(0))
    assert (link.inverse(link(x)) - x).abs().max() < bound
    y = torch.randn_like(link(x))
    assert (link(link.inverse(y)) - y).abs().max() < bound * 10


@pytest.mark.parametrize("name", ["affine", "twin"])
def test_without_gradients_the_state_is_changed_in_place_and_the_input_is_not(name, monkeypatch):
    monkeypatch.setattr("unshrink.nn.tiling.TILE_PIXELS", 1)  # strips of 16 rows, several of them
    chain = disturb(Chain([*LINKS[name]().links, *LINKS[name]().links[1:]])).double()
    x = torch.rand(2, 3, 96, 18, dtype=torch.float64)
    given = x.clone()
    y = chain(x).detach()
    kept = y.clone()
    with torch.no_grad():
        assert (chain(x) - y).abs().max() < 1e-12
        assert (chain.inverse(y) - given).abs().max() < 1e-9
    assert torch.equal(x, given)
    assert torch.equal(y, kept)


@pytest.mark.parametrize("name", ["affine", "twin"])
def test_with_gradients_the_forms_that_may_overwrite_are_the_plain_ones(name):
    chain = disturb(LINKS[name]()).double()
    x = torch.rand(1, 3, 8, 6, dtype=torch.float64, requires_grad=True)
    kept = x.detach().clone()
    for overwriting, plain in (
        (chain.forward_, chain),
        (lambda x: chain.inverse_(chain(x)), lambda x: chain.inverse(chain(x))),
    ):
        found, expected = (
            torch.autograd.grad(run(x).square().sum(), (x, *chain.parameters())) for run in (overwriting, plain)
        )
        assert all(torch.equal(a, b) for a, b in zip(found, expected, strict=True))
    assert torch.equal(x.detach(), kept)


def test_haar_in_place_is_haar():
    x = torch.rand(2, 3, 8, 6, dtype=torch.float64)
    bands = Haar()(x.clone().requires_grad_()).detach()
    assert (Haar().forward_(x) - bands).abs().max() < 1e-15
    assert (Haar().inverse_(bands.clone()) - x).abs().max() < 1e-15


def test_a_chain_that_only_drops_channels_leaves_its_input_alone():
    chain = Chain([Haar(), Augment(2)])
    y = torch.rand(1, 14, 4, 4)
    kept = y.clone()
    with torch.no_grad():
        chain.inverse(y)
    assert torch.equal(y, kept)


def test_haar_bands_of_one_square():
    a, b, c, d = 0.1, 0.5, 0.7, 0.9
    bands = Haar()(torch.tensor([[[[a, b], [c, d]]]], dtype=torch.float64)).flatten()
    expected = [(a + b + c + d) / 4, (a - b + c - d) / 4, (a + b - c - d) / 4, (a - b - c + d) / 4]
    assert torch.allclose(bands, torch.tensor(expected, dtype=torch.float64))


def test_haar_is_band_major_over_channels():
    x = torch.stack([torch.full((2, 2), value) for value in (0.25, 0.5, 0.75)])[None]
    bands = Haar()(x).flatten()
    assert bands.tolist() == [0.25, 0.5, 0.75] + [0.0] * 9


def test_mixing_starts_with_the_mean_first():
    x = torch.rand(1, 3, 6, 6)
    mean = torch.nn.functional.avg_pool2d(x, 3)
    assert torch.allclose(Mixing(3)(x)[:, :3], mean, atol=1e-6)


@pytest.mark.parametrize("coupling", [Coupling, TwinCoupling])
def test_a_fresh_coupling_is_the_identity(coupling):
    x = torch.randn(1, 12, 5, 7)
    assert torch.equal(coupling(12, split=3, subnet=_subnet)(x), x)


def test_the_coupling_follows_its_equations():
    link = disturb(Coupling(12, split=3, subnet=_subnet, clamp=0.7))
    x = torch.randn(1, 12, 5, 7)
    y1 = x[:, :3] + link.f(x[:, 3:])
    s = 0.7 * (2 * torch.sigmoid(link.h(y1)) - 1)
    y2 = x[:, 3:] * torch.exp(s) + link.g(y1)
    assert torch.allclose(link(x), torch.cat([y1, y2], 1), atol=1e-6)
