"""The loop: every shipped recipe takes two steps; a stopped run goes on as if it had not stopped."""

import dataclasses
import json
import sys

import numpy as np
import pytest
import torch

from samples import save_soft_pictures
from unshrink.errors import UsageError, WeightsError
from unshrink.models import weights
from unshrink.models.irn import IRNSettings, LevelSettings
from unshrink.train import loop
from unshrink.train.cost import multiply_adds_per_pixel
from unshrink.train.recipe import PatchSettings, parse_recipe, read_recipe, recipe_names

SMALL = """
model: lite-x2
steps: 6
network: {levels: [{blocks: 1, width: 4, depth: 1, subnet: residual}]}
data: {batch: 2, patch: 16, synthetic: 0.1, holdout: 3}
objective: {latent_noise: 0, latent_weight: 0}
optimiser: {kind: muon, rate: 1e-2}
schedule: {warmup: 2}
"""


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    return save_soft_pictures(tmp_path_factory.mktemp("pictures"), 8, low=32, side=256)


def _state(folder):
    return torch.load(folder / "checkpoint.pt", weights_only=True)


@pytest.mark.parametrize("name", recipe_names())
def test_every_shipped_recipe_takes_two_steps(name, pictures, tmp_path):
    recipe = read_recipe(name)
    small = dataclasses.replace(recipe.data, batch=1, patch=48, holdout=0)
    loop.run(dataclasses.replace(recipe, steps=2, data=small), pictures, tmp_path)
    assert _state(tmp_path)["step"] == 2
    assert weights.load(recipe.model, path=tmp_path / "weights").model.settings == recipe.settings


def test_training_lowers_the_loss(pictures, tmp_path, monkeypatch):
    monkeypatch.setattr(loop, "LOG_STEPS", 1)
    recipe = dataclasses.replace(parse_recipe(SMALL.replace("synthetic: 0.1", "synthetic: 0")), steps=60)
    loop.run(recipe, pictures, tmp_path)
    rows = [line.split(",") for line in (tmp_path / "curve.csv").read_text().splitlines()[1:]]
    losses = [float(row[2]) for row in rows if row[2]]
    assert np.mean(losses[-15:]) < 0.9 * np.mean(losses[:5])


def test_a_stopped_run_goes_on_as_if_it_had_not(pictures, tmp_path):
    recipe = parse_recipe(SMALL)
    loop.run(recipe, pictures, tmp_path / "whole")
    flat = dataclasses.replace(recipe, schedule=dataclasses.replace(recipe.schedule, shape="steps"))
    loop.run(flat, pictures, tmp_path / "straight")
    loop.run(dataclasses.replace(flat, steps=3), pictures, tmp_path / "stopped")
    loop.run(flat, pictures, tmp_path / "stopped", resume=True)
    straight, stopped = _state(tmp_path / "straight"), _state(tmp_path / "stopped")
    for key in ("model", "average"):
        assert all(torch.equal(tensor, stopped[key][name]) for name, tensor in straight[key].items())


def test_a_run_tells_the_step_it_ended_at_and_what_it_could_not_draw(pictures, tmp_path, monkeypatch):
    recipe = parse_recipe(SMALL)
    monkeypatch.setitem(sys.modules, "unshrink.train.plot", None)  # as without matplotlib
    record = loop.run(dataclasses.replace(recipe, steps=3), pictures, tmp_path)
    assert record.summary().startswith("step 3, loss ")
    assert "unshrink[plots]" in record.lacking
    assert loop.run(recipe, pictures, tmp_path, resume=True).summary().startswith("step 6, loss ")
    assert loop.run(recipe, pictures, tmp_path, resume=True).summary().startswith("no step left to take")


def test_a_run_leaves_curve_plot_weights_and_record(pictures, tmp_path):
    loop.run(parse_recipe(SMALL), pictures, tmp_path)
    record = json.loads((tmp_path / "record.json").read_text())
    assert record["ended"]
    assert record["steps"] == 6
    assert record["flops"] > 0
    assert len(record["data_sha256"]) == 64
    assert record["validation"]["psnr_y"] > 10
    assert (tmp_path / "curve.png").read_bytes().startswith(b"\x89PNG")


