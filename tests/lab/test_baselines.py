"""Bicubic must reproduce the published figures; codecs must keep to their bytes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from lab.baselines import CODECS, classic_bicubic_psnr, codecs, evaluate_bicubic, evaluate_codec
from unshrink.errors import UnknownNameError, UsageError
from unshrink.evaluate.published import published

FIGURES = [("Set5", 2), ("Set5", 4), ("Set14", 2), ("Set14", 4), ("BSD100", 2), ("BSD100", 4)]


def printed(name: str, scale: int) -> float:
    rows = [row for row in published() if (row.system, row.set, row.scale) == ("Bicubic", name, scale)]
    assert len(rows) == 1
    assert rows[0].psnr_y is not None
    return rows[0].psnr_y


@pytest.mark.parametrize(("name", "scale"), FIGURES)
def test_the_literatures_bicubic_is_reproduced(eval_set: Callable[[str], Path], name: str, scale: int) -> None:
    # Printed with two decimals, so half a hundredth is lost; Set14 x2 is 30.23 here.
    assert classic_bicubic_psnr(scale, eval_set(name)) == pytest.approx(printed(name, scale), abs=0.01)


@pytest.mark.parametrize(("name", "scale"), [("Set5", 2), ("Set5", 4), ("Set14", 2), ("BSD100", 4)])
def test_bicubic_through_files_is_within_two_hundredths(eval_set: Callable[[str], Path], name: str, scale: int) -> None:
    figures = evaluate_bicubic(scale, [eval_set(name)])["sets"][name]
    assert round(abs(round(figures["psnr_y"], 2) - printed(name, scale)), 2) <= 0.02
    assert figures["lr_psnr_y"] is None


def test_bicubic_report_has_the_models_schema(pictures: Path) -> None:
    report = evaluate_bicubic(2, [pictures])
    assert {"kind", "model", "method", "scale", "weights", "parameters", "payload", "protocol", "sets"} <= set(report)
    figures = report["sets"]["toys"]
    assert figures["lr_ssim_y"] == pytest.approx(1)
    assert 0 < figures["lr_bytes"] < figures["hr_png_bytes"]
    assert 20 < figures["psnr_y"] < 60


@pytest.mark.parametrize("codec", CODECS)
def test_codecs_use_the_bytes_they_are_given_and_no_more(pictures: Path, codec: str) -> None:
    if codec not in codecs():
        pytest.skip(f"this Pillow was built without {codec}")
    rival = evaluate_bicubic(2, [pictures])
    report = evaluate_codec(codec, rival, [pictures])
    assert report["equal_bytes_to"] == "bicubic"
    for row, budget in zip(report["sets"]["toys"]["per_image"], rival["sets"]["toys"]["per_image"], strict=True):
        assert row["name"] == budget["name"]
        assert row["lr_bytes"] <= row["budget_bytes"] == budget["lr_bytes"]
        assert row["over_budget"] is False
        assert 1 <= row["quality"] <= 100
        assert row["psnr_y"] > 20
        assert row["lr_psnr_y"] is None


def test_more_bytes_give_a_better_jpeg(pictures: Path) -> None:
    rival = evaluate_bicubic(2, [pictures])
    for row in rival["sets"]["toys"]["per_image"]:
        row["lr_bytes"] //= 2
    less = evaluate_codec("jpeg", rival, [pictures])["sets"]["toys"]
    more = evaluate_codec("jpeg", evaluate_bicubic(2, [pictures]), [pictures])["sets"]["toys"]
    assert less["psnr_y"] < more["psnr_y"]
    assert less["lr_bytes"] < more["lr_bytes"]


def test_a_budget_that_no_quality_meets_is_said(pictures: Path) -> None:
    rival = evaluate_bicubic(2, [pictures])
    for row in rival["sets"]["toys"]["per_image"]:
        row["lr_bytes"] = 10
    rows = evaluate_codec("jpeg", rival, [pictures])["sets"]["toys"]["per_image"]
    assert [(row["quality"], row["over_budget"]) for row in rows] == [(1, True), (1, True)]


def test_refuses_unknown_codecs_and_reports_on_other_pictures(pictures: Path) -> None:
    rival = evaluate_bicubic(2, [pictures])
    with pytest.raises(UnknownNameError, match="jpeg"):
        evaluate_codec("jpg", rival, [pictures])
    rival["sets"]["toys"]["per_image"].pop()
    with pytest.raises(UsageError, match=r"no figures of .*b\.png"):
        evaluate_codec("jpeg", rival, [pictures])
