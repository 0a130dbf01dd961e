"""One command over many inputs: those that fail are named and the others are done."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol

from unshrink.cli.streams import shown
from unshrink.cli.tasks import STREAM, Task
from unshrink.cli.view import View, megabytes
from unshrink.errors import LimitError, UnshrinkError, UsageError
from unshrink.limits import DEFAULT_LIMITS, Limits
from unshrink.named import NamedBytes

Entry = dict[str, Any]
"""One object of a JSON document."""

EXPECTED = (UnshrinkError, OSError, MemoryError)
"""Errors that are told in one sentence."""

Tell = Callable[[str], None]
"""Called with each step of a picture as it starts: plain text, or a `Step` of the engine."""


class PassedOver(Exception):  # noqa: N818 - no error
    """An input that this command leaves alone on purpose; the message says why."""


@dataclass(frozen=True)
class Done:
    """What a job has made of one input."""

    entry: Entry
    """For the JSON document."""
    line: str
    """For people."""
    notes: tuple[str, ...] = ()


class Job(Protocol):
    """What a command does with one input."""

    def __call__(self, task: Task, tell: Tell) -> Done:
        """Do it. Raises `PassedOver` and `EXPECTED`."""
        ...


@dataclass(frozen=True)
class Outcome:
    """What became of one input: exactly one of the first three is there. Travels between processes."""

    done: Done | None = None
    passed_over: Entry | None = None
    failure: Entry | None = None


@dataclass
class Batch:
    """What became of each input."""

    command: str
    view: View
    results: list[Entry] = field(default_factory=list)
    failed: list[Entry] = field(default_factory=list)
    passed_over: list[Entry] = field(default_factory=list)
    left: list[str] | None = None
    """The inputs that an interruption left undone."""

    def run(self, tasks: Sequence[Task], job: Job, *, workers: int = 1) -> int:
        """Do `job` on every task, in that many processes, and tell of each in order. Returns the exit code.

        Where it is interrupted, what has been done is told before the interruption goes on its way.
        """
        start, several = time.perf_counter(), len(tasks) > 1
        try:
            with self.view.progress(len(tasks), rows=workers):
                for task, outcome in zip(tasks, self._outcomes(tasks, job, workers), strict=True):
                    self._tell(task, outcome)
        except (KeyboardInterrupt, SystemExit):
            self.left = [task.source.name for task in tasks[self._count() :]]
            raise
        finally:
            self.view.document(self.document())
            if several:
                self.view.note(self._summary(time.perf_counter() - start))
        return self._exit_code(len(tasks))

    def document(self) -> Entry:
        """The JSON document of the run."""
        document = {
            "command": self.command,
            "results": self.results,
            "failed": self.failed,
            "passed_over": self.passed_over,
        }
        return document if self.left is None else {**document, "interrupted": True, "left": self.left}

    def _outcomes(self, tasks: Sequence[Task], job: Job, workers: int) -> Iterator[Outcome]:
        if workers > 1:
            from unshrink.cli.pool import in_processes

            yield from in_processes(tasks, job, workers, self.view)
            return
        for number, task in enumerate(tasks):
            self.view.step(task.source.name, done=number)
            yield attempt(task, job, partial(self.view.show, 0, task.source.label))

    def _tell(self, task: Task, outcome: Outcome) -> None:
        if outcome.passed_over is not None:
            self.passed_over.append(outcome.passed_over)
            self.view.note(f"{task.source.name}: passed over, {outcome.passed_over['reason']}")
        if outcome.failure is not None:
            self.failed.append(outcome.failure)
            self.view.error(outcome.failure["message"])
        if outcome.done is not None:
            self.results.append(outcome.done.entry)
            for note in outcome.done.notes:
                self.view.note(note)
            self.view.result(outcome.done.line)
        self.view.finished(self._count())

    def _count(self) -> int:
        return len(self.results) + len(self.failed) + len(self.passed_over)

    def _summary(self, seconds: float) -> str:
        counts = [(len(self.results), "done"), (len(self.passed_over), "passed over"), (len(self.failed), "failed")]
        parts = [f"{count} {what}" for count, what in counts if count or what == "done"]
        if self.left:
            parts.append(f"interrupted with {len(self.left)} left")
        rate = f", {len(self.results) / seconds:.2g} a second" if self.results and seconds else ""
        return f"{', '.join(parts)}{_bytes_of(self.results)}; {seconds:.1f} s{rate}"

    def _exit_code(self, count: int) -> int:
        if not self.failed:
            return 0
        return int(self.failed[0]["exit_code"]) if count == 1 else UnshrinkError.exit_code


def attempt(task: Task, job: Job, tell: Tell) -> Outcome:
    """What becomes of one input: expected errors are told, not raised."""
    name = task.source.name
    try:
        if task.problem is not None:
            raise task.problem
        return Outcome(job(task, tell))
    except PassedOver as reason:
        return Outcome(passed_over={"input": name, "reason": str(reason)})
    except EXPECTED as error:
        return failure(task, error)


def failure(task: Task, error: BaseException) -> Outcome:
    """What became of an input that failed with an expected error."""
    sentence, code = describe(error, task.source.label)
    kind = type(error).__name__
    return Outcome(failure={"input": task.source.name, "error": kind, "message": sentence, "exit_code": code})


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
    sentence = shown(sentence)
    return (sentence if sentence.startswith(name) else f"{name}: {sentence}"), code


def _bytes_of(results: Sequence[Entry]) -> str:
    read, written = 0, 0
    for entry in results:
        read += entry.get("input_bytes") or 0
        written += entry.get("output_bytes") or entry.get("lr_bytes") or 0
    return f"; {megabytes(read)} read, {megabytes(written)} written" if read and written else ""


def read_source(task: Task, limits: Limits = DEFAULT_LIMITS) -> NamedBytes:
    """All bytes of a task's input, no more than `limits` allow."""
    from unshrink.files.disk import read_bytes

    name = task.source.name
    if name == STREAM:
        return NamedBytes(read_bytes(sys.stdin.buffer, limits=limits), task.source.label)
    return NamedBytes(read_bytes(name, limits=limits), name)


