"""What an earlier run has finished, told from what is half done and from what was made of other things or otherwise."""

from __future__ import annotations

from pathlib import Path

from unshrink.errors import NotAnLRFileError, UnshrinkError
from unshrink.files.lrfile import decode, inspect
from unshrink.files.origin import Origin, decode_origin
from unshrink.files.picture import read_picture
from unshrink.rescale import Engine, Order, plan_from_pixels
from unshrink.rescale.sizes import target_for


def other_than(path: Path, made_of: Origin, engine: Engine, order: Order) -> str | None:
    """How the file at `path` differs from what `down` would make by `order` of that origin; None where it does not."""
    try:
        lrfile = decode(path.read_bytes(), name=str(path))
    except (UnshrinkError, OSError):
        return "is no whole LR file"
    found = decode_origin(lrfile.sections)
    if found is None:
        return "does not say what it was made of"
    if found.digest != made_of.digest:
        return "was made of another file"
    spec = engine.chosen(order)
    if (lrfile.header.model, lrfile.header.weights) != (spec.name, engine.newest(spec.name)):
        return f"was made with {lrfile.header.model}, weights {lrfile.header.weights[:12]}"
    if lrfile.picture.size != target_for(order.wish, lrfile.header.size, spec.scale).size:
        return "is of another size"
    return None if found.options == made_of.options else f"was made with {_spelled(found)}"


def not_restored(path: Path, source: Path, data: bytes) -> str | None:
    """Why the picture at `path` is not what `up` makes of the LR file `data` at `source`; None where it is.

    A restored picture says nothing of itself, so this goes by its size and by which of the two is newer.
    """
    try:
        if read_picture(path).size != _size_of(data, source):
            return "is of another size"
        return "is older than the LR file" if path.stat().st_mtime < source.stat().st_mtime else None
    except (UnshrinkError, OSError):
        return "is no whole picture"


def _size_of(data: bytes, source: Path) -> tuple[int, ...] | None:
    """The size of the original, as the LR file says it or, where only its pixels are left, these."""
    try:
        return tuple(inspect(data, name=str(source))["header"]["size"])
    except NotAnLRFileError:
        plan = plan_from_pixels(read_picture(data))
        return None if plan is None else plan.size


def _spelled(origin: Origin) -> str:
    return ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in origin.options.items()) or "the defaults"