def test_a_run_that_is_gone_on_with_keeps_what_it_began_with(pictures, tmp_path):
    loop.run(dataclasses.replace(parse_recipe(SMALL), steps=2), pictures, tmp_path / "first")
    recipe = dataclasses.replace(parse_recipe(SMALL), steps=3)
    loop.run(recipe, pictures, tmp_path / "second", start=[tmp_path / "first" / "weights"])
    loop.run(dataclasses.replace(recipe, steps=4), pictures, tmp_path / "second", resume=True)
    record = json.loads((tmp_path / "second" / "record.json").read_text())
    assert [run["steps"] for run in record["before"]] == [2]
    assert record["steps"] == 4


def test_time_bounds_a_run(pictures, tmp_path):
    recipe = dataclasses.replace(parse_recipe(SMALL), steps=10**9)
    loop.run(recipe, pictures, tmp_path, max_time=1.0)
    assert 0 < _state(tmp_path)["step"] < 10**5


def test_a_run_is_not_overwritten(pictures, tmp_path):
    loop.run(parse_recipe(SMALL), pictures, tmp_path)
    with pytest.raises(UsageError, match="--resume"):
        loop.run(parse_recipe(SMALL), pictures, tmp_path)


def test_a_checkpoint_of_another_recipe_is_refused(pictures, tmp_path):
    loop.run(parse_recipe(SMALL), pictures, tmp_path)
    other = parse_recipe(SMALL.replace("width: 4", "width: 3"))
    with pytest.raises(WeightsError, match="does not fit"):
        loop.run(other, pictures, tmp_path, resume=True)


def test_a_folder_without_pictures_is_told(tmp_path):
    with pytest.raises(UsageError, match="no pictures"):
        loop.run(parse_recipe(SMALL), tmp_path, tmp_path / "out")


def test_pictures_smaller_than_a_patch_are_told(pictures, tmp_path):
    recipe = dataclasses.replace(parse_recipe(SMALL), data=PatchSettings(batch=1, patch=512, holdout=0))
    with pytest.raises(UsageError, match="smaller patches"):
        loop.run(recipe, pictures, tmp_path)


def test_a_pause_counts_as_one_lap(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(loop.time, "monotonic", lambda: now[0])
    clock = loop.Clock()
    for _ in range(10):
        now[0] += 1.0
        assert clock.lap() == 1.0
    now[0] += 3600.0
    assert clock.lap() == 1.0


def test_the_cost_of_the_papers_network():
    model = loop.states.build(loop.states.get("irn-x2"), settings=IRNSettings((LevelSettings(),)))
    kernels = sum(p.numel() for p in model.parameters() if p.ndim == 4)
    assert multiply_adds_per_pixel(model) == kernels / 4


def test_a_run_can_begin_with_the_weights_of_another(pictures, tmp_path):
    first, second = tmp_path / "first", tmp_path / "second"
    loop.run(parse_recipe(SMALL), pictures, first)
    recipe = dataclasses.replace(parse_recipe(SMALL), steps=1)
    still = dataclasses.replace(recipe.optimiser, rate=0.0, adam_rate=0.0)
    loop.run(dataclasses.replace(recipe, optimiser=still), pictures, second, start=[first / "weights"])
    ended, begun = _state(first)["average"], _state(second)["model"]
    assert all(torch.equal(tensor, begun[key]) for key, tensor in ended.items())
    assert json.loads((second / "record.json").read_text())["before"][0]["steps"] == 6


def test_weights_of_another_network_are_no_start(pictures, tmp_path):
    loop.run(parse_recipe(SMALL), pictures, tmp_path / "first")
    other = parse_recipe(SMALL.replace("width: 4", "width: 3"))
    with pytest.raises(WeightsError, match="wider"):
        loop.run(other, pictures, tmp_path / "second", start=[tmp_path / "first" / "weights"])
