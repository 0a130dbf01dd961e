"""`unshrink down` and `unshrink up`."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from unshrink.cli import options
from unshrink.cli.batch import Batch, Done, Entry, PassedOver, Tell, Writer, view_for
from unshrink.cli.tasks import (
    STREAM,
    Found,
    Task,
    arrange,
    ending_for,
    expand,
    is_restored_name,
    picture_endings,
    restored_name,
    small_endings,
    small_name,
    split_names,
)
from unshrink.cli.view import count_bytes, dimensions, scale_value, sides
from unshrink.errors import SmallEnoughError, UnreadableInputError, UsageError
from unshrink.imports import quick_imports
from unshrink.named import NamedBytes

if TYPE_CHECKING:
    from unshrink.cli.output import Output
    from unshrink.files.picture import Picture
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
    how: options.OrderOptions,
    format: options.Format = None,
    run: options.RunOptions,
    job: options.JobOptions,
    measure: options.Measure = False,
    machine: options.EngineOptions,
) -> int:
    """Shrink pictures: photo.jpg becomes photo.x4.png, which `up` restores.

    Several inputs, folders and patterns go to a folder, or beside the originals. In folders, what is no picture or was
    shrunk already is passed over.
    """
    order = how.order()
    with quick_imports():
        from unshrink.cli.pictures import is_original, is_small

        spec = machine.engine().chosen(order)
    mark, ending = order.wish.mark(spec.scale), ending_for(format, small_endings())
    if job.wanted:
        from unshrink.cli.jobs import shrink_all

        rename = partial(small_name, mark=mark, ending=ending)
        return shrink_all(names, machine, rename, order, format or "png", measure, run, job)
    if measure:
        raise UsageError("--measure goes with --manifest; `roundtrip` measures single pictures.")
    inputs, target = split_names(names, run.out, is_small)
    found = expand(inputs, recursive=run.recursive)
    tasks = arrange(found, target, lambda path, whole: small_name(path, mark, ending, whole), is_small, is_original)
    workers = run.workers(len(tasks))
    work = Shrinking(
        machine.shared(workers),
        order,
        format or "png",
        Writer(run.overwrite, run.keep_mtime),
        run.skip_existing,
        len(tasks) > 1,
    )
    return Batch("down", view_for(tasks, json_mode=run.json, quiet=run.quiet)).run(tasks, work, workers=workers)


@options.spread
def up(
    *,
    names: Names,
    plain: Annotated[
        bool, typer.Option("--plain", help="Enlarge any picture from its pixels alone: invents, restores nothing.")
    ] = False,
    scale: options.PlainScale = None,
    model: options.Model = None,
    format: options.PictureFormat = None,
    quality: options.Quality = None,
    sigma: options.Sigma = 0.0,
    seed: options.Seed = 0,
    run: options.RunOptions,
    job: options.JobOptions,
    machine: options.EngineOptions,
) -> int:
    """Restore pictures from LR files: photo.x4.png becomes photo.restored.png, in its original size.

    The file says how it was made, so no option is needed. In folders, what is no LR file is passed over.
    """
    if not plain and (scale is not None or model is not None):
        raise UsageError("An LR file says its own scale and model; --scale and --model go only with --plain.")
    if run.skip_existing and (sigma or plain):
        raise UsageError("A restored picture does not tell --plain or --sigma; leave out --skip-existing with them.")
    with quick_imports():
        from unshrink.cli.output import Output
        from unshrink.cli.pictures import is_small
        from unshrink.rescale import Dial

        engine = machine.engine()
    if plain and (scale is not None or model is not None):
        engine.choose(scale, model)
    output = Output(format, quality)
    asked = Restoration(plain, scale, model, Dial(sigma, seed))
    if job.wanted:
        from unshrink.cli.jobs import restore_all

        return restore_all(names, machine, asked, output, run, job)
    output.ending(Path(), picture_endings())  # an unknown format is told before anything is read

    def is_restored(path: Path) -> bool:
        return not is_small(path)

    def rename(path: Path, whole: bool) -> str:
        return restored_name(path, output.ending(path, picture_endings()), whole)

    def fits(found: Found) -> bool:
        return plain or is_small(Path(found.name))

    inputs, target = split_names(names, run.out, is_restored)
    found = expand(inputs, recursive=run.recursive)
    tasks = arrange(found, target, rename, is_restored, fits)
    workers = run.workers(len(tasks))
    work = Restoring(machine.shared(workers), asked, output, Writer(run.overwrite, run.keep_mtime), run.skip_existing)
    return Batch("up", view_for(tasks, json_mode=run.json, quiet=run.quiet)).run(tasks, work, workers=workers)


@dataclass(frozen=True)
class Shrinking:
    """`down` on one input."""

    machine: options.EngineOptions
    order: Order
    format: str
    """Used where the output names no file."""
    writer: Writer
    skip: bool
    """Whether to leave alone what is finished."""
    several: bool
    """One of several inputs: LR files among them are passed over."""

    @cached_property
    def engine(self) -> Engine:
        """Made where it is used, in the process that uses it."""
        return self.machine.engine()

    def __call__(self, task: Task, tell: Tell) -> Done:
        """Shrink, write, and describe what was written."""
        from unshrink.cli.pictures import read_picture_file
        from unshrink.files import origin
        from unshrink.files.carried import carries
        from unshrink.files.lrfile import is_lrfile
        from unshrink.files.sections import ORIGIN_SECTION
        from unshrink.rescale import format_of
        from unshrink.rescale.order import kept_options

        start = time.perf_counter()
        format = self.format if task.output == STREAM else format_of(task.output)
        source = read_picture_file(task, self.engine.reading_limits())
        notes = self._meet_small(task, is_lrfile(source.getvalue()))
        made_of = origin.origin_of(source.getvalue(), kept_options(self.order))
        self._leave_finished(task, made_of)
        self.writer.check(task)
        tell("read")
        picture = self.engine.read(source)
        notes += self._meet_small(task, not notes and carries(picture))
        small = self._shrink(task, picture, tell).with_section(ORIGIN_SECTION, origin.encode_origin(made_of))
        data = small.encode(format)
        self.writer.write(task, data)
        notes += _notes(task, small.lrfile.picture)
        return _shrunk(task, source, small, data, time.perf_counter() - start, notes)

    def _shrink(self, task: Task, picture: Picture, tell: Tell) -> Small:
        try:
            return self.engine.down(picture, self.order, progress=tell)
        except SmallEnoughError as error:
            if self.several or task.source.listed:
                raise PassedOver(f"small enough: {error}") from None
            raise

    def _meet_small(self, task: Task, small: bool) -> list[str]:
        if task.source.listed and is_restored_name(Path(task.source.name)):
            raise PassedOver("restored by up, as its name says")
        if not small:
            return []
        if self.several or task.source.listed:
            raise PassedOver("already an LR file")
        return [f"{task.source.label} is an LR file itself and is shrunk once more"]

    def _leave_finished(self, task: Task, made_of: object) -> None:
        from unshrink.cli.finished import other_than
        from unshrink.files.origin import Origin

        if not self.skip or not isinstance(made_of, Origin) or not Path(task.output).is_file():
            return
        other = other_than(Path(task.output), made_of, self.engine, self.order)
        if other is None:
            raise PassedOver("finished already")
        if not self.writer.overwrite:
            raise UsageError(f"{task.output} is there already, but {other}; --overwrite makes it anew.")


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

    machine: options.EngineOptions
    asked: Restoration
    output: Output
    writer: Writer
    skip: bool
    """Whether to leave alone what is finished."""

    @cached_property
    def engine(self) -> Engine:
        """Made where it is used, in the process that uses it."""
        return self.machine.engine()

    def __call__(self, task: Task, tell: Tell) -> Done:
        """Restore, write, and describe what was written."""
        from unshrink.cli.output import SAME, origin_in
        from unshrink.cli.pictures import read_picture_file
        from unshrink.files.encoders import format_for

        start = time.perf_counter()
        source = read_picture_file(task, self.engine.reading_limits())
        origin = origin_in(source.getvalue())
        format = self.output.kind(origin) if task.output == STREAM else format_for(task.output)
        if task.source.listed and not self.asked.plain and not self._is_small(source):
            raise PassedOver("not an LR file")
        self._leave_finished(task, source)
        self.writer.check(task)
        picture = self.engine.up(
            source,
            plain=self.asked.plain,
            scale=self.asked.scale,
            model=self.asked.model,
            sigma=self.asked.dial.sigma,
            seed=self.asked.dial.seed,
            progress=tell,
        )
        data = picture.encode(format, quality=self.output.quality_of(origin))
        self.writer.write(task, data)
        entry: Entry = {
            "input": task.source.name,
            "output": task.output,
            "plain": self.asked.plain,
            "size": sides(picture.size),
            "input_bytes": len(source.getvalue()),
            "output_bytes": len(data),
            "notes": list(picture.notes),
            "seconds": round(time.perf_counter() - start, 3),
        }
        line = f"{task.label} {dimensions(picture.size)}, {count_bytes(len(data))}"
        if origin is not None and len(data) > origin.bytes:
            hint = f" ({origin.format.upper()}; see --format {SAME})" if origin.format != format else ""
            line += f": more than the original, {origin.bytes:,}{hint}"
        return Done(entry, line, _notes(task, picture))

    def _is_small(self, source: NamedBytes) -> bool:
        from unshrink.files.carried import carries
        from unshrink.files.lrfile import is_lrfile

        if is_lrfile(source.getvalue()):
            return True
        try:
            return carries(self.engine.read(source.getvalue()))
        except UnreadableInputError:
            return False

    def _leave_finished(self, task: Task, source: NamedBytes) -> None:
        from unshrink.cli.finished import not_restored

        if not self.skip or not Path(task.output).is_file():
            return
        other = not_restored(Path(task.output), Path(task.source.name), source.getvalue())
        if other is None:
            raise PassedOver("finished already")
        if not self.writer.overwrite:
            raise UsageError(f"{task.output} is there already, but {other}; --overwrite makes it anew.")


def _notes(task: Task, picture: Picture) -> tuple[str, ...]:
    return tuple(f"{task.source.label}: {note}" for note in picture.notes)


def _shrunk(task: Task, source: NamedBytes, small: Small, data: bytes, seconds: float, notes: list[str]) -> Done:
    from unshrink.cli.pictures import payload

    header = small.header
    entry: Entry = {
        "input": task.source.name,
        "output": task.output,
        "model": header.model,
        "weights": header.weights,
        "scale": scale_value(header.scale),
        "size": sides(header.size),
        "lr_size": sides(small.size),
        "input_bytes": len(source.getvalue()),
        "lr_bytes": len(data),
        **payload(small),
        "notes": list(small.lrfile.picture.notes),
        "seconds": round(seconds, 3),
    }
    line = (
        f"{task.label} {dimensions(small.size)} for {dimensions(header.size)}, "
        f"{count_bytes(len(data))} ({header.model})"
    )
    if len(data) > entry["input_bytes"]:
        line += f": more than the original, {entry['input_bytes']:,}"
    return Done(entry, line, tuple(notes))
