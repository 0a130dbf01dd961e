"""Ten cycles down and up through files, x_{k+1} = up(down(x_k)): does the picture hold? PSNR(x, x_k) for k = 1 to 10.

The idempotence test of BAIRNet (CVPR 2022). `python -m lab.cycles OUT.json DIR... --model NAME` measures
one model and writes JSON; `render` makes a table of several.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from lab.command import run_command
from unshrink.errors import UsageError
from unshrink.evaluate.measure import SCHEMA, Report
from unshrink.evaluate.models import there_and_back
from unshrink.evaluate.protocol import border_of, crop_to_multiple, find_pictures, multiple_of, plain_scale
from unshrink.files.picture import Picture, read_picture
from unshrink.metrics.quality import psnr_y
from unshrink.models.registry import get
from unshrink.rescale import Engine
from unshrink.rescale.sizes import Scale

CYCLES = 10
SCALE = 2.0
"""At which models of any scale are measured when none is named."""
SHOWN = (1, 2, 5, 10)
"""Cycles in the table."""


def measure_cycles(
    name: str,
    folders: Sequence[Path],
    *,
    scale: Scale | None = None,
    weights: Path | None = None,
    cycles: int = CYCLES,
) -> Report:
    """Mean Y-PSNR in dB of the first picture against that after 1 to `cycles` round trips, by set.

    Pictures are restored from the LR file's pixels and the model's payload, without exact blocks. Returns plain data:
    `kind` "cycles", `model`, `scale`, and `sets` with a list of `cycles` figures each. Raises UsageError.
    """
    engine, chosen = Engine(weights=weights), scale or get(name).scale or SCALE
    engine.choose(chosen, name)
    sets = {folder.resolve().name: _mean(engine, name, chosen, folder, cycles) for folder in folders}
    return {"schema": SCHEMA, "kind": "cycles", "model": name, "scale": plain_scale(chosen), "sets": sets}


def render(reports: Sequence[Report]) -> str:
    """A Markdown table of reports over the same sets: a row for each model, a column for each set and cycle shown.

    Raises UsageError where reports are over different sets.
    """
    sets = list(reports[0]["sets"]) if reports else []
    if any(list(report["sets"]) != sets for report in reports):
        raise UsageError("Reports over different sets do not fit one table; measure all on the same folders.")
    shown = [k for k in SHOWN if all(k <= len(report["sets"][name]) for report in reports for name in sets)]
    heads = ["Model", "scale", *(f"{name}, {k}" for name in sets for k in shown)]
    rows = [[report["model"], f"{report['scale']}", *_figures(report, sets, shown)] for report in reports]
    return "\n".join(f"| {' | '.join(row)} |" for row in [heads, ["---"] * len(heads), *rows]) + "\n"


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; 0, or the error's exit code."""
    return run_command(arguments, measure_cycles, None, __doc__)


def _figures(report: Report, sets: Sequence[str], shown: Sequence[int]) -> list[str]:
    return [f"{report['sets'][name][k - 1]:.2f}" for name in sets for k in shown]


def _mean(engine: Engine, name: str, scale: Scale, folder: Path, cycles: int) -> list[float]:
    rows = [_cycle(engine, name, scale, path, cycles) for path in find_pictures(folder)]
    return [sum(column) / len(column) for column in zip(*rows, strict=True)]


def _cycle(engine: Engine, name: str, scale: Scale, path: Path, cycles: int) -> list[float]:
    first = crop_to_multiple(read_picture(path), multiple_of(scale))
    picture, figures = first, []
    with tempfile.TemporaryDirectory(prefix="unshrink-") as scratch:
        for cycle in range(cycles):
            target = Path(scratch) / f"{cycle}.png"
            picture = there_and_back(engine, picture, target, scale, model=name, exact_blocks=False)
            figures.append(_psnr(first, picture, border_of(scale)))
    return figures


def _psnr(first: Picture, picture: Picture, border: int) -> float:
    reference, got = (first.rgb[..., 0], picture.rgb[..., 0]) if first.grey else (first.rgb, picture.rgb)
    return min(float(psnr_y(reference, got, border)), 100.0)  # identical pictures are infinitely alike


if __name__ == "__main__":
    sys.exit(main())
