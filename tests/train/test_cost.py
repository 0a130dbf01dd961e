"""What training costs, and what of a network it leaves as it is."""

import dataclasses

import numpy as np
import pytest
import torch
from PIL import Image

from unshrink.data.patches import PatchSettings
from unshrink.models import registry, weights
from unshrink.train import run
from unshrink.train.cost import multiply_adds_per_pixel, training_flops
from unshrink.train.recipe import parse_recipe

DATA = PatchSettings(batch=3, patch=64)


def test_a_step_is_both_directions_forward_and_twice_backward():
    model = registry.build(registry.get("lite-x2"))
    pixels = 3 * 64 * 64
    assert training_flops(model, DATA) == 2 * 3 * 2 * multiply_adds_per_pixel(model) * pixels


def test_the_encoder_of_a_payload_is_counted():
    model = registry.build(registry.get("irn-m-x2"))
    pixels = 3 * 64 * 64
    assert training_flops(model, DATA) > 2 * 3 * 2 * multiply_adds_per_pixel(model) * pixels


RECIPE = """
model: lite-x2
steps: 3
network: {levels: [{blocks: 1, width: 4, depth: 1, subnet: residual, coupling: twin}]}
data: {batch: 1, patch: 16, holdout: 0}
optimiser: {kind: muon, rate: 1e-2}
"""


@pytest.mark.parametrize("kind", ["muon", "adam"])
def test_what_is_frozen_stays_and_the_rest_learns(kind, tmp_path):
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8)).save(tmp_path / "p.png")
    recipe = parse_recipe(RECIPE)
    for name, steps in (("before", 1), ("after", 3)):
        optimiser = dataclasses.replace(recipe.optimiser, kind=kind, frozen=("chain.links.1.f",))
        run(dataclasses.replace(recipe, steps=steps, optimiser=optimiser), tmp_path, tmp_path / name)
    before, after = (
        weights.load("lite-x2", path=tmp_path / name / "weights").model.state_dict() for name in ("before", "after")
    )
    changed = {key for key in before if not torch.equal(before[key], after[key])}
    frozen = {key for key in before if key.startswith("chain.links.1.f")}
    assert frozen
    assert changed
    assert not changed & frozen
