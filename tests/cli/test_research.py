from __future__ import annotations

import json
from pathlib import Path

import pytest

from unshrink.models import registry


def test_models_json_is_the_registry(call):
    result = call("models", "--json")
    assert result.code == 0
    listed = {model["name"]: model for model in result.json["models"]}
    assert list(listed) == registry.names()
    keys = {"name", "method", "scale", "payload", "parameters", "default", "weights", "paper", "licence", "dial"}
    assert all(set(model) == keys for model in listed.values())
    assert listed["irn-x4"]["parameters"] == 4_355_136
    for scale in (2, 4):
        assert [m["name"] for m in listed.values() if m["default"] and m["scale"] == scale] == [
            registry.default_for(scale).name
        ]


def test_recipes_are_those_that_train_takes(call):
    from unshrink.train.recipe import read_recipe, recipe_names

    listed = call("recipes", "--json").json["recipes"]
    assert [recipe["name"] for recipe in listed] == recipe_names()
    for recipe in listed:
        read = read_recipe(recipe["name"])
        assert (recipe["model"], recipe["start"]) == (read.model, list(read.start))
    text = call("recipes").text
    assert "irn-q-x4             irn-q-x4       lite-x4              IRN-Q at x4" in text


def test_models_for_people(call):
    text = call("models").text
    for name in registry.names():
        assert name in text
    assert "1,667,952" in text


@pytest.fixture
def sets(draw):
    """Two test sets of one picture each."""
    draw("SetA/one.png", (48, 60))
    draw("SetB/two.png", (50, 48), "L")


def evaluate(call, weights, *arguments: str):
    return call("eval", "irn-q-x4", "SetA", "SetB", "--weights", weights[4], *arguments)


@pytest.mark.parametrize("flag", [["--json"], ["--json", "-"], ["--json", "--quiet"]])
def test_eval_prints_the_report(call, sets, weights, flag):
    result = evaluate(call, weights, *flag)
    assert (result.code, result.err) == (0, "")
    report = result.json
    assert (report["model"], report["scale"], len(report["weights"])) == ("irn-q-x4", 4, 64)
    assert report["parameters"] == registry.parameters(registry.get("irn-q-x4"))
    assert list(report["sets"]) == ["SetA", "SetB"]
    keys = {"psnr_y", "ssim_y", "lr_psnr_y", "lr_ssim_y", "lr_bytes", "hr_png_bytes", "images"}
    assert all(keys <= set(figures) for figures in report["sets"].values())


def test_eval_measures_without_exact_blocks_unless_asked(call, sets, weights):
    bare, exact = (evaluate(call, weights, "--json", "-", *flag).json for flag in ([], ["--exact-blocks"]))
    assert bare["protocol"]["exact_blocks"].startswith("left out")
    assert exact["protocol"]["exact_blocks"].startswith("carried")
    for key in ("lr_bytes", "payload_bytes"):
        assert bare["sets"]["SetA"][key] < exact["sets"]["SetA"][key]


def test_eval_writes_the_report_and_prints_a_table(call, sets, weights, tmp_path):
    result = evaluate(call, weights, "--json", "report.json")
    assert result.code == 0
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["sets"]["SetB"]["images"] == 1
    assert "SetA" in result.text
    assert f"{report['sets']['SetA']['psnr_y']:.2f}" in result.text
    again = evaluate(call, weights, "--json", "report.json")
    assert (again.code, again.out) == (2, b"")
    assert evaluate(call, weights, "--json", "report.json", "--overwrite").code == 0


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (["eval", "irn-q-x44", "SetA"], "did you mean 'irn-q-x4'?"),
        (["eval", "irn-q-x4"], "Missing argument"),
        (["eval", "irn-q-x4", "SetA", "--jsno"], "Did you mean --json?"),
        (["train", "irn-q-x4", "--data", "SetA"], "--out"),
        (["train", "irn-q-x4", "--data", "SetA", "--out", "run", "--max-time", "5y"], "90m"),
        (["train", "irn-q-x4", "--data", "SetA", "--out", "run", "--resum"], "Did you mean --resume?"),
        (["train", "no-such-recipe.yaml", "--data", "SetA", "--out", "run"], "no-such-recipe.yaml"),
    ],
)
def test_wrong_use_gets_one_sentence(call, sets, tmp_path, arguments, part):
    result = call(*arguments)
    assert (result.code, result.out) == (2, b"")
    assert part in result.err
    assert result.err.count("\n") == 1
    assert not (tmp_path / "run").exists()


def test_eval_of_a_folder_that_is_none(call, weights):
    result = call("eval", "irn-q-x4", "nowhere", "--weights", weights[4])
    assert (result.code, result.out) == (2, b"")
    assert "nowhere is not a folder" in result.err


def test_a_mistyped_recipe_names_its_neighbour(call, sets):
    from unshrink.train.recipe import recipe_names

    recipe = recipe_names()[0]
    result = call("train", recipe + "q", "--data", "SetA", "--out", "run")
    assert result.code == 2
    assert f"did you mean {recipe!r}?" in result.err


def test_train_passes_everything_on(call, monkeypatch):
    seen = {}

    class Record:
        lacking = "curve.png is not drawn"

        def summary(self) -> str:
            return "loss 1"

    def run(recipe, data, out, *, max_time, resume, start, progress):
        seen.update(recipe=recipe.model, data=data, out=out, max_time=max_time, resume=resume, start=start)
        progress(1, 10, "loss 2")
        return Record()

    monkeypatch.setattr("unshrink.train.run", run)
    arguments = ("train", "irn-q-x4", "--data", "pictures", "--out", "run", "--max-time", "1h30m", "--resume")
    arguments += ("--start", "other/weights")
    Path("other/weights").mkdir(parents=True)
    result = call(*arguments, "--json")
    assert result.code == 0
    assert "curve.png is not drawn" in result.err
    assert seen == {
        "recipe": "irn-q-x4",
        "data": Path("pictures"),
        "out": Path("run"),
        "max_time": 5400.0,
        "resume": True,
        "start": [Path("other/weights")],
    }
    (entry,) = result.json["results"]
    assert entry == {"recipe": "irn-q-x4", "out": "run", "weights": "run/weights", "summary": "loss 1"}
    assert call(*arguments).text == "irn-q-x4: loss 1; weights in run/weights\n"
