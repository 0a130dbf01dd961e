"""Reports to Markdown, and the command that does it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from unshrink.bench.published import published_rows
from unshrink.bench.table import main, render


def report(model: str, kind: str, scale: int, psnr: float, **more: Any) -> dict[str, Any]:
    figures = {
        "psnr_y": psnr,
        "ssim_y": 0.95,
        "lr_psnr_y": 40.125 if kind == "model" else None,
        "lr_bits_per_hr_pixel": 1.5,
    }
    return {
        "schema": 1,
        "kind": kind,
        "model": model,
        "scale": scale,
        "parameters": 1234567 if kind == "model" else 0,
        "sets": {"Set5": figures, "mine": figures},
        "published": published_rows(scale, ["Set5"]),
        **more,
    }


REPORTS = [
    report("bicubic", "baseline", 2, 33.68),
    report("lite-x4", "model", 4, 34.5),
    report("lite-x2", "model", 2, 42.5),
    report("jpeg", "baseline", 2, 38.0, equal_bytes_to="lite-x2"),
]


def test_models_then_baselines_then_papers_by_scale() -> None:
    text = render(REPORTS)
    names = [line.split("|")[1].strip() for line in text.splitlines() if line.startswith("|") and "---" not in line]
    two, four = names.index("Method"), names.index("Method", 1)
    assert names[two + 1 : two + 5] == ["**lite-x2**", "bicubic", "jpeg, bytes of lite-x2", "Bicubic (published)"]
    assert names[four + 1] == "**lite-x4**"
    assert "DLV-IRN-A, alpha not counted (published)" in names[:four]


def test_cells_hold_the_figures() -> None:
    lines = render(REPORTS).splitlines()
    assert "| **lite-x2** | 1,234,567 | 42.50 / 0.9500 | 42.50 / 0.9500 | 40.12 · 40.12 | 1.50 · 1.50 |" in lines
    assert "| bicubic | – | 33.68 / 0.9500 | 33.68 / 0.9500 | – | 1.50 · 1.50 |" in lines
    assert "| IRN (published) | – | 43.99 / 0.9871 | – | – | – |" in lines


def test_every_row_has_the_columns_of_its_head() -> None:
    assert {line.count("|") for line in render(REPORTS).splitlines() if line.startswith("|")} == {7}


def test_the_command_writes_the_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    paths = [tmp_path / f"{number}.json" for number in range(len(REPORTS))]
    for path, one in zip(paths, REPORTS, strict=True):
        path.write_text(json.dumps(one))
    assert main([str(path) for path in paths]) == 0
    assert capsys.readouterr().out == render(REPORTS)


@pytest.mark.parametrize("content", ["{", "[]", '{"schema": 99}', None])
def test_the_command_names_a_file_it_cannot_use(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str | None
) -> None:
    path = tmp_path / "report.json"
    if content is not None:
        path.write_text(content)
    assert main([str(path)]) == 3
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "report.json" in captured.err


def test_another_schema_is_refused() -> None:
    with pytest.raises(ValueError, match="schema 2"):
        render([{"schema": 2, "model": "x"}])
