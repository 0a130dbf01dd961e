"""What the laboratory's commands have in common."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from unshrink.errors import UnshrinkError
from unshrink.evaluate.measure import Report
from unshrink.files.disk import write_bytes
from unshrink.models.registry import default_for


def answer(work: Callable[[], None]) -> int:
    """Do the work of a command: 0, or the exit code of the error that ended it, told on standard error."""
    try:
        work()
    except UnshrinkError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    return 0


def write_json(path: Path, entry: object) -> None:
    """Write plain data, over what is there."""
    write_bytes(path, (json.dumps(entry, indent=1) + "\n").encode(), overwrite=True)


def run_command(
    arguments: Sequence[str] | None,
    measure: Callable[..., Report],
    plot: Callable[[Report, Path], None] | None,
    about: str | None,
) -> int:
    """Read OUT, folders, --model and --weights, measure, write JSON and, where it can be drawn, a plot."""
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("out", type=Path, metavar="OUT.json")
    parser.add_argument("folders", type=Path, nargs="+", metavar="DIR")
    parser.add_argument("--model", default=default_for(None).name)
    parser.add_argument("--weights", type=Path)
    chosen = parser.parse_args(arguments)

    def work() -> None:
        report = measure(chosen.model, chosen.folders, weights=chosen.weights)
        write_json(chosen.out, report)
        if plot is not None:
            _try_to_plot(plot, report, chosen.out.with_suffix(".png"))

    return answer(work)


def _try_to_plot(plot: Callable[[Report, Path], None], report: Report, target: Path) -> None:
    try:
        plot(report, target)
    except ImportError:
        sys.stderr.write("No plot: matplotlib comes with the extra 'plots'.\n")