def view_for(tasks: Sequence[Task], *, json_mode: bool, quiet: bool) -> View:
    """The view for commands that write pictures; UsageError where picture and JSON would both go to standard output."""
    streaming = any(task.output == STREAM for task in tasks)
    if streaming and json_mode:
        raise UsageError("A picture and --json cannot both go to standard output; name an output file.")
    return View(json_mode=json_mode, quiet=quiet, results_to_stderr=streaming)


@dataclass(frozen=True)
class Writer:
    """Writes results."""

    overwrite: bool
    keep_mtime: bool = False
    """Whether outputs get the time of their inputs."""

    def check(self, task: Task) -> None:
        """Raise before any work is done what `write` would raise after it."""
        from unshrink.files.disk import check_folder, check_output

        if task.output == STREAM:
            if sys.stdout.isatty():
                raise UsageError("A picture is not written to a terminal; name a file, or redirect the output.")
        elif task.folder is None or os.path.isdir(task.folder):
            check_output(task.output, overwrite=self.overwrite)
        else:
            check_folder(task.folder)

    def write(self, task: Task, data: bytes) -> None:
        """Write a task's result, whole or not at all; makes the output folder where it is not there yet."""
        from unshrink.files.disk import write_bytes

        if task.output == STREAM:
            sys.stdout.buffer.write(data)
            sys.stdout.buffer.flush()
            return
        if task.folder is not None:
            make_folder(task.folder)
        write_bytes(task.output, data, overwrite=self.overwrite)
        if self.keep_mtime and task.source.name != STREAM:
            found = os.stat(task.source.name)
            os.utime(task.output, ns=(found.st_atime_ns, found.st_mtime_ns))


def make_folder(folder: str) -> None:
    """Make an output folder and those above it where they are missing; UsageError where that fails."""
    try:
        os.makedirs(folder, exist_ok=True)
    except OSError as error:
        raise UsageError(f"The folder {folder} cannot be made: {error.strerror}.") from error
