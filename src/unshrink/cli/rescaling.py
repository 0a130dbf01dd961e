"""`unshrink down` and `unshrink up`."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from unshrink.cli import options
from unshrink.cli.batch import Batch, Entry, NamedBytes, PassedOver, Writer, view_for
from unshrink.cli.tasks import (
    PICTURE_ENDINGS,
    SMALL_ENDINGS,
    STREAM,
    Task,
    arrange,
    ending_for,
    expand,
    restored_name,
    small_name,
    split_names,
)
from unshrink.cli.view import View, count_bytes, dimensions, scale_value
from unshrink.errors import UsageError
from unshrink.imports import quick_imports

if TYPE_CHECKING:
    from unshrink.rescale import Dial, Engine, Order, Small

Names = Annotated[
    list[str],
    typer.Argument(
        metavar="IN... [OUT]",
        help="Files, folders or patterns, then perhaps the output file or folder; - for stdin or stdout.",
    ),
]


@options.spread
def down(
    *,
    names: Names,
    out: options.Out = None,
    how: options.OrderOptions,
    format: options.Format = None,
    machine: options.EngineOptions,
    overwrite: options.Overwrite = False,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> int:
    """Shrink pictures: photo.jpg becomes photo.x4.png, which `up` restores.

    Several inputs, folders and patterns go to a folder, or beside the originals. In folders, what is no picture or was
    shrunk already is passed over.
    """
    order = how.order()
    with quick_imports():
        from unshrink.cli.pictures import is_small

        engine = machine.engine()
    mark = order.wish.mark(engine.chosen(order).scale)
    ending = ending_for(format, SMALL_ENDINGS)
    inputs, target = split_names(names, out, is_small)
    tasks = arrange(expand(inputs), target, lambda path: small_name(path, mark, ending), is_small)
    view = view_for(tasks, json_mode=json, quiet=quiet)
    job = Shrinking(view, engine, order, format or "png", Writer(overwrite=overwrite), several=len(tasks) > 1)
    return Batch("down", view).run(tasks, job.do)


@options.spread
def up(
    *,
    names: Names,
    out: options.Out = None,
    plain: Annotated[
        bool, typer.Option("--plain", help="Enlarge any picture from its pixels alone: invents, restores nothing.")
    ] = False,
    scale: options.PlainScale = None,
    model: options.Model = None,
    format: options.Format = None,
    machine: options.EngineOptions,
    sigma: options.Sigma = 0.0,
    seed: options.Seed = 0,
    overwrite: options.Overwrite = False,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> int:
    """Restore pictures from LR files: photo.x4.png becomes photo.restored.png, in its original size.

    The file says how it was made, so no option is needed. In folders, what is no LR file is passed over.
    """
    if not plain and (scale is not None or model is not None):
        raise UsageError("An LR file says its own scale and model; --scale and --model go only with --plain.")
    with quick_imports():
        from unshrink.cli.pictures import is_small
        from unshrink.rescale import Dial

        engine = machine.engine()
    if plain and (scale is not None or model is not None):
        engine.choose(scale, model)
    ending = ending_for(format, PICTURE_ENDINGS)

    def is_restored(path: Path) -> bool:
        return not is_small(path)

    inputs, target = split_names(names, out, is_restored)
    tasks = arrange(expand(inputs), target, lambda path: restored_name(path, ending), is_restored)
    view = view_for(tasks, json_mode=json, quiet=quiet)
    asked = Restoration(plain, scale, model, Dial(sigma, seed))
    return Batch("up", view).run(tasks, Restoring(view, engine, asked, format or "png", Writer(overwrite=overwrite)).do)


@dataclass(frozen=True)
class Shrinking:
    """`down` on one input."""

    view: View
    engine: Engine
    order: Order
    format: str
    """Used where the output names no file."""
    writer: Writer
    several: bool
    """One of several inputs: LR files among them are passed over."""

    def do(self, task: Task) -> tuple[Entry, str]:
        """Shrink, write, and describe what was written."""
        from unshrink.cli.pictures import read_picture_file
        from unshrink.rescale import format_of

        start = time.perf_counter()
        format = self.format if task.output == STREAM else format_of(task.output)
        source = read_picture_file(task)
        self._meet_small(task, source)
        self.writer.check(task)
        small = self.engine.down(source, self.order, progress=_Tell(self.view, task.source.label))
        data = small.encode(format)
        self.writer.write(task, data)
        return _shrunk(task, source, small, data, time.perf_counter() - start)

    def _meet_small(self, task: Task, source: NamedBytes) -> None:
        from unshrink.files.lrfile import is_lrfile

        if not is_lrfile(source.getvalue()):
            return
        if self.several or task.source.listed:
            raise PassedOver("already an LR file")
        self.view.note(f"{task.source.label} is an LR file itself and is shrunk once more")


@dataclass(frozen=True)
class Restoration:
    """What `up` is asked."""

    plain: bool
    scale: float | tuple[float, float] | None
    model: str | None
    dial: Dial


@dataclass(frozen=True)
class Restoring:
    """`up` on one input."""

    view: View
    engine: Engine
    asked: Restoration
    format: str
    """Used where the output names no file."""
    writer: Writer

    def do(self, task: Task) -> tuple[Entry, str]:
        """Restore, write, and describe what was written."""
        from unshrink.cli.pictures import read_picture_file
        from unshrink.files.encoders import format_for
        from unshrink.files.lrfile import is_lrfile

        start = time.perf_counter()
        format = self.format if task.output == STREAM else format_for(task.output)
        source = read_picture_file(task)
        if task.source.listed and not self.asked.plain and not is_lrfile(source.getvalue()):
            raise PassedOver("not an LR file")
        self.writer.check(task)
        picture = self.engine.up(
            source,
            plain=self.asked.plain,
            scale=self.asked.scale,
            model=self.asked.model,
            sigma=self.asked.dial.sigma,
            seed=self.asked.dial.seed,
            progress=_Tell(self.view, task.source.label),
        )
        data = picture.encode(format)
        self.writer.write(task, data)
        entry: Entry = {
            "input": task.source.name,
            "output": task.output,
            "plain": self.asked.plain,
            "size": picture.size,
            "input_bytes": len(source.getvalue()),
            "output_bytes": len(data),
            "seconds": round(time.perf_counter() - start, 3),
        }
        return entry, f"{task.label} {dimensions(picture.size)}, {count_bytes(len(data))}"


@dataclass(frozen=True)
class _Tell:
    """Shows the engine's steps beside the name of the file."""

    view: View
    name: str

    def __call__(self, step: str) -> None:
        self.view.step(f"{self.name}: {step}")


def _shrunk(task: Task, source: NamedBytes, small: Small, data: bytes, seconds: float) -> tuple[Entry, str]:
    from unshrink.cli.pictures import payload

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
