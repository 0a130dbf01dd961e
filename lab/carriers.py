"""What carriers of a plane beside the picture cost: `python -m lab.carriers Set5/`, into docs/carriers.md.

Each row is a report of `unshrink eval NAME DIR --carrier CARRIER`.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from lab.command import answer
from lab.pages import fill, markdown_table
from unshrink.evaluate import evaluate
from unshrink.evaluate.measure import Report
from unshrink.models.zoo import find

MODEL = "irn-qa-x2"
CARRIERS = ("chunk", "alpha", "floor:128", "floor:192", "floor:224")
PAGE = Path("docs/carriers.md")
HEADS = ["carrier", "PSNR-Y", "over white", "over black", "small picture", "of that header and payload"]


def measure_carriers(name: str, folder: Path, carriers: Sequence[str] = CARRIERS) -> str:
    """Markdown: what was measured, and a row for each carrier."""
    rows = [_row(carrier, evaluate(name, [folder], carrier=carrier)) for carrier in carriers]
    weights = find(name)
    head = f"`{name}` {weights.version}, weights {weights.digest[:12]}, on {folder.resolve().name}:"
    return f"{head}\n\n{markdown_table(HEADS, rows)}"


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; 0, or the error's exit code."""
    parser = argparse.ArgumentParser(prog="python -m lab.carriers", description=__doc__)
    parser.add_argument("folder", type=Path, metavar="DIR", help="one set of pictures")
    parser.add_argument("--model", default=MODEL)
    parser.add_argument("--page", type=Path, default=PAGE)
    chosen = parser.parse_args(arguments)
    return answer(lambda: fill(chosen.page, "carriers", measure_carriers(chosen.model, chosen.folder)))


def _row(carrier: str, report: Report) -> list[str]:
    (figures,) = report["sets"].values()
    shown = [figures.get(key) for key in ("white_psnr", "black_psnr")]
    decibels = ["–" if value is None else f"{value:.2f}" for value in (figures["psnr_y"], *shown)]
    return [f"`{carrier}`", *decibels, f"{figures['lr_bytes']:,} B", f"{figures['payload_bytes']:,} B"]


if __name__ == "__main__":
    sys.exit(main())
