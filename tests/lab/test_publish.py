"""Trained weights go into the zoo with their card."""

import json

import pytest
import torch

from lab import rivals
from lab.publish import _paper_flops, _runs, main, measure_again, publish
from lab.table import render
from samples import save_soft_pictures
from unshrink.errors import UnreadableInputError
from unshrink.models import registry, weights
from unshrink.train import run


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pictures") / "SetA"
    folder.mkdir()
    return save_soft_pictures(folder, 2, low=16, side=128)


@pytest.fixture(scope="module")
def trained(pictures, tmp_path_factory):
    out = tmp_path_factory.mktemp("run")
    recipe = out / "r.yaml"
    recipe.write_text("model: lite-x2\nsteps: 2\ndata: {batch: 1, patch: 32, holdout: 0}\n")
    run(recipe, pictures, out / "out")
    return out / "out"


def test_versions_count_up_and_load(trained, pictures, tmp_path):
    first, second = (publish(trained, [pictures], data="noise", zoo=tmp_path) for _ in range(2))
    assert (first.name, second.name) == ("v1", "v2")
    loaded = weights.load("lite-x2", path=first)
    tensors = torch.load(trained / "checkpoint.pt", weights_only=True)["average"]
    for key, tensor in loaded.model.state_dict().items():
        assert torch.equal(tensor, tensors[key].half().float())


def test_the_card_says_cost_data_and_figures(trained, pictures, tmp_path):
    target = publish(trained, [pictures], data="two pictures of noise", zoo=tmp_path)
    card = json.loads((target / "card.json").read_text())
    assert card["parameters"] == registry.parameters(registry.get("lite-x2"))
    assert 0 < card["cost"]["share_of_paper"] < 1e-6
    assert card["sets"]["SetA"]["images"] == 2
    text = (target / "README.md").read_text()
    assert "two pictures of noise" in text
    assert f"{card['sets']['SetA']['psnr_y']:.2f}" in text
    assert "lite-x2" in render([json.loads((target / "eval.json").read_text())])


def test_figures_are_measured_again_and_nothing_else_changes(trained, pictures, tmp_path):
    target = publish(trained, [pictures], data="toys", zoo=tmp_path)
    before = json.loads((target / "card.json").read_text())
    (target / "card.json").write_text(json.dumps({**before, "sets": {}}))
    assert measure_again(before["model"], [pictures], tmp_path) == target
    after = json.loads((target / "card.json").read_text())
    assert after == before


def test_a_run_that_two_others_began_with_costs_once():
    first = {"recipe": "first", "steps": 5}
    others = [{"recipe": name, "steps": 1, "before": [first]} for name in ("near", "far")]
    runs = _runs({"recipe": "last", "steps": 2, "before": others})
    assert [run["recipe"] for run in runs] == ["first", "near", "far", "last"]


def test_a_folder_without_a_run_is_told(pictures, tmp_path, capsys):
    with pytest.raises(UnreadableInputError, match=r"record\.json"):
        publish(tmp_path, [pictures], data="", zoo=tmp_path)
    assert main([str(tmp_path), str(pictures), "--data", "x"]) == 3
    assert "record.json" in capsys.readouterr().err


def test_rivals_are_measured_at_the_models_bytes(trained, pictures, tmp_path):
    target = publish(trained, [pictures], data="noise", zoo=tmp_path / "zoo")
    (tmp_path / "out").mkdir()
    assert rivals.main([str(target / "eval.json"), str(tmp_path / "out"), str(pictures)]) == 0
    reports = {path.stem: json.loads(path.read_text()) for path in (tmp_path / "out").iterdir()}
    ours = json.loads((target / "eval.json").read_text())["sets"]["SetA"]["lr_bytes"]
    assert reports["bicubic-x2"]["kind"] == "baseline"
    assert 0.3 * ours < reports["jpeg-x2"]["sets"]["SetA"]["lr_bytes"] <= ours


def test_the_papers_cost_counts_for_every_scale_of_its_networks():
    """More levels cost more; x3 works on a grid of a ninth of the pixels, the others on a quarter of them."""
    three, two, four, eight = (_paper_flops(scale) for scale in (3, 2, 4, 8))
    assert 1e17 < three < two < four < eight
