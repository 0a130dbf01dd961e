"""`unshrink info`, `verify` and `strip`: LR files looked at without restoring them."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer

from unshrink.cli import options
from unshrink.cli.batch import Batch, Done, Entry, Tell, Writer, read_source, view_for
from unshrink.cli.tasks import STREAM, Found, Task, arrange, expand
from unshrink.cli.view import View, count_bytes, scale_value, sides
from unshrink.errors import DamagedLRFileError, EditedLRFileError, NotAnLRFileError, UnreadableInputError, UsageError
from unshrink.named import NamedBytes
from unshrink.rescale.sizes import both_axes

if TYPE_CHECKING:
    from unshrink.files.carried import Carried
    from unshrink.files.picture import Picture

Files = Annotated[list[str], typer.Argument(metavar="FILE...", help="Files, folders or patterns; - for stdin.")]


def info(
    names: Files, recursive: options.Recursive = False, json: options.Json = False, quiet: options.Quiet = False
) -> int:
    """Say what LR files are: model, scale, original size, bytes of each part. Does not check the pixels."""
    tasks = [Task(found) for found in expand(names, recursive=recursive)]
    return Batch("info", View(json_mode=json, quiet=quiet)).run(tasks, _inform)


def verify(
    names: Files,
    recursive: options.Recursive = False,
    restore: Annotated[
        bool, typer.Option("--restore", help="Restore, too, and compare what comes back with what the file shows.")
    ] = False,
    memory: options.Memory = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> int:
    """Check that LR files are whole and that their pixels are those they were written with."""
    tasks = [Task(found) for found in expand(names, recursive=recursive)]
    return Batch("verify", View(json_mode=json, quiet=quiet)).run(
        tasks, partial(_verify, restore=restore, memory=memory)
    )


def strip(
    name: Annotated[str, typer.Argument(metavar="FILE", help="An LR file; - for stdin.")],
    out: Annotated[str, typer.Argument(metavar="OUT", help="The file or folder to write to; - for stdout.")],
    overwrite: options.Overwrite = False,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> int:
    """Copy an LR file without what `up` needs: the same small picture, and nothing of the original beside it."""
    tasks = arrange([Found(name)], out, lambda path, whole: path.name, lambda path: False)
    view = view_for(tasks, json_mode=json, quiet=quiet)

    writer = Writer(overwrite=overwrite)

    def work(task: Task, tell: Tell) -> Done:
        return _strip(task, writer)

    return Batch("strip", view).run(tasks, work)


def _inform(task: Task, tell: Tell) -> Done:
    entry = _looked_at(task, read_source(task))
    return Done(entry, _describe(task.source.label, entry))


def _looked_at(task: Task, source: NamedBytes) -> Entry:
    """What an LR file says, its header where there is one and its pixels where they carry something."""
    from unshrink.files.lrfile import inspect

    try:
        entry = _stated(task, inspect(source.getvalue(), name=task.source.label))
    except NotAnLRFileError:
        left = _left(task, source)
        if left is None:
            raise
        return left
    if entry["carrier"] == "pixels":
        found = _carried(source)
        entry["pixels"] = None if found is None else _told(found[1])
    return entry


def _carried(source: NamedBytes) -> tuple[Picture, Carried] | None:
    """The picture in a file and what its pixels carry; None where that is nothing. Raises LimitError."""
    from unshrink.files.carried import carried
    from unshrink.limits import DEFAULT_LIMITS
    from unshrink.rescale.memory import memory
    from unshrink.rescale.sources import as_picture

    try:
        picture = as_picture(source.getvalue(), DEFAULT_LIMITS, memory())
        found = carried(picture)
    except (UnreadableInputError, DamagedLRFileError):
        return None
    return None if found is None else (picture, found)


def _left(task: Task, source: NamedBytes) -> Entry | None:
    """The report on a file that has lost all but its pixels; None where these carry nothing."""
    from unshrink import rescale
    from unshrink.files.colour import describe
    from unshrink.files.sniff import sniff

    carrying = _carried(source)
    plan = None if carrying is None else rescale.plan_from_pixels(carrying[0])
    if carrying is None or plan is None or plan.size is None:
        return None
    picture, found = carrying
    return {
        "input": task.source.name,
        "format": sniff(source.getvalue(), task.source.label).kind,
        "version": None,
        "model": plan.model,
        "weights": plan.weights,
        "scale": None if plan.scale is None else scale_value(both_axes(plan.scale)),
        "size": sides(plan.size),
        "lr_size": sides(picture.size),
        "grey": plan.grey,
        "alpha": "none" if picture.alpha is None else "resampled",
        "carrier": "pixels",
        "writer": None,
        "lr_bytes": len(source.getvalue()),
        "payload_bytes": 0,
        "exact_bytes": 0,
        "sections": {},
        "intact": True,
        "profile": describe(picture.icc),
        "pixels": _told(found),
    }


def _told(found: Carried) -> Entry:
    from unshrink.files.carried import KINDS

    return {"kind": KINDS.get(found.preamble.kind, "unknown"), "bytes": found.preamble.length}


def _verify(task: Task, tell: Tell, *, restore: bool, memory: int | None) -> Done:
    from unshrink.files.lrfile import verify as verify_bytes
    from unshrink.limits import DEFAULT_LIMITS
    from unshrink.rescale.memory import memory as find_memory
    from unshrink.rescale.sources import as_bytes, within

    room = find_memory(memory)
    source = read_source(task, within(DEFAULT_LIMITS, room))
    as_bytes(source.getvalue(), DEFAULT_LIMITS, room)  # as the engine does: refused before it is decoded
    try:
        entry = _stated(task, verify_bytes(source.getvalue(), name=task.source.label))
    except NotAnLRFileError:
        left = _left(task, source)
        if left is None:
            raise
        entry, restore = left, True  # nothing but what comes back tells whether pixels are sound
    line = f"{task.source.label}: sound, {_spelled(entry['lr_size'])} for {_spelled(entry['size'])}"
    if restore:
        line += f", restores to what it shows ({_likeness(memory, source):.1f} dB)"
    return Done(entry, line)


def _likeness(memory: int | None, source: NamedBytes) -> float:
    """How like what the file shows and what it restores to are; EditedLRFileError where they are two."""
    from unshrink.rescale import Engine
    from unshrink.rescale.selfcheck import LIKE

    found = Engine(memory=memory).likeness(source.getvalue())
    if found < LIKE:
        raise EditedLRFileError(
            f"{source.name} is forged: what it restores to is another picture than it shows ({found:.1f} dB)."
        )
    return found


def _stated(task: Task, report: dict[str, Any]) -> Entry:
    """The report on a file with the names that the other commands have: `size` is that of the original."""
    from unshrink.files.sections import BLOCKS_SECTION

    header = report["header"]
    return {
        "input": task.source.name,
        "format": report["format"],
        "version": report["version"],
        "model": header["model"],
        "weights": header["weights"],
        "scale": scale_value(header["scale"]),
        "size": sides(header["size"]),
        "lr_size": sides(report["size"]),
        "grey": header["grey"],
        "alpha": header["alpha"],
        "carrier": header["carrier"],
        "writer": header["writer"],
        "lr_bytes": report["bytes"],
        "payload_bytes": report["payload_bytes"],
        "exact_bytes": report["sections"].get(BLOCKS_SECTION, 0),
        "sections": report["sections"],
        "intact": report["intact"],
        "profile": report["profile"],
        "pixels": None,
    }


def _strip(task: Task, writer: Writer) -> Done:
    from unshrink.files.lrfile import strip as strip_bytes

    writer.check(task)
    data = read_source(task).getvalue()
    _check_ending(task, data)
    bare = strip_bytes(data, name=task.source.label)
    writer.write(task, bare)
    entry: Entry = {
        "input": task.source.name,
        "output": task.output,
        "input_bytes": len(data),
        "output_bytes": len(bare),
    }
    return Done(entry, f"{task.label}, {count_bytes(len(bare))} of {len(data):,}")


def _spelled(value: Any) -> str:
    return "{width}x{height}".format(**value) if isinstance(value, dict) else str(value)


def _check_ending(task: Task, data: bytes) -> None:
    """Raise UsageError where the output is named after another format than the input has, which `strip` keeps."""
    from unshrink.files.encoders import format_for
    from unshrink.files.sniff import sniff

    if task.output == STREAM:
        return
    kind = sniff(data, task.source.label).kind
    if format_for(task.output) != kind:
        raise UsageError(f"{task.source.label} is a {kind.upper()}, and strip keeps it one: name {task.output} so.")


def _describe(label: str, entry: Entry) -> str:
    sections = ", ".join(f"{name} {size:,}" for name, size in entry["sections"].items()) or "none"
    alpha = "" if entry["alpha"] == "none" else f", alpha {entry['alpha']}"
    kept = ", and the model's own in the alpha channel" if entry["carrier"] == "alpha" else ""
    colours = ("grey" if entry["grey"] else "colour") + alpha
    version = f"version {entry['version']}, " if entry["version"] else "of which only the pixels are left, "
    weights = f", weights {entry['weights'][:12]}" if entry["weights"] else ""
    lines = [
        f"{label}: LR file, {version}in {entry['format'].upper()}",
        f"  small      {_spelled(entry['lr_size'])}, {count_bytes(entry['lr_bytes'])}",
        f"  original   {_spelled(entry['size'])}, {colours}",
        f"  colours    {entry['profile'] or 'no profile, or one without a name'}",
        f"  model      {entry['model']}, scale {_spelled(entry['scale'])}{weights}",
        f"  payload    {count_bytes(entry['payload_bytes'])} ({sections}){kept}",
    ]
    if entry["carrier"] == "pixels":
        lines += [f"  pixels     {_carrying(entry['pixels'])}"]
    unseen = "the pixels" if entry["version"] else "restoring"
    intact = f"yes, as far as can be told without {unseen}" if entry["intact"] else "NO; try verify"
    return "\n".join([*lines, f"  intact     {intact}"])


def _carrying(pixels: Entry | None) -> str:
    if pixels is None:
        return "carry nothing any more; try verify"
    return f"carry {count_bytes(pixels['bytes'])} ({pixels['kind']})"
