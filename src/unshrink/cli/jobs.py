"""What `down` and `up` do with one input."""

from __future__ import annotations

import time
from dataclasses import dataclass

from unshrink.cli.batch import Entry, NamedBytes, PassedOver, Writer
from unshrink.cli.names import STREAM, Task
from unshrink.cli.pictures import payload, read_picture_file
from unshrink.cli.shrinker import Shrinker
from unshrink.cli.view import View, count_bytes, dimensions, scale_value
from unshrink.files.encoders import format_for
from unshrink.files.lrfile import is_lrfile
from unshrink.rescale import Dial, Engine, Small, format_of


@dataclass(frozen=True)
class Shrinking:
    """`down` on one input."""

    view: View
    shrinker: Shrinker
    format: str
    """Used where the output names no file."""
    writer: Writer
    several: bool
    """One of several inputs: LR files among them are passed over."""

    def do(self, task: Task) -> tuple[Entry, str]:
        """Shrink, write, and describe what was written."""
        start = time.perf_counter()
        format = self.format if task.output == STREAM else format_of(task.output)
        source = read_picture_file(task)
        self._meet_small(task, source)
        self.writer.check(task)
        small = self.shrinker.shrink(source, _Tell(self.view, task.source.label))
        data = small.encode(format)
        self.writer.write(task, data)
        return _shrunk(task, source, small, data, time.perf_counter() - start)

    def _meet_small(self, task: Task, source: NamedBytes) -> None:
        if not is_lrfile(source.getvalue()):
            return
        if self.several or task.source.listed:
            raise PassedOver("already an LR file")
        self.view.note(f"{task.source.label} is an LR file itself and is shrunk once more")


@dataclass(frozen=True)
class Restoring:
    """`up` on one input."""

    view: View
    engine: Engine
    plain: bool
    scale: float | tuple[float, float] | None
    model: str | None
    dial: Dial
    format: str
    """Used where the output names no file."""
    writer: Writer

    def do(self, task: Task) -> tuple[Entry, str]:
        """Restore, write, and describe what was written."""
        start = time.perf_counter()
        format = self.format if task.output == STREAM else format_for(task.output)
        source = read_picture_file(task)
        if task.source.listed and not self.plain and not is_lrfile(source.getvalue()):
            raise PassedOver("not an LR file")
        self.writer.check(task)
        picture = self.engine.up(
            source,
            plain=self.plain,
            scale=self.scale,
            model=self.model,
            sigma=self.dial.sigma,
            seed=self.dial.seed,
            progress=_Tell(self.view, task.source.label),
        )
        data = picture.encode(format)
        self.writer.write(task, data)
        entry: Entry = {
            "input": task.source.name,
            "output": task.output,
            "plain": self.plain,
            "size": picture.size,
            "input_bytes": len(source.getvalue()),
            "output_bytes": len(data),
            "seconds": round(time.perf_counter() - start, 3),
        }
        line = f"{task.label} {dimensions(picture.size)}, {count_bytes(len(data))}"
        return entry, line


@dataclass(frozen=True)
class _Tell:
    """Shows the engine's steps beside the name of the file."""

    view: View
    name: str

    def __call__(self, step: str) -> None:
        self.view.step(f"{self.name}: {step}")


def _shrunk(task: Task, source: NamedBytes, small: Small, data: bytes, seconds: float) -> tuple[Entry, str]:
    header = small.header
    entry: Entry = {
        "input": task.source.name,
        "output": task.output,
        "model": header.model,
        "weights": header.weights,
        "scale": scale_value(header.scale),
        "size": header.size,
        "lr_size": small.size,
        "input_bytes": len(source.getvalue()),
        "lr_bytes": len(data),
        **payload(small),
        "seconds": round(seconds, 3),
    }
    line = (
        f"{task.label} {dimensions(small.size)} for {dimensions(header.size)}, "
        f"{count_bytes(len(data))} ({header.model})"
    )
    return entry, line
