"""Reversible back-propagation gives autograd's gradients and keeps almost nothing."""

import pytest
import torch

from samples import at, disturb
from unshrink.models.irn import IRN, IRNSettings, LevelSettings
from unshrink.train import loop
from unshrink.train.recipe import parse_recipe

LEVELS = {
    "dense": (LevelSettings(blocks=3, width=4, depth=2), LevelSettings(blocks=2, width=4, depth=2)),
    "twin": (LevelSettings(blocks=4, width=6, depth=1, subnet="residual", coupling="twin"),),
    "augmented": (LevelSettings(blocks=4, width=6, depth=1, subnet="residual", coupling="twin", augment=3),),
    "deep": (LevelSettings(width=4, depth=2), LevelSettings(width=4, depth=2)),  # the paper's number of couplings
    "mixing": (LevelSettings(factor=3, blocks=2, width=4, depth=2),),
}


def _net(name, recompute):
    torch.manual_seed(0)
    model = disturb(IRN(IRNSettings(LEVELS[name])))
    model.chain.recompute = recompute
    return model


def _loss(model, hr):
    placed = at(model, hr)
    parts = placed.split(hr)
    restored = placed.join(placed.rounded(parts))
    return (restored - hr).abs().mean() + parts.lr.square().mean() + 0.1 * parts.latent.square().mean()


def _gradients(name, recompute, hr):
    model = _net(name, recompute)
    _loss(model, hr).backward()
    return {key: parameter.grad for key, parameter in model.named_parameters()}


@pytest.mark.parametrize("name", LEVELS)
def test_gradients_equal_autograds(name):
    hr = torch.rand(2, 3, 24, 24, generator=torch.Generator().manual_seed(1))
    plain, recomputed = _gradients(name, False, hr), _gradients(name, True, hr)
    for key, gradient in plain.items():
        assert (recomputed[key] - gradient).norm() <= 1e-4 * gradient.norm(), key


def test_the_gradient_of_the_input_is_autograds():
    x = torch.rand(1, 3, 8, 8)
    given = [x.clone().requires_grad_() for _ in range(2)]
    for recompute, hr in zip((False, True), given, strict=True):
        at(_net("twin", recompute), hr).split(hr).lr.square().sum().backward()
    assert torch.allclose(given[0].grad, given[1].grad, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("name", ["dense", "twin"])
def test_a_fraction_is_kept(name):
    hr = torch.rand(1, 3, 48, 48)

    def kept(recompute):
        bytes_kept = {}

        def pack(tensor):
            bytes_kept[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
            return tensor

        model = _net(name, recompute)
        weights = {parameter.untyped_storage().data_ptr() for parameter in model.parameters()}
        with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
            _loss(model, hr)
        return sum(size for place, size in bytes_kept.items() if place not in weights)

    assert kept(True) < kept(False) / 4


def test_a_recipe_can_ask_for_it():
    text = "model: lite-x2\nrecompute: true\n"
    state = loop.states.start(parse_recipe(text), torch.device("cpu"))
    assert state.model.chain.recompute
