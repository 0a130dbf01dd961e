"""From the names on the command line to a list of tasks: which file is read, and which is written."""

from __future__ import annotations

import glob
import os
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePath

from unshrink.cli.streams import shown
from unshrink.errors import UnknownNameError, UnreadableInputError, UsageError

STREAM = "-"
"""Stands for standard input or output."""

_TAKEN_OFF = (
    *(".apng", ".avif", ".avifs", ".bmp", ".dib", ".gif", ".heic", ".heif", ".hif", ".jfif", ".jpe", ".jpeg", ".jpg"),
    *(".jxl", ".mpo", ".pbm", ".pgm", ".png", ".pnm", ".ppm", ".tif", ".tiff", ".webp"),
)
"""Endings that say what kind of picture a file is; what else follows a point is part of the name."""
_MARK = re.compile(r"\.(x\d+(\.\d+)?(x\d+(\.\d+)?)?|\d+x\d+|max\d+)$")
_RESTORED = ".restored"

Rename = Callable[[Path, bool], str]
"""The output's name for an input; with True, one that keeps the whole name of the input."""


@dataclass(frozen=True)
class Found:
    """One input."""

    name: str
    """Its path, or "-" for standard input."""
    listed: bool = False
    """Found in a folder or by a pattern, not named itself: what does not fit is passed over with a note."""
    below: str = ""
    """The folders between what was named and the file, which an output folder keeps."""

    @property
    def label(self) -> str:
        """How people are told of it."""
        return "standard input" if self.name == STREAM else shown(self.name)


@dataclass(frozen=True)
class Task:
    """One input and where its result goes."""

    source: Found
    output: str = ""
    """A path, or "-" for standard output; empty for commands that write none."""
    folder: str | None = None
    """The folder of the output, which may have to be made; None where it must be there."""
    problem: UsageError | None = None
    """Why this task cannot be done although others can."""

    @property
    def label(self) -> str:
        """How people are told of it: where from, and where to."""
        output = "standard output" if self.output == STREAM else shown(self.output)
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


def expand(names: Sequence[str], *, recursive: bool = False) -> list[Found]:
    """Folders to the files in them, patterns to what they match, each file once, in order.

    With `recursive` also the files in folders below; hidden ones are left out. Raises UnreadableInputError for a
    pattern that matches nothing and a folder without files.
    """
    found: dict[str, Found] = {}
    for name in names:
        for item in _expand(name, recursive):
            found.setdefault(STREAM if item.name == STREAM else os.path.abspath(item.name), item)
    return list(found.values())


def arrange(
    inputs: Sequence[Found],
    out: str | None,
    rename: Rename,
    may_replace: Callable[[Path], bool],
    fits: Callable[[Found], bool] = lambda found: True,
) -> list[Task]:
    """Give every input its output: beside it under the name `rename` gives, in the folder `out`, or `out` itself.

    An output folder keeps the folders that inputs were found in. Where two would still go to one file, those that lie
    in different folders keep their folders below the common one, and those that differ only in how they end keep their
    whole names. Inputs that `fits` tells to be none of this command's do not count. No output may be an input, unless
    it is one that `may_replace` tells to be an earlier output.
    Raises UsageError where several inputs would go to one file.
    """
    several = len(inputs) > 1 or any(item.listed for item in inputs)
    if out is not None and several and not is_folder(out):
        place, hint = ("standard output", "") if out == STREAM else (out, f" ({out}/)")
        raise UsageError(f"{len(inputs)} inputs cannot all be written to {place}; name a folder{hint}.")
    folder = out if out is not None and is_folder(out) else None
    items, outputs = _distinct(inputs, out, rename, fits)
    read = {os.path.realpath(item.name) for item in inputs if item.name != STREAM}
    meeting = {output for output, met in _meetings(items, outputs, fits).items() if len(met) > 1}

    def problem(output: str) -> UsageError | None:
        place = os.path.realpath(output)
        if output in meeting:
            return UsageError(f"{output} would be made of several inputs; write them to different folders.")
        if output == STREAM or place not in read or (several and may_replace(Path(place))):
            return None
        return UsageError(f"{output} is an input; name another output with -o.")

    return [
        Task(item, output, None if folder is None else os.path.dirname(output) or ".", problem(output))
        for item, output in zip(items, outputs, strict=True)
    ]


def is_folder(name: str) -> bool:
    """True for an existing folder, and for a name that can only be one."""
    return name != STREAM and (name.endswith(("/", os.sep)) or os.path.isdir(name))


def ending_for(format: str | None, endings: Mapping[str, str]) -> str:
    """The ending that goes with the value of --format, ".png" for None; UnknownNameError for an unknown one."""
    if format is not None and format not in endings:
        raise UnknownNameError("format", format, endings)
    return endings[format or "png"]


def small_endings() -> dict[str, str]:
    """Formats of LR files, and the ending of each where we choose the name."""
    from unshrink.files.formats import CONTAINERS

    return {kind: format.endings[0] for kind, format in CONTAINERS.items()}


