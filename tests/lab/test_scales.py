"""The protocol at scales that are no whole number, the curve over scale, and cycles."""

import json
from pathlib import Path

import pytest
import torch

from lab import cycles, position, scales
from lab.baselines import evaluate_bicubic
from unshrink.errors import UsageError
from unshrink.evaluate.models import evaluate
from unshrink.evaluate.protocol import border_of, lr_size_at, multiple_of, plain_scale
from unshrink.models.iarn import IARN
from unshrink.models.iarn_settings import IARNSettings, StageSettings
from unshrink.models.weights import write_weights


@pytest.fixture
def fresh(tmp_path: Path) -> Path:
    """Bicubic both ways, as a network."""
    torch.manual_seed(0)
    model = IARN(IARNSettings(StageSettings(1, 4), (StageSettings(1, 4), StageSettings(1, 4))))
    write_weights(model, "iarn", tmp_path / "weights")
    return tmp_path / "weights"


def test_what_a_scale_asks_for():
    assert [multiple_of(scale) for scale in (2, 3.0, 2.5, (1.5, 3.0))] == [2, 3, 12, 12]
    assert [border_of(scale) for scale in (2, 2.5, (1.5, 3.0))] == [2, 3, 3]
    assert lr_size_at((48, 36), (1.5, 3.0)) == (32, 12)
    assert [plain_scale(scale) for scale in (2.0, 2.5, (1.5, 3.0))] == [2, 2.5, [1.5, 3.0]]


@pytest.mark.parametrize("scale", [2.5, (1.5, 3.0)])
def test_a_fresh_network_scores_as_bicubic(pictures, fresh, scale):
    ours, bicubic = evaluate("iarn", [pictures], scale=scale, weights=fresh), evaluate_bicubic(scale, [pictures])
    assert ours["scale"] == bicubic["scale"] == plain_scale(scale)
    figures, baseline = ours["sets"]["toys"], bicubic["sets"]["toys"]
    assert figures["psnr_y"] == pytest.approx(baseline["psnr_y"], abs=0.01)
    assert ours["protocol"]["border_pixels"] == 3
    assert figures["per_image"][1]["height"] == 48


def test_a_model_of_any_scale_needs_one(pictures, fresh):
    with pytest.raises(UsageError, match="at which"):
        evaluate("iarn", [pictures], weights=fresh)
    with pytest.raises(UsageError, match="has scale 2"):
        evaluate("lite-x2", [pictures], scale=2.5)


def test_the_curve_holds_every_system(pictures, fresh, tmp_path, monkeypatch):
    monkeypatch.setattr(scales, "default_scales", lambda: [2])
    report = scales.measure_curve("iarn", [pictures], scales=(1.5, (1.5, 3.0)), weights=fresh)
    systems = [point["system"] for point in report["points"]]
    assert systems == ["iarn", "iarn", "bicubic", "bicubic", "stream-x2"]
    assert report["points"][1]["scale"] == [1.5, 3.0]
    scales.plot_curve(report, tmp_path / "curve.png")
    assert (tmp_path / "curve.png").read_bytes().startswith(b"\x89PNG")


def test_cycles_fall_and_are_tabled(pictures, fresh, tmp_path):
    report = cycles.measure_cycles("iarn", [pictures], scale=2.5, weights=fresh, cycles=3)
    figures = report["sets"]["toys"]
    assert len(figures) == 3
    assert figures[0] > figures[1] > figures[2] > 10
    table = cycles.render([report]).splitlines()
    assert table[0] == "| Model | scale | toys, 1 | toys, 2 |"
    assert table[2].startswith("| iarn | 2.5 |")
    with pytest.raises(UsageError, match="different sets"):
        cycles.render([report, {**report, "sets": {}}])


def test_a_network_that_looks_at_position_restores_otherwise_without(pictures, tmp_path):
    torch.manual_seed(0)
    stage = StageSettings(1, 4)
    model = IARN(IARNSettings(stage, (stage, stage), presplit=False))
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter), alpha=0.01)
    write_weights(model, "iarn", tmp_path / "seeing")
    report = position.measure_position("iarn", [pictures], scales=(1.5, (1.5, 3.0)), weights=tmp_path / "seeing")
    figures = [point["psnr_y"]["toys"] for point in report["points"]]
    assert [point["told"] for point in report["points"]] == [told for told in position.KNOWN for _ in range(2)]
    assert len(set(figures)) == 6
    for head in position._heads(model):
        torch.nn.init.zeros_(head.weight[:, -4:])
    write_weights(model, "iarn", tmp_path / "blind")
    report = position.measure_position("iarn", [pictures], scales=(1.5,), weights=tmp_path / "blind")
    assert len({point["psnr_y"]["toys"] for point in report["points"]}) == 1


def test_only_planes_that_are_read_are_left_out(pictures, fresh):
    with pytest.raises(UsageError, match="position planes"):
        position.measure_position("iarn", [pictures], weights=fresh)


def test_the_command_writes_json(pictures, fresh, tmp_path):
    out = tmp_path / "cycles.json"
    assert cycles.main([str(out), str(pictures), "--model", "iarn", "--weights", str(fresh)]) == 0
    assert json.loads(out.read_text())["kind"] == "cycles"
    nowhere = str(tmp_path / "nowhere")
    assert cycles.main([str(out), nowhere, "--model", "iarn", "--weights", str(fresh)]) == UsageError.exit_code
