"""What the user sees: results on standard output, all else on standard error, JSON where it is asked for."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

PROGRAM = "unshrink"


class View:
    """Prints results, notes and errors, and shows progress on a terminal.

    With `json_mode`, lines meant for people are left out on standard output; with `quiet`, notes and progress too.
    `results_to_stderr` is for commands that write a picture to standard output.
    """

    def __init__(self, *, json_mode: bool = False, quiet: bool = False, results_to_stderr: bool = False) -> None:
        self._json = json_mode
        self._quiet = quiet
        self._results = sys.stderr if results_to_stderr else sys.stdout
        self._bar: Progress | None = None
        self._task: TaskID | None = None

    def result(self, line: str) -> None:
        """A line of results."""
        if not self._json and not (self._quiet and self._results is sys.stderr):
            self._print(line, to_stderr=self._results is sys.stderr)

    def document(self, value: object) -> None:
        """The one JSON document of a run."""
        if self._json:
            self._print(to_json(value), to_stderr=False)

    def note(self, line: str) -> None:
        """Something worth knowing that is no error."""
        if not self._quiet:
            self._print(f"{PROGRAM}: {line}", to_stderr=True)

    def error(self, line: str) -> None:
        """One sentence about what went wrong."""
        self._print(f"{PROGRAM}: {line}", to_stderr=True)

    @contextmanager
    def progress(self, total: int | None) -> Iterator[None]:
        """Show a bar of `total` steps, on a terminal only, while the block runs."""
        if self._quiet or not sys.stderr.isatty():
            yield
            return
        self._bar = _make_bar()
        self._task = self._bar.add_task("", total=total)
        with self._bar:
            yield
        self._bar = self._task = None

    def step(self, text: str, *, done: int | None = None, total: int | None = None) -> None:
        """Say what is being done now, and how much is `done`."""
        if self._bar is not None and self._task is not None:
            self._bar.update(self._task, description=text, completed=done, total=total)

    def _print(self, line: str, *, to_stderr: bool) -> None:
        # The bar is taken away while a line is printed, so that both may share one terminal.
        if self._bar is not None:
            self._bar.stop()
        typer.echo(line, err=to_stderr)
        if self._bar is not None:
            self._bar.start()


def to_json(value: object) -> str:
    """Strict JSON, indented; numbers that JSON has not (infinity, NaN) become null."""
    return json.dumps(_finite(value), indent=2, ensure_ascii=False, allow_nan=False)


def count_bytes(count: int) -> str:
    """1234567 -> "1,234,567 bytes"."""
    return f"{count:,} byte{'' if count == 1 else 's'}"


def dimensions(size: tuple[int, int]) -> str:
    """(height, width) as people write it, width first: 640x480."""
    return f"{size[1]}x{size[0]}"


def scale_value(scale: tuple[float, float]) -> float | tuple[float, float]:
    """The scale as JSON has it: one number where both axes have the same, else vertical and horizontal."""
    vertical, horizontal = (int(axis) if float(axis).is_integer() else axis for axis in scale)
    return vertical if vertical == horizontal else (vertical, horizontal)


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
        return None
    return value


def _make_bar() -> Progress:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    return Progress(
        BarColumn(),
        TextColumn("{task.completed}/{task.total}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.description}"),
        console=Console(stderr=True),
        transient=True,
        redirect_stdout=False,
        redirect_stderr=False,
    )
