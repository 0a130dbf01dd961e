"""Studies: read strictly, planned at equal cost, trained once, continued, rendered."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lab import ablation
from lab.ablation_page import read_results, render_page
from lab.study import flops_of_a_step, parse_study, plan, read_study, seeds_of, study_names, trace
from samples import save_soft_pictures
from unshrink.errors import UnknownNameError, UnreadableInputError, UsageError
from unshrink.train import run
from unshrink.train.recipe import read_recipe

TINY = """
title: A tiny study
budget: 6e6
recipe: lite-x2
changes:
  network: {levels: [{blocks: 1, width: 4, depth: 1, subnet: residual, coupling: twin}]}
  data: {batch: 1, patch: 16, synthetic: 0, holdout: 3}
  schedule: {warmup: 0}
variants:
  - name: plain
    text: As it is
    seeds: [0, 1]
  - name: alpha
    changes:
      model: irn-a-x2
      network: {levels: [{blocks: 1, width: 4, subnet: residual, coupling: twin}], split: post}
  - name: longer
    start: plain
    share: 0.5
"""


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_soft_pictures(tmp_path_factory.mktemp("pictures"), 4, low=32, side=240)


@pytest.fixture(scope="module")
def done(pictures: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[ablation.Places, list[ablation.Result]]:
    folder = tmp_path_factory.mktemp("study")
    places = ablation.Places(pictures, folder / "out", folder / "results")
    return places, list(ablation.run_study(parse_study(TINY, name="tiny"), places))


@pytest.mark.parametrize("name", study_names())
def test_every_shipped_study_costs_the_same_all_along(name: str) -> None:
    study = read_study(name)
    for variant in study.variants:
        recipe = plan(study, variant, 7)
        cost = recipe.steps * flops_of_a_step(recipe.model, recipe.settings, recipe.data)
        assert recipe.seed == 7
        assert cost == pytest.approx(variant.share * study.budget, rel=0.02)
        assert sum(stage.share for stage in trace(study, variant)) <= 1 + 1e-9


def test_tables_are_merged_and_a_model_brings_its_own_network() -> None:
    study = parse_study(TINY, name="tiny")
    plain, alpha, _ = (plan(study, variant, 0) for variant in study.variants)
    assert plain.data.patch == alpha.data.patch == 16
    assert plain.objective == read_recipe("lite-x2").objective  # untouched
    assert alpha.settings.split == "post"
    assert alpha.settings.start == "none"  # the registry's
    assert seeds_of(study, study.variants[0]) == (0, 1)


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ("title:", "titel:", "titel"),
        ("    seeds: [0, 1]", "    sead: 1", "sead"),
        ("patch: 16", "patsch: 16", "patsch"),
        ("split: post", "spilt: post", "spilt"),
        ("start: plain", "start: plan", "plan"),
        ("start: plain", "start: longer", "starts from itself"),
        ("name: alpha", "name: plain", "same name"),
        ("recipe: lite-x2", "recipe: lite-x9", "lite-x9"),
        ("title: A", "title: [", "valid YAML"),
    ],
)
def test_a_mistake_is_named(old: str, new: str, named: str) -> None:
    with pytest.raises(UsageError, match=named):
        parse_study(TINY.replace(old, new), name="tiny")


def test_a_study_that_is_not_there_is_named() -> None:
    with pytest.raises(UnknownNameError, match="dlv"):
        read_study("dvl")
    with pytest.raises(UsageError, match="no study file"):
        read_study("nowhere.yaml")


def test_each_variant_and_seed_is_judged(done: tuple[ablation.Places, list[ablation.Result]]) -> None:
    places, results = done
    assert [(result["variant"], result["seed"]) for result in results] == [
        ("plain", 0),
        ("plain", 1),
        ("alpha", 0),
        ("longer", 0),
    ]
    stored = read_results(places.results, "tiny")["results"]
    assert stored == json.loads(json.dumps(results))
    plain, other, alpha, longer = stored
    assert plain["validation"]["psnr_y"] > 20
    assert plain["validation"] != other["validation"]
    assert "payload_bits_per_hr_pixel" not in plain
    assert 0 < alpha["payload_bits_per_hr_pixel"] < alpha["lr_bits_per_hr_pixel"]
    assert plain["flops"] < longer["flops"] < 2 * plain["flops"]


def test_what_is_known_is_not_trained_again(
    done: tuple[ablation.Places, list[ablation.Result]], monkeypatch: pytest.MonkeyPatch
) -> None:
    places, _ = done
    monkeypatch.setattr(ablation, "run", None)
    assert list(ablation.run_study(parse_study(TINY, name="tiny"), places)) == []


def test_what_was_interrupted_goes_on_and_what_changed_is_done_again(
    done: tuple[ablation.Places, list[ablation.Result]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    places, results = done
    study = parse_study(TINY, name="tiny")
    elsewhere = ablation.Places(places.data, places.out, tmp_path)
    again = next(iter(ablation.run_study(study, elsewhere, only="plain")))
    assert again == results[0]  # from the folder of the run

    called = []
    monkeypatch.setattr(ablation, "run", lambda *a, **k: called.append(a) or run(*a, **k))
    changed = parse_study(TINY.replace("split: post", "split: pre"), name="tiny")
    assert [result["variant"] for result in ablation.run_study(changed, places)] == ["alpha"]
    assert len(called) == 1
    kept = [entry["variant"] for entry in read_results(places.results, "tiny")["results"]]
    assert kept == ["plain", "plain", "alpha", "longer"]


BEGUN = """
title: Begun with what is shipped
budget: 3e7
recipe: lite-x2
changes:
  data: {batch: 1, patch: 16, synthetic: 0, holdout: 3}
