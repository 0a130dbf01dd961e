"""Markdown tables from the JSON of evaluations and baselines: `python -m lab.table FILE...`."""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from lab.command import answer
from unshrink.errors import UnreadableInputError
from unshrink.evaluate.measure import SCHEMA, Report

_NOTHING = "–"


def render(reports: Sequence[Report]) -> str:
    """Markdown: a table for each fixed scale, then one for all reports of any-scale networks and what is beside them.

    In each our models come first, then the baselines, then the papers' figures for the same sets. A set's column holds
    Y-PSNR in dB / SSIM; "LR" is the LR against bicubic; bits are of the whole file, and of the payload alone, per HR
    pixel, set by set. Cost and FLOPs come from the report's `card`; papers report neither, nor LR and bits. Raises
    `ValueError` for a report of another schema.
    """
    for report in reports:
        if report.get("schema") != SCHEMA:
            raise ValueError(f"the report on {report.get('model')} has schema {report.get('schema')}, not {SCHEMA}")
    fixed = [report for report in reports if isinstance(report["scale"], int)]
    free = [report for report in reports if not isinstance(report["scale"], int)]
    scales = sorted({report["scale"] for report in fixed})
    sections = [_section(f"x{scale}", [row for row in fixed if row["scale"] == scale]) for scale in scales]
    return "\n".join(sections + ([_free_section(free)] if free else []))


def main(arguments: Sequence[str] | None = None) -> int:
    """Read the files named on the command line, write the table to standard output; 0, or 3 for an unreadable file."""
    parser = argparse.ArgumentParser(prog="python -m lab.table", description="Results as a Markdown table.")
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="JSON written by `unshrink eval --json`")
    chosen = parser.parse_args(arguments)
    return answer(lambda: _tell([read_report(path) for path in newest(chosen.files)]))


def _tell(reports: Sequence[Report]) -> None:
    sys.stdout.write(render(reports))


def newest(paths: Sequence[Path]) -> list[Path]:
    """The paths without those in a folder "v1", "v2", ... that has a later one beside it with the same file in it."""
    latest = {(path.parent.parent, path.name): path for path in sorted(paths, key=_version)}
    return [path for path in paths if _version(path) < 0 or latest[path.parent.parent, path.name] == path]


def read_report(path: Path) -> Report:
    """The report in a JSON file, with the `card` that lies beside it where there is one.

    Raises UnreadableInputError where it is no report, or of another schema.
    """
    report = _read_json(path)
    if report.get("schema") != SCHEMA or "sets" not in report:
        raise UnreadableInputError(f"{path} is not a report of schema {SCHEMA}; make it again with eval --json.")
    card = path.with_name("card.json")
    return {**report, "card": _read_json(card)} if card.is_file() else report


def _read_json(path: Path) -> dict[str, Any]:
    try:
        entry = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UnreadableInputError(f"{path} cannot be read as JSON ({error}); give files from eval --json.") from error
    return entry if isinstance(entry, dict) else {}


def _version(path: Path) -> int:
    name = path.parent.name
    return int(name[1:]) if re.fullmatch(r"v\d+", name) else -1


def _section(title: str, reports: Sequence[Report]) -> str:
    sets = _sets(reports)
    rows = [_measured_row(report, sets) for report in sorted(reports, key=_rank)] + _published_table(reports, sets)
    return _table(f"**{title}** ({', '.join(sets)})", _head(sets), rows)


def _free_section(reports: Sequence[Report]) -> str:
    """As the others, with the scale in front, and one row after the other by scale."""
    sets = _sets(reports)
    rows = []
    for scale in sorted({_pair(report["scale"]) for report in reports}):
        same = [report for report in reports if _pair(report["scale"]) == scale]
        shown = f"x{scale[0]:g}" if scale[0] == scale[1] else f"x{scale[0]:g} by {scale[1]:g}"
        listed = [_measured_row(report, sets) for report in sorted(same, key=_rank)] + _published_table(same, sets)
        rows += [[shown, *row] for row in listed]
    return _table(f"**Any scale, height by width** ({', '.join(sets)})", ["Scale", *_head(sets)], rows)


