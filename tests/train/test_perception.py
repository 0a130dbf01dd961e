"""The objective with a dial: what sigma turns up and down, and that a stopped run goes on the same."""

import dataclasses
import itertools
from importlib.util import find_spec

import numpy as np
import pytest
import torch
from PIL import Image

from unshrink.errors import UsageError
from unshrink.models.irn import IRN, IRNSettings, LevelSettings
from unshrink.train import loop, state
from unshrink.train.objective import measure_losses
from unshrink.train.perceptual import Perception, perception_for
from unshrink.train.recipe import ObjectiveSettings, parse_recipe

needs_weights = pytest.mark.skipif(
    find_spec("stlpips_pytorch") is None, reason="the extra 'perceptual' is not installed"
)
DIAL = ObjectiveSettings(reduction="mean", latent_weight=0.0, sigmas=(0.0, 0.5, 1.0))
RUN = """
model: irn-sigma-x4
steps: 6
network: {latent_unit: 0.01, levels: [{blocks: 1, width: 4, depth: 1, subnet: residual}]}
data: {batch: 1, patch: 16, holdout: 0}
objective: {latent_weight: 0, sigmas: [0, 0.5, 1], adversarial_weight: 0.1, adversarial_after: 2}
schedule: {shape: steps}
"""


def _measure(settings, seed, perceive=None):
    torch.manual_seed(0)
    level = LevelSettings(blocks=1, width=4, depth=1, subnet="residual")
    model = IRN(IRNSettings((level,), latent_unit=0.01))
    hr = torch.rand(2, 3, 8, 8, generator=torch.Generator().manual_seed(3))
    guide = torch.nn.functional.avg_pool2d(hr, 2)
    return measure_losses(model, hr, guide, settings, torch.Generator().manual_seed(seed), perceive)


def _apart(hr, restored):
    return (hr - restored).square().mean() + 1.0


def test_sigma_shares_the_loss_out():
    found = {}
    for seed in range(30):
        losses = _measure(DIAL, seed, _apart)
        whole = (1 - losses.sigma) * losses.reconstruction + 4 * losses.guide + losses.perceptual
        assert losses.total.item() == pytest.approx(whole.item(), rel=1e-5)
        found[losses.sigma] = losses
    assert set(found) == {0.0, 0.5, 1.0}
    assert found[0.0].perceptual == 0
    assert 0.5 < found[0.5].perceptual < 1.0 < found[1.0].perceptual


def test_the_floor_is_what_stays_of_the_reconstruction():
    settings = dataclasses.replace(DIAL, sigma_floor=0.1)
    for seed in range(10):
        losses = _measure(settings, seed, _apart)
        share = {0.0: 1.0, 0.5: 0.55, 1.0: 0.1}[losses.sigma]
        whole = share * losses.reconstruction + 4 * losses.guide + losses.perceptual
        assert losses.total.item() == pytest.approx(whole.item(), rel=1e-5)


def test_sigma_is_the_deviation_of_what_is_drawn():
    losses = (_measure(DIAL, seed) for seed in range(30))
    by_sigma = {found.sigma: found.restored for found in losses}
    half, whole = ((by_sigma[sigma] - by_sigma[0.0]).std().item() for sigma in (0.5, 1.0))
    assert whole == pytest.approx(2 * half, rel=0.2)
    assert 0.005 < whole < 0.05


def test_sigma_follows_the_seed():
    drawn = [[_measure(DIAL, seed).sigma for seed in range(20)] for _ in range(2)]
    assert drawn[0] == drawn[1]


def test_without_a_dial_every_term_counts_in_full():
    settings = dataclasses.replace(DIAL, sigmas=(), reconstruction_weight=0.25)
    losses = _measure(settings, 0, _apart)
    whole = 0.25 * losses.reconstruction + 4 * losses.guide + losses.perceptual
    assert losses.sigma is None
    assert losses.total.item() == pytest.approx(whole.item(), rel=1e-5)


def test_the_critic_is_heard_after_its_lessons():
    judge = Perception(ObjectiveSettings(adversarial_weight=2.0, adversarial_after=3))
    hr, restored = torch.rand(2, 1, 3, 16, 16)
    assert judge.loss(hr, restored, step=2) == 0
    assert judge.loss(hr, restored, step=3).item() == pytest.approx(2 * np.log(2), abs=0.1)


def test_an_objective_without_perceptual_terms_needs_nothing():
    assert perception_for(ObjectiveSettings()) is None


@needs_weights
def test_the_distance_is_weighted_and_reaches_the_restoration():
    judge = Perception(ObjectiveSettings(perceptual_weight=3.0))
    hr, restored = torch.rand(1, 3, 32, 32), torch.rand(1, 3, 32, 32, requires_grad=True)
    loss = judge.loss(hr, restored, step=0)
    loss.backward()
    assert loss.item() == pytest.approx(3 * judge.distance(hr, restored).item(), rel=1e-5)
    assert restored.grad.abs().sum() > 0


def test_without_the_extra_training_says_so(monkeypatch):
    def missing(name):
        raise UsageError("install unshrink[perceptual]")

    monkeypatch.setattr("unshrink.train.perceptual.load_distance", missing)
    with pytest.raises(UsageError, match="perceptual"):
        state.start(parse_recipe(RUN.replace("adversarial_weight", "perceptual_weight")), torch.device("cpu"))


def test_a_stopped_run_goes_on_with_its_critic(tmp_path):
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8)
    Image.fromarray(noise).save(pictures / "noise.png")
    recipe = parse_recipe(RUN)
    loop.run(recipe, pictures, tmp_path / "straight")
    loop.run(dataclasses.replace(recipe, steps=3), pictures, tmp_path / "stopped")
    loop.run(recipe, pictures, tmp_path / "stopped", resume=True)
    files = [tmp_path / name / "checkpoint.pt" for name in ("straight", "stopped")]
    straight, stopped = (torch.load(file, weights_only=True) for file in files)
    pairs = [(straight[key], stopped[key]) for key in ("model", "average")]
    pairs.append((straight["critic"]["critic"], stopped["critic"]["critic"]))
    for one, other in itertools.chain.from_iterable(zip(a.values(), b.values(), strict=True) for a, b in pairs):
        assert torch.equal(one, other)
