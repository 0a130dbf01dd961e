"""From the names on the command line to a list of tasks: which file is read, and which is written."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from unshrink.errors import UnknownNameError, UnreadableInputError, UsageError

STREAM = "-"
"""Stands for standard input or output."""

SMALL_ENDINGS = {"png": ".png", "webp": ".webp", "tiff": ".tif"}
"""Formats of LR files, and the ending of each where we choose the name."""
PICTURE_ENDINGS = SMALL_ENDINGS | {"jpeg": ".jpg", "bmp": ".bmp"}
"""The same for restored pictures."""
_MARK = re.compile(r"\.(x\d+(\.\d+)?(x\d+(\.\d+)?)?|\d+x\d+|max\d+)$")


@dataclass(frozen=True)
class Found:
    """One input."""

    name: str
    """Its path, or "-" for standard input."""
    listed: bool = False
    """Found in a folder or by a pattern, not named itself: what does not fit is passed over with a note."""

    @property
    def label(self) -> str:
        """How people are told of it."""
        return "standard input" if self.name == STREAM else self.name


@dataclass(frozen=True)
class Task:
    """One input and where its result goes."""

    source: Found
    output: str = ""
    """A path, or "-" for standard output; empty for commands that write none."""
    folder: str | None = None
    """The output folder that was named, which may have to be made."""
    problem: UsageError | None = None
    """Why this task cannot be done although others can."""

    @property
    def label(self) -> str:
        """How people are told of it: where from, and where to."""
        output = "standard output" if self.output == STREAM else self.output
        return f"{self.source.label} -> {output}"


def split_names(
    names: Sequence[str], out: str | None, may_replace: Callable[[Path], bool]
) -> tuple[list[str], str | None]:
    """Tell inputs from the output: `IN`, `IN OUT`, `IN... FOLDER`, or any number of inputs where `out` is given.

    Of two names the second is OUT, as with cp. If OUT is an existing file that `may_replace` says was not made by this
    command, it is more likely an input (`*.jpg` that matched two files), and a UsageError says how to write it.
    """
    if out is not None or len(names) == 1:
        return list(names), out
    *inputs, last = names
    if last == STREAM or is_folder(last):
        return inputs, last
    if len(names) > 2:
        return list(names), None
    if Path(last).is_file() and not may_replace(Path(last)):
        raise UsageError(
            f"Of two names the second is the output, and {last} is a file that this command did not make; "
            "use -o NAME for the output, or -o FOLDER to read both."
        )
    return inputs, last


def expand(names: Sequence[str]) -> list[Found]:
    """Folders to the files directly in them, patterns to what they match, each file once, in order.

    Raises UnreadableInputError for a pattern that matches nothing and a folder without files.
    """
    found: dict[str, Found] = {}
    for name in names:
        for item in _expand(name):
            found.setdefault(STREAM if item.name == STREAM else os.path.abspath(item.name), item)
    return list(found.values())


def arrange(
    inputs: Sequence[Found], out: str | None, rename: Callable[[Path], str], may_replace: Callable[[Path], bool]
) -> list[Task]:
    """Give every input its output: beside it under the name `rename` gives, in the folder `out`, or `out` itself.

    No output may be an input, unless it is one that `may_replace` tells to be an earlier output.
    Raises UsageError where several inputs would go to one file.
    """
    several = len(inputs) > 1 or any(item.listed for item in inputs)
    if out is not None and several and not is_folder(out):
        place, hint = ("standard output", "") if out == STREAM else (out, f" ({out}/)")
        raise UsageError(f"{len(inputs)} inputs cannot all be written to {place}; name a folder{hint}.")
    read = {os.path.realpath(item.name) for item in inputs if item.name != STREAM}
    folder = out if out is not None and is_folder(out) else None

    def problem(output: str) -> UsageError | None:
        place = os.path.realpath(output)
        if output == STREAM or place not in read or (several and may_replace(Path(place))):
            return None
        return UsageError(f"{output} is an input; name another output with -o.")

    pairs = [(item, _output(item.name, out, rename)) for item in inputs]
    return [Task(item, output, folder, problem(output)) for item, output in pairs]


def is_folder(name: str) -> bool:
    """True for an existing folder, and for a name that can only be one."""
    return name != STREAM and (name.endswith(("/", os.sep)) or os.path.isdir(name))


def ending_for(format: str | None, endings: Mapping[str, str]) -> str:
    """The ending that goes with the value of --format, ".png" for None; UnknownNameError for an unknown one."""
    if format is not None and format not in endings:
        raise UnknownNameError("format", format, endings)
    return endings[format or "png"]


def small_name(path: Path, mark: str, ending: str) -> str:
    """photo.jpg -> photo.x4.png, for the mark "x4"; see `rescale.sizes.Wish`."""
    return f"{path.stem}.{mark}{ending}"


def restored_name(path: Path, ending: str) -> str:
    """photo.x4.png -> photo.restored.png"""
    return _MARK.sub("", path.stem) + f".restored{ending}"


def _expand(name: str) -> Iterator[Found]:
    if name == STREAM:
        yield Found(name)
    elif os.path.isdir(name):
        files = sorted(entry for entry in Path(name).iterdir() if entry.is_file() and not entry.name.startswith("."))
        if not files:
            raise UnreadableInputError(f"The folder {name} holds no files.")
        yield from (Found(str(path), listed=True) for path in files)
    elif glob.has_magic(name) and not os.path.lexists(name):
        matches = sorted(path for path in glob.glob(name, recursive=True) if os.path.isfile(path))
        if not matches:
            raise UnreadableInputError(f"The pattern {name} matches no file.")
        yield from (Found(path, listed=True) for path in matches)
    else:
        yield Found(name)


def _output(name: str, out: str | None, rename: Callable[[Path], str]) -> str:
    if out is not None and not is_folder(out):
        return out
    if name == STREAM:
        return STREAM if out is None else str(Path(out) / rename(Path("stdin")))
    path = Path(name)
    return str((path.parent if out is None else Path(out)) / rename(path))
