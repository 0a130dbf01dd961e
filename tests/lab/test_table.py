"""Reports to Markdown, and the command that does it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from lab.table import main, render
from unshrink.evaluate.published import published_rows


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
    both = "42.50 / 0.9500 | 42.50 / 0.9500 | 40.12 · 40.12 | 1.50 · 1.50"
    assert f"| **lite-x2** | 1,234,567 | – | {both} | – | – | – |" in lines
    assert "| bicubic | – | – | 33.68 / 0.9500 | 33.68 / 0.9500 | – | 1.50 · 1.50 | – | – | – |" in lines
    assert "| IRN (published) | – | – | 43.99 / 0.9871 | – | – | – | – | – | – |" in lines


def test_the_card_tells_cost_and_work() -> None:
    card = {"multiply_adds_per_hr_pixel": 52_110.0, "cost": {"flops": 4.96e14, "share_of_paper": 0.000599}}
    lines = render([report("lite-x2", "model", 2, 42.5, card=card)]).splitlines()
    row = next(line for line in lines if line.startswith("| **lite-x2**"))
    assert row.startswith("| **lite-x2** | 1,234,567 | 104 | ")
    assert row.endswith(" | – | 5.0e+14 | 0.06 % |")


def test_payload_rows_are_marked_and_stand_after_the_others() -> None:
    with_payload = report("irn-a-x2", "model", 2, 41.0, payload="alpha")
    with_payload["sets"]["Set5"] = {**with_payload["sets"]["Set5"], "lr_bytes": 300, "payload_bytes": 100}
    weaker = report("irn-x2", "model", 2, 39.0, payload="none")
    lines = render([with_payload, report("lite-x2", "model", 2, 42.5), weaker]).splitlines()
    ours = [line for line in lines if line.startswith("| **")]
    assert [line.split(" | ")[0] for line in ours] == ["| **irn-x2**", "| **lite-x2**", "| **irn-a-x2** with alpha"]
    assert " | 1.50 · 1.50 | 0.50 · – | " in ours[2]


def test_any_scale_has_a_table_of_its_own() -> None:
    reports = [
        report("iarn", "model", 2, 42.0) | {"scale": [1.5, 3.0], "published": []},
        report("iarn", "model", 2, 42.0) | {"scale": 1.5, "published": published_rows(1.5, ["Set5"])},
        report("bicubic", "baseline", 2, 33.0) | {"scale": 2.5, "published": []},
    ]
    lines = [line for line in render([*REPORTS, *reports]).splitlines() if line]
    table = lines[next(i for i, line in enumerate(lines) if line.startswith("**Any scale")) + 1 :]
    assert [row.split(" | ")[:2] for row in table[2:]] == [
        ["| x1.5", "**iarn**"],
        ["| x1.5", "AIDN (published)"],
        ["| x1.5 by 3", "**iarn**"],
        ["| x2.5", "bicubic"],
    ]
    assert len({row.count("|") for row in table}) == 1


def test_every_row_has_the_columns_of_its_head() -> None:
    assert {line.count("|") for line in render(REPORTS).splitlines() if line.startswith("|")} == {11}


def test_the_command_writes_the_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    paths = [tmp_path / f"{number}.json" for number in range(len(REPORTS))]
    for path, one in zip(paths, REPORTS, strict=True):
        path.write_text(json.dumps(one))
    assert main([str(path) for path in paths]) == 0
    assert capsys.readouterr().out == render(REPORTS)


def test_only_the_newest_version_and_its_card_are_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    paths = []
    for version, psnr in (("v2", 42.5), ("v10", 43.5), ("v9", 41.5)):
        folder = tmp_path / "lite-x2" / version
        folder.mkdir(parents=True)
        paths.append(folder / "eval.json")
        paths[-1].write_text(json.dumps(report("lite-x2", "model", 2, psnr)))
        folder.joinpath("card.json").write_text(json.dumps({"cost": {"flops": 2e14, "share_of_paper": 0.5}}))
    assert main([str(path) for path in paths]) == 0
    written = capsys.readouterr().out
    assert "43.50" in written
    assert "2.0e+14 | 50 % |" in written
    assert not {"42.50", "41.50"} & set(written.split())


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
