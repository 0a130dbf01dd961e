"""Markdown tables from the JSON of evaluations and baselines: ``python -m unshrink.bench.table FILE...``."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from unshrink.bench.measure import SCHEMA, Report
from unshrink.errors import UnreadableInputError, UnshrinkError

_NOTHING = "–"


def render(reports: Sequence[Report]) -> str:
    """One Markdown table per scale: our models, the baselines, then the papers' figures for the same sets.

    A set's column holds Y-PSNR in dB / SSIM; "LR" is the LR against bicubic, "bits" are bits of file per HR pixel, both
    set by set. Papers report neither. Raises ``ValueError`` for a report of another schema.
    """
    for report in reports:
        if report.get("schema") != SCHEMA:
            raise ValueError(f"the report on {report.get('model')} has schema {report.get('schema')}, not {SCHEMA}")
    scales = sorted({report["scale"] for report in reports})
    return "\n".join(_section(scale, [report for report in reports if report["scale"] == scale]) for scale in scales)


def main(arguments: Sequence[str] | None = None) -> int:
    """Read the files named on the command line, write the table to standard output; 0, or 3 for an unreadable file."""
    parser = argparse.ArgumentParser(prog="python -m unshrink.bench.table", description="Results as a Markdown table.")
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="JSON written by `unshrink eval --json`")
    chosen = parser.parse_args(arguments)
    try:
        text = render([read_report(path) for path in chosen.files])
    except UnshrinkError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    sys.stdout.write(text)
    return 0


def read_report(path: Path) -> Report:
    """The report in a JSON file; raises UnreadableInputError where it is none, or of another schema."""
    try:
        report = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UnreadableInputError(f"{path} cannot be read as JSON ({error}); give files from eval --json.") from error
    if not isinstance(report, dict) or report.get("schema") != SCHEMA:
        raise UnreadableInputError(f"{path} is not a report of schema {SCHEMA}; make it again with eval --json.")
    return report


def _section(scale: int, reports: Sequence[Report]) -> str:
    sets = list(dict.fromkeys(name for report in reports for name in report["sets"]))
    head = ["Method", "Parameters", *sets, "LR", "bits"]
    ordered = sorted(reports, key=lambda report: report["kind"] != "model")
    rows = [_measured_row(report, sets) for report in ordered] + _published_table(reports, sets)
    lines = [f"**x{scale}** ({', '.join(sets)})", "", _line(head), _line(["---"] + ["---:"] * (len(head) - 1))]
    return "\n".join([*lines, *map(_line, rows), ""])


def _measured_row(report: Report, sets: Sequence[str]) -> list[str]:
    found = [report["sets"].get(name, {}) for name in sets]
    name = f"**{report['model']}**" if report["kind"] == "model" else report["model"]
    if "equal_bytes_to" in report:
        name += f", bytes of {report['equal_bytes_to']}"
    parameters = f"{report['parameters']:,}" if report["parameters"] else _NOTHING
    fidelity = _each(found, lambda figures: _number(figures.get("lr_psnr_y"), 2))
    bits = _each(found, lambda figures: _number(figures.get("lr_bits_per_hr_pixel"), 2))
    return [name, parameters, *map(_quality, found), fidelity, bits]


def _published_table(reports: Sequence[Report], sets: Sequence[str]) -> list[list[str]]:
    """One row per system, in the order of the papers; where two papers differ, the first named counts."""
    figures: dict[str, dict[str, dict[str, Any]]] = {}
    for row in (row for report in reports for row in report["published"]):
        label = row["system"] + ("" if row["payload"] == "none" else f", {row['payload']} not counted")
        figures.setdefault(label, {}).setdefault(row["set"].casefold(), row)
    return [
        [
            f"{label} (published)",
            _NOTHING,
            *(_quality(found.get(name.casefold(), {})) for name in sets),
            *[_NOTHING] * 2,
        ]
        for label, found in figures.items()
    ]


def _quality(figures: dict[str, Any]) -> str:
    psnr, ssim = _number(figures.get("psnr_y"), 2), _number(figures.get("ssim_y"), 4)
    return _NOTHING if psnr == ssim == _NOTHING else f"{psnr} / {ssim}"


def _each(found: Iterable[dict[str, Any]], show: Callable[[dict[str, Any]], str]) -> str:
    shown = [show(figures) for figures in found]
    return " · ".join(shown) if set(shown) != {_NOTHING} else _NOTHING


def _number(value: float | None, digits: int) -> str:
    return _NOTHING if value is None else f"{value:.{digits}f}"


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


if __name__ == "__main__":
    sys.exit(main())
