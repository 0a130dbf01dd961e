"""What the user sees: results on standard output, all else on standard error, JSON where it is asked for."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TextIO

import typer

from unshrink.cli.streams import shown

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
        self._rows: list[TaskID] = []
        self._done = 0
        self._shares: dict[int, float] = {}
        """How far the picture of each row is in its step, 0 to 1."""

    def result(self, line: str) -> None:
        """A line of results."""
        if not self._json and not (self._quiet and self._results is sys.stderr):
            self._print(shown(line, lines=True), to_stderr=self._results is sys.stderr)

    def document(self, value: object) -> None:
        """The one JSON document of a run, in UTF-8 whatever the terminal speaks."""
        if self._json:
            with self._hidden():
                _write_utf8(sys.stdout, to_json(value) + "\n")

    def note(self, line: str) -> None:
        """Something worth knowing that is no error."""
        if not self._quiet:
            self._print(f"{PROGRAM}: {shown(line)}", to_stderr=True)

    def error(self, line: str) -> None:
        """One sentence about what went wrong."""
        self._print(f"{PROGRAM}: {shown(line)}", to_stderr=True)

    @contextmanager
    def progress(self, total: int | None, *, rows: int = 1) -> Iterator[None]:
        """Show a bar of `total` steps, on a terminal only, while the block runs; with a row for each of several."""
        if self._quiet or not sys.stderr.isatty():
            yield
            return
        self._bar = _make_bar()
        self._task = self._bar.add_task("", total=total, whole=True)
        self._rows = [self._bar.add_task("", total=1.0, whole=False, visible=False) for _ in range(rows)]
        self._done, self._shares = 0, {}
        with self._bar:
            yield
        self._bar = self._task = None

    def step(self, text: str, *, done: int | None = None, total: int | None = None) -> None:
        """Say what is being done now, and how much is `done`."""
        if self._bar is not None and self._task is not None:
            self._bar.update(self._task, description=shown(text), completed=done, total=total)

    def show(self, row: int, name: str, step: str) -> None:
        """Say which step of which picture is being done, in one of several rows; a `Step` says its share, too."""
        if self._bar is None or self._task is None:
            return
        self._shares[row] = getattr(step, "share", 0.0)
        text = shown(f"{name}: {step}")
        if len(self._rows) > 1:
            self._bar.update(self._rows[row], description=text, completed=self._shares[row], visible=True)
        else:
            self._bar.update(self._task, description=text)
        self._bar.update(self._task, completed=self._done + sum(self._shares.values()))

    def finished(self, count: int) -> None:
        """Say that so many pictures are finished, one way or another."""
        self._done, self._shares = count, {}
        if self._bar is not None and self._task is not None:
            self._bar.update(self._task, completed=count)

    def _print(self, line: str, *, to_stderr: bool) -> None:
        with self._hidden():
            typer.echo(line, err=to_stderr)

    @contextmanager
    def _hidden(self) -> Iterator[None]:
        """The bar is taken away meanwhile, so that both may share one terminal."""
        if self._bar is not None:
            self._bar.stop()
        yield
        if self._bar is not None:
            self._bar.start()


def _write_utf8(stream: TextIO, text: str) -> None:
    """Names that hold bytes that are no text are written as JSON escapes (lone surrogates)."""
    stream.flush()
    buffer = getattr(stream, "buffer", None)
    if buffer is None:
        stream.write(text)
    else:
        buffer.write(text.encode("utf-8", errors="backslashreplace"))
        buffer.flush()


def to_json(value: object) -> str:
    """Strict JSON, indented; numbers that JSON has not (infinity, NaN) become null."""
    return json.dumps(_finite(value), indent=2, ensure_ascii=False, allow_nan=False)


def count_bytes(count: int) -> str:
    """1234567 -> "1,234,567 bytes"."""
    return f"{count:,} byte{'' if count == 1 else 's'}"


def megabytes(count: int) -> str:
    """1234567 -> "1.2 MB", 56789 -> "57 kB"."""
    return f"{count / 1e6:.1f} MB" if count >= 1e6 else f"{-(-count // 1000)} kB"


def dimensions(size: tuple[int, int] | list[int]) -> str:
    """(height, width) as people write it, width first: 640x480."""
    return f"{size[1]}x{size[0]}"


def sides(pair: tuple[float, float] | list[float]) -> dict[str, float]:
    """(height, width) as JSON has it, for sizes and for scales along each: {"width": ..., "height": ...}."""
    height, width = (int(side) if float(side).is_integer() else side for side in pair)
    return {"width": width, "height": height}


def scale_value(scale: tuple[float, float] | list[float]) -> float | dict[str, float]:
    """The scale as JSON has it: one number where both axes have the same, else `sides`."""
    both = sides(scale)
    return both["width"] if both["width"] == both["height"] else both


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
    from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn
    from rich.text import Text

    class Figures(ProgressColumn):
        """How many, how fast, how long still."""

        def render(self, task: Task) -> Text:
            return Text(_figures(task.completed, task.total, task.elapsed or 0.0) if task.fields["whole"] else "")

    return Progress(
        BarColumn(),
        Figures(),
        TextColumn("{task.description}", markup=False),
        console=Console(stderr=True),
        transient=True,
        redirect_stdout=False,
        redirect_stderr=False,
    )


def _figures(done: float, total: float | None, seconds: float) -> str:
    """12/40 0.8/s 0:35 left; without what is not known yet."""
    if total is None:
        return _clock(seconds)
    text = f"{int(done)}/{total:.0f}"
    if not done or not seconds:
        return text
    rate = done / seconds
    speed = f"{rate:.2g}/s" if rate >= 1 else f"{1 / rate:.2g} s each"
    return f"{text} {speed} {_clock((total - done) / rate)} left"


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
