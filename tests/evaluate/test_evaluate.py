"""Evaluation of a model through written files; it is untrained, a plain Haar cascade, so its figures are known."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
import torch

from unshrink.errors import UnknownNameError, WeightsError
from unshrink.evaluate import evaluate
from unshrink.evaluate.measure import Report
from unshrink.evaluate.models import shown
from unshrink.files.picture import Picture, read_picture
from unshrink.metrics.quality import psnr_rgb
from unshrink.models.registry import build, get, parameters
from unshrink.models.weights import write_weights

NAME = "lite-x2"


@pytest.fixture
def untrained(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    write_weights(build(get(NAME)), NAME, tmp_path / "weights")
    return tmp_path / "weights"


@pytest.fixture
def report(pictures: Path, untrained: Path) -> Report:
    return evaluate(NAME, [pictures], weights=untrained)


def test_the_report_says_what_was_measured(report: Report, untrained: Path) -> None:
    assert report["kind"] == "model"
    assert report["model"] == NAME
    assert report["scale"] == 2
    assert report["weights"] == hashlib.sha256((untrained / "model.safetensors").read_bytes()).hexdigest()
    assert report["parameters"] == parameters(get(NAME))
    assert {"method", "payload", "protocol", "published", "schema", "writer"} <= set(report)
    json.dumps(report, allow_nan=False)


def test_every_figure_of_a_set_is_there(report: Report) -> None:
    figures = report["sets"]["toys"]
    assert figures["images"] == len(figures["per_image"]) == 2
    for name in ("psnr_y", "psnr_rgb", "lr_psnr_y"):
        assert 15 < figures[name] < 60
    for name in ("ssim_y", "lr_ssim_y"):
        assert 0.5 < figures[name] < 1
    assert 0 < figures["payload_bytes"] < figures["lr_bytes"] < figures["hr_png_bytes"]


def test_figures_are_those_of_the_haar_cascade(report: Report, pictures: Path) -> None:
    rgb = read_picture(pictures / "b.png").rgb[:50]
    mean = rgb.astype(float).reshape(25, 2, 35, 2, 3).mean(axis=(1, 3))
    restored = np.round(mean).astype(np.uint8).repeat(2, axis=0).repeat(2, axis=1)
    row = report["sets"]["toys"]["per_image"][1]
    assert (row["name"], row["height"], row["width"]) == ("b.png", 50, 70)
    assert row["psnr_rgb"] == pytest.approx(psnr_rgb(rgb, restored, 2), abs=0.05)


def test_nothing_is_left_behind(
    pictures: Path, untrained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    before = sorted(pictures.iterdir())
    evaluate(NAME, [pictures], weights=untrained)
    assert list(scratch.iterdir()) == []
    assert sorted(pictures.iterdir()) == before


def test_restoring_reads_the_written_file(pictures: Path, untrained: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is lost in the file is lost in the figures: here, everything but a flat grey."""
    from unshrink.rescale import Small

    def flat(self: Small, path: Path) -> None:
        from dataclasses import replace

        grey = replace(self.lrfile.picture, rgb=np.full_like(self.lrfile.picture.rgb, 128))
        real(Small(replace(self.lrfile, picture=grey)), path)

    real = Small.save
    monkeypatch.setattr(Small, "save", flat)
    figures = evaluate(NAME, [pictures], weights=untrained)["sets"]["toys"]
    assert figures["psnr_y"] < 20
    assert figures["lr_psnr_y"] < 20


def test_refuses_unknown_models_and_missing_weights(pictures: Path, tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="lite-x2"):
        evaluate("lite-xx2", [pictures])
    with pytest.raises(WeightsError):
        evaluate(NAME, [pictures], weights=tmp_path)


@pytest.mark.parametrize("carrier", ["chunk", "alpha"])
def test_a_payload_is_counted_and_what_viewers_show_is_measured(carrier: str, pictures: Path, tmp_path: Path) -> None:
    torch.manual_seed(0)
    write_weights(build(get("irn-a-x2")), "irn-a-x2", tmp_path / "auxiliary")
    measured = evaluate("irn-a-x2", [pictures], weights=tmp_path / "auxiliary", carrier=carrier)
    figures = measured["sets"]["toys"]
    assert measured["protocol"]["carrier"] == carrier
    assert figures["payload_bytes"] > 35 * 25
    if carrier == "chunk":
        assert "white_psnr" not in figures
    else:
        assert 3 < figures["white_psnr"] < 20
        assert 3 < figures["black_psnr"] < 20


def test_composited_over_white_and_black() -> None:
    rgb = np.full((2, 2, 3), 100, dtype=np.uint8)
    half = shown(Picture(rgb=rgb, alpha=np.full((2, 2), 51, dtype=np.uint8)))
    assert half["white_psnr"] == pytest.approx(psnr_rgb(rgb, np.full_like(rgb, 224)))
    assert half["black_psnr"] == pytest.approx(psnr_rgb(rgb, np.full_like(rgb, 20)))
    assert shown(Picture(rgb=rgb)) == {}
    assert shown(Picture(rgb=rgb, alpha=np.full((2, 2), 255, dtype=np.uint8)))["white_psnr"] is None