def picture_endings() -> dict[str, str]:
    """The same for restored pictures."""
    from unshrink.files.formats import WRITTEN

    return {kind: format.endings[0] for kind, format in WRITTEN.items()}


def small_name(path: PurePath, mark: str, ending: str, whole: bool = False) -> str:
    """photo.jpg -> photo.x4.png, for the mark "x4" (see `rescale.sizes.Wish`); photo.jpg.x4.png with `whole`."""
    return f"{path.name if whole else _bare(path)}.{mark}{ending}"


def restored_name(path: PurePath, ending: str, whole: bool = False) -> str:
    """photo.x4.png -> photo.restored.png; photo.x4.png.restored.png with `whole`."""
    return f"{path.name if whole else _MARK.sub('', _bare(path))}{_RESTORED}{ending}"


def is_restored_name(path: PurePath) -> bool:
    """Whether `up` gives such names."""
    return _bare(path).endswith(_RESTORED)


def _bare(path: PurePath) -> str:
    return path.stem if path.suffix.lower() in _TAKEN_OFF else path.name


def _expand(name: str, recursive: bool) -> Iterator[Found]:
    if name == STREAM:
        yield Found(name)
    elif os.path.isdir(name):
        yield from _files_of(name, recursive)
    elif glob.has_magic(name) and not os.path.lexists(name):
        yield from _matches(name)
    else:
        yield Found(name)


def _files_of(name: str, recursive: bool) -> list[Found]:
    found = []
    for folder, folders, files in os.walk(name):
        folders[:] = sorted(entry for entry in folders if recursive and not entry.startswith("."))
        below = os.path.relpath(folder, name)
        for entry in sorted(files):
            if not entry.startswith(".") and os.path.isfile(os.path.join(folder, entry)):
                found.append(Found(str(Path(folder, entry)), listed=True, below="" if below == "." else below))
    if not found:
        hint = "" if recursive or not any(map(os.path.isdir, Path(name).iterdir())) else "; --recursive looks below it"
        raise UnreadableInputError(f"The folder {name} holds no files{hint}.")
    return found


def _matches(pattern: str) -> list[Found]:
    """What a pattern matches; folders that are there under the very name that a part of it has are taken for it."""
    fixed, rest = _fixed_part(pattern)
    patterns = [os.path.join(glob.escape(fixed), rest), os.path.join(glob.escape(fixed), rest.replace("[", "[[]"))]
    for attempt in patterns:
        matches = sorted(path for path in glob.glob(attempt, recursive=True) if os.path.isfile(path))
        if matches:
            return [Found(path, listed=True, below=_below(path, fixed)) for path in matches]
    raise UnreadableInputError(f"The pattern {pattern} matches no file.")


def _fixed_part(pattern: str) -> tuple[str, str]:
    """The folders that a pattern begins with and that are there, and the rest of it."""
    fixed, parts = Path(), Path(pattern).parts
    for number, part in enumerate(parts):
        if not os.path.isdir(fixed / part):
            return str(fixed) if number else "", os.path.join(*parts[number:])
        fixed /= part
    return str(fixed), ""


def _below(path: str, fixed: str) -> str:
    below = os.path.relpath(os.path.dirname(path) or ".", fixed or ".")
    return "" if below == "." else below


def _distinct(
    inputs: Sequence[Found], out: str | None, rename: Rename, fits: Callable[[Found], bool]
) -> tuple[list[Found], list[str]]:
    """The inputs and their outputs, which differ wherever they can; see `arrange`."""
    items = list(inputs)
    outputs = [_output(item, out, rename, False) for item in items]
    meetings = _meetings(items, outputs, fits)
    if any(len(set(map(_folder, met))) > 1 for met in meetings.values()):
        items = _below_common(items)
        outputs = [_output(item, out, rename, False) for item in items]
        meetings = _meetings(items, outputs, fits)
    return items, [
        _output(item, out, rename, True) if len(meetings.get(output, ())) > 1 else output
        for item, output in zip(items, outputs, strict=True)
    ]


def _meetings(items: Sequence[Found], outputs: Sequence[str], fits: Callable[[Found], bool]) -> dict[str, list[Found]]:
    """The inputs that fit, by output, where several inputs have one output; the others are not looked at."""
    shared = Counter(outputs)
    met: dict[str, list[Found]] = {}
    for item, output in zip(items, outputs, strict=True):
        if shared[output] > 1 and fits(item):
            met.setdefault(output, []).append(item)
    return met


def _below_common(items: Sequence[Found]) -> list[Found]:
    try:
        common = os.path.commonpath([_folder(item) for item in items if item.name != STREAM])
    except ValueError:  # different drives
        return list(items)
    return [item if item.name == STREAM else replace(item, below=_below(item.name, common)) for item in items]


def _folder(item: Found) -> str:
    return os.path.dirname(os.path.abspath(item.name))


def _output(item: Found, out: str | None, rename: Rename, whole: bool) -> str:
    if out is not None and not is_folder(out):
        return out
    if item.name == STREAM:
        return STREAM if out is None else str(Path(out) / rename(Path("stdin"), whole))
    path = Path(item.name)
    return str((path.parent if out is None else Path(out) / item.below) / rename(path, whole))
