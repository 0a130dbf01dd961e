"""One command over many inputs: those that fail are named and the others are done."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from unshrink.cli.tasks import STREAM, Task
from unshrink.cli.view import View
from unshrink.errors import LimitError, UnshrinkError, UsageError

Entry = dict[str, Any]
"""One object of a JSON document."""

EXPECTED = (UnshrinkError, OSError, MemoryError)
"""Errors that are told in one sentence."""


class PassedOver(Exception):  # noqa: N818 - no error
    """An input that this command leaves alone on purpose; the message says why."""


class NamedBytes(io.BytesIO):
    """The bytes of a file that has been read already, under its name, so that messages can name it."""

    def __init__(self, data: bytes, name: str) -> None:
        super().__init__(data)
        self.name = name


@dataclass
class Batch:
    """What became of each input."""

    command: str
    view: View
    results: list[Entry] = field(default_factory=list)
    failed: list[Entry] = field(default_factory=list)
    passed_over: list[Entry] = field(default_factory=list)

    def run(self, tasks: Sequence[Task], work: Callable[[Task], tuple[Entry, str]]) -> int:
        """Do `work` on every task: it returns a JSON entry and a line for people. Returns the exit code."""
        with self.view.progress(len(tasks)):
            for number, task in enumerate(tasks):
                self.view.step(task.source.name, done=number)
                self._do(task, work)
        self.view.document(self.document())
        return self._exit_code(len(tasks))

    def document(self) -> Entry:
        """The JSON document of the run."""
        return {
            "command": self.command,
            "results": self.results,
            "failed": self.failed,
            "passed_over": self.passed_over,
        }

    def _do(self, task: Task, work: Callable[[Task], tuple[Entry, str]]) -> None:
        name = task.source.name
        try:
            if task.problem is not None:
                raise task.problem
            entry, line = work(task)
        except PassedOver as reason:
            self.passed_over.append({"input": name, "reason": str(reason)})
            self.view.note(f"{name}: passed over, {reason}")
        except EXPECTED as error:
            sentence, code = describe(error, task.source.label)
            self.failed.append({"input": name, "error": type(error).__name__, "message": sentence, "exit_code": code})
            self.view.error(sentence)
        else:
            self.results.append(entry)
            self.view.result(line)

    def _exit_code(self, count: int) -> int:
        if not self.failed:
            return 0
        return int(self.failed[0]["exit_code"]) if count == 1 else UnshrinkError.exit_code


def describe(error: BaseException, name: str = "") -> tuple[str, int]:
    """One sentence for an expected error, naming the input, and its exit code."""
    if isinstance(error, UnshrinkError):
        sentence, code = str(error), error.exit_code
    elif isinstance(error, MemoryError):
        sentence, code = "there is not enough memory; free some or give a smaller picture.", LimitError.exit_code
    elif isinstance(error, OSError) and error.filename is not None:
        sentence, code = f"{os.fspath(error.filename)}: {error.strerror}.", UnshrinkError.exit_code
    else:
        sentence, code = f"{error}.", UnshrinkError.exit_code
    return (sentence if sentence.startswith(name) else f"{name}: {sentence}"), code


def read_source(task: Task) -> NamedBytes:
    """All bytes of a task's input."""
    from unshrink.files.disk import read_bytes

    name = task.source.name
    if name == STREAM:
        return NamedBytes(read_bytes(sys.stdin.buffer), task.source.label)
    return NamedBytes(read_bytes(name), name)


def view_for(tasks: Sequence[Task], *, json_mode: bool, quiet: bool) -> View:
    """The view for commands that write pictures; UsageError where picture and JSON would both go to standard output."""
    streaming = any(task.output == STREAM for task in tasks)
    if streaming and json_mode:
        raise UsageError("A picture and --json cannot both go to standard output; name an output file.")
    return View(json_mode=json_mode, quiet=quiet, results_to_stderr=streaming)


class Writer:
    """Writes the results of one run, and sees to it that none replaces another."""

    def __init__(self, *, overwrite: bool) -> None:
        self._overwrite = overwrite
        self._written: dict[str, str] = {}

    def check(self, task: Task) -> None:
        """Raise before any work is done what `write` would raise after it."""
        from unshrink.files.disk import check_output

        if task.output == STREAM:
            if sys.stdout.isatty():
                raise UsageError("A picture is not written to a terminal; name a file, or redirect the output.")
            return
        other = self._written.get(os.path.realpath(task.output))
        if other is not None:
            raise UsageError(f"{task.output} was just written from {other}; write the two to different folders.")
        if task.folder is None or os.path.isdir(task.folder):
            check_output(task.output, overwrite=self._overwrite)

    def write(self, task: Task, data: bytes) -> None:
        """Write a task's result, whole or not at all; makes the output folder where it is not there yet."""
        from unshrink.files.disk import write_bytes

        if task.output == STREAM:
            sys.stdout.buffer.write(data)
            sys.stdout.buffer.flush()
            return
        if task.folder is not None:
            make_folder(task.folder)
        write_bytes(task.output, data, overwrite=self._overwrite)
        self._written[os.path.realpath(task.output)] = task.source.name


def make_folder(folder: str) -> None:
    """Make an output folder and those above it where they are missing; UsageError where that fails."""
    try:
        os.makedirs(folder, exist_ok=True)
    except OSError as error:
        raise UsageError(f"The folder {folder} cannot be made: {error.strerror}.") from error
