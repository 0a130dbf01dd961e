"""Measure the baselines beside a model: `python -m lab.rivals REPORT.json OUT_FOLDER SET_FOLDER...`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from lab.baselines import codecs, evaluate_bicubic, evaluate_codec
from lab.command import answer, write_json
from lab.table import read_report
from unshrink.evaluate.measure import Report


def measure_rivals(report: Report, folders: Sequence[Path]) -> dict[str, Report]:
    """Bicubic both ways at the report's scale, and every codec at the bytes of its LR files; by file name."""
    scale = report["scale"]
    rivals = {f"bicubic-x{scale}": evaluate_bicubic(scale, folders)}
    for codec in codecs():
        rivals[f"{codec}-x{scale}"] = evaluate_codec(codec, report, folders)
    return rivals


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; 0, or the error's exit code."""
    parser = argparse.ArgumentParser(prog="python -m lab.rivals", description=__doc__)
    parser.add_argument("report", type=Path, metavar="REPORT.json", help="written by `unshrink eval --json`")
    parser.add_argument("out", type=Path, metavar="OUT_FOLDER")
    parser.add_argument("folders", nargs="+", type=Path, metavar="SET_FOLDER")
    chosen = parser.parse_args(arguments)

    def work() -> None:
        for name, rival in measure_rivals(read_report(chosen.report), chosen.folders).items():
            slim = {key: {k: v for k, v in row.items() if k != "per_image"} for key, row in rival["sets"].items()}
            write_json(chosen.out / f"{name}.json", {**rival, "sets": slim})

    return answer(work)


if __name__ == "__main__":
    sys.exit(main())