variants:
  - name: fresh
  - name: begun
    begin: [lite-x2/v1]
"""


def test_a_variant_may_begin_with_shipped_weights(pictures: Path, tmp_path: Path) -> None:
    places = ablation.Places(pictures, tmp_path / "out", tmp_path / "results")
    fresh, begun = ablation.run_study(parse_study(BEGUN, name="begun"), places)
    assert begun["steps"] == fresh["steps"]
    assert begun["validation"]["psnr_y"] > fresh["validation"]["psnr_y"] + 1
    assert list(ablation.run_study(parse_study(BEGUN, name="begun"), places)) == []
    changed = parse_study(BEGUN.replace("x2/v1", "x2/v2"), name="begun")
    assert [result["begin"] for result in ablation.run_study(changed, places)] == [["lite-x2/v2"]]


def test_an_unknown_variant_is_named(done: tuple[ablation.Places, list[ablation.Result]]) -> None:
    with pytest.raises(UnknownNameError, match="alpha"):
        list(ablation.run_study(parse_study(TINY, name="tiny"), done[0], only="alfa"))


def test_the_page_holds_tables_and_prose(done: tuple[ablation.Places, list[ablation.Result]]) -> None:
    folder = done[0].results
    (folder / "ablations-intro.md").write_text("Before.")
    (folder / "ablation-tiny.md").write_text("What follows from it.")
    text = render_page(folder, ["tiny", "absent"])
    assert text.startswith("# Ablations\n\nBefore.")
    assert text.rstrip().endswith("What follows from it.")
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert len(rows) == 2 + 3
    assert len({row.count("|") for row in rows}) == 1
    assert "| As it is | 2 |" in text
    assert " to " in rows[2]
    assert " to " not in rows[3]


def test_damaged_results_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "ablation-dlv.json").write_text("{")
    with pytest.raises(UnreadableInputError, match=r"ablation-dlv\.json"):
        read_results(tmp_path, "dlv")
    (tmp_path / "ablation-dlv.json").write_text('{"kind": "model"}')
    assert ablation.main(["--table", "--results", str(tmp_path)]) == 3
    assert "ablation-dlv.json" in capsys.readouterr().err


def test_the_command_trains_plans_and_renders(
    pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    study = tmp_path / "mine.yaml"
    study.write_text(TINY)
    places = ["--out", str(tmp_path / "out"), "--results", str(tmp_path / "results")]
    assert ablation.main([str(study), "--plan"]) == 0
    assert "alpha" in capsys.readouterr().out
    assert ablation.main([str(study), "--data", str(pictures), *places, "--only", "longer"]) == 0
    assert "mine longer seed 0" in capsys.readouterr().out
    assert (tmp_path / "results" / "ablation-mine.json").is_file()
    assert ablation.main(["--table", "--results", str(tmp_path / "results")]) == 0
    assert capsys.readouterr().out.startswith("# Ablations")
    with pytest.raises(SystemExit):
        ablation.main([])