def _pair(scale: float | Sequence[float]) -> tuple[float, float]:
    """Along height and along width."""
    if isinstance(scale, int | float):
        return float(scale), float(scale)
    return float(scale[0]), float(scale[1])


def _head(sets: Sequence[str]) -> list[str]:
    costs = ["training FLOPs", "of the paper's"]
    return ["Method", "Parameters", "GFLOPs per MP", *sets, "LR", "bits", "payload bits", *costs]


def _table(title: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    return "\n".join([title, "", _line(head), _line(["---"] + ["---:"] * (len(head) - 1)), *map(_line, rows), ""])


def _sets(reports: Sequence[Report]) -> list[str]:
    return list(dict.fromkeys(name for report in reports for name in report["sets"]))


def _rank(report: Report) -> tuple[bool, bool, float]:
    """Models before baselines, those without a payload first, the weaker before the better; stable for the rest."""
    if report["kind"] != "model":
        return True, False, 0.0
    figures = [row["psnr_y"] for row in report["sets"].values() if row.get("psnr_y") is not None]
    return False, _payload(report) != "none", figures[0] if figures else 0.0


def _payload(report: Report) -> str:
    return str(report.get("payload") or "none")


def _measured_row(report: Report, sets: Sequence[str]) -> list[str]:
    found = [report["sets"].get(name, {}) for name in sets]
    fidelity = _each(found, lambda figures: _number(figures.get("lr_psnr_y"), 2))
    bits = _each(found, lambda figures: _number(figures.get("lr_bits_per_hr_pixel"), 2))
    beside = _each(found, _payload_bits) if _payload(report) != "none" else _NOTHING
    return [_name(report), *_size(report), *map(_quality, found), fidelity, bits, beside, *_cost(report)]


def _name(report: Report) -> str:
    name = f"**{report['model']}**" if report["kind"] == "model" else str(report["model"])
    if _payload(report) != "none":
        name += f" with {_payload(report)}"
    carrier = report.get("protocol", {}).get("carrier", "chunk")
    if carrier not in ("none", "chunk"):
        name += f", carrier {carrier}"
    return f"{name}, bytes of {report['equal_bytes_to']}" if "equal_bytes_to" in report else name


def _size(report: Report) -> list[str]:
    """Parameters, and what a restoration costs: 2 operations a multiply-add, 1e6 HR pixels."""
    adds = report.get("card", {}).get("multiply_adds_per_hr_pixel")
    parameters = report.get("parameters")
    return [f"{parameters:,}" if parameters else _NOTHING, _number(adds and adds * 2e6 / 1e9, 0)]


def _cost(report: Report) -> list[str]:
    cost = report.get("card", {}).get("cost", {})
    flops, share = cost.get("flops"), cost.get("share_of_paper")
    return [f"{flops:.1e}" if flops else _NOTHING, f"{100 * share:.2g} %" if share else _NOTHING]


def _payload_bits(figures: dict[str, Any]) -> str:
    """The file's bits, times the payload's share of its bytes."""
    bits, whole, beside = (figures.get(key) for key in ("lr_bits_per_hr_pixel", "lr_bytes", "payload_bytes"))
    return _NOTHING if bits is None or not whole or beside is None else f"{bits * beside / whole:.2f}"


def _published_table(reports: Sequence[Report], sets: Sequence[str]) -> list[list[str]]:
    """One row per system, in the order of the papers; where two papers differ, the first named counts."""
    figures: dict[str, dict[str, dict[str, Any]]] = {}
    for row in (row for report in reports for row in report["published"]):
        label = row["system"] + ("" if row["payload"] == "none" else f", {row['payload']} not counted")
        figures.setdefault(label, {}).setdefault(row["set"].casefold(), row)
    return [
        [
            f"{label} (published)",
            *[_NOTHING] * 2,
            *(_quality(found.get(name.casefold(), {})) for name in sets),
            *[_NOTHING] * 5,
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
