"""What a job has to do: the pictures of a folder that are missing from what an earlier run left, or have changed."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from unshrink.cluster.manifest import Known, Past, Row
from unshrink.cluster.places import Entry
from unshrink.cluster.work import Work
from unshrink.errors import UsageError


@dataclass(frozen=True)
class Shard:
    """One of several equal shares of a job, from 1. A picture's name decides which it is in, for good."""

    number: int = 1
    of: int = 1

    def __post_init__(self) -> None:
        if not 1 <= self.number <= self.of:
            raise UsageError(f"A shard is 1/{max(1, self.of)} to {max(1, self.of)}/{max(1, self.of)}, not {self}.")

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"

    def holds(self, name: str) -> bool:
        """Whether a picture is in this one."""
        digest = hashlib.sha256(name.encode("utf-8", "surrogateescape")).digest()
        return int.from_bytes(digest[:8], "big") % self.of == self.number - 1


@dataclass(frozen=True)
class Item:
    """One picture to do."""

    input: str
    output: str
    bytes: int
    stamp: str
    standing: Known | None = None
    """Of the output that stands, made as asked of an input with another stamp; None where it has to be made."""


@dataclass(frozen=True)
class Plan:
    """What there is to do, and what there is not."""

    due: tuple[Item, ...]
    """Large ones first, so that no worker has one left when all others are done."""
    refused: tuple[Row, ...]
    """Those that cannot be done because of their names."""
    before: Counter[str]
    """How many pictures earlier runs have settled, by status."""
    others: int
    """Files that are no pictures by their names."""

    def rows(self, asked: str) -> list[Row]:
        """What the manifest says before work begins."""
        due = (Row(item.input, "due", item.output, input_bytes=item.bytes, asked=asked) for item in self.due)
        return [*self.refused, *due]


def plan(
    found: Mapping[str, Entry],
    made: Mapping[str, Entry],
    past: Past,
    work: Work,
    shard: Shard,
    *,
    overwrite: bool = False,
) -> Plan:
    """The plan for the pictures `found`, where `made` is there already and earlier runs have left `past`.

    An output that is there and was not planned by an earlier run is another's, and is refused without `overwrite`.
    """
    names = outputs_of([name for name in found if work.fits(name)], work)
    meeting = Counter(names.values())
    due, refused, before = [], [], Counter[str]()
    for name, output in names.items():
        if not shard.holds(name):
            continue
        entry, known = found[name], past.known.get(name)
        problem = _problem(name, output, meeting[output])
        if problem is None and output in made and output not in past.outputs and not overwrite:
            problem = f"{output} is there already, and no row of the manifest speaks of it; --overwrite replaces it."
        if problem is not None:
            refused.append(Row(_text(name), "again", error=problem, stamp=entry.stamp))
        elif known is not None and _settled(known, entry, output, made, work.asked):
            before[known.status] += 1
        else:
            due.append(_item(entry, output, known, made, work.asked))
    due.sort(key=lambda item: (-item.bytes, item.input))
    return Plan(tuple(due), tuple(refused), before, len(found) - len(names))


def outputs_of(names: list[str], work: Work) -> dict[str, str]:
    """The output of each input: in the same folder, as `rename` names it; with its whole name where two would meet."""
    plain = {name: _beside(name, work, whole=False) for name in names}
    met = Counter(plain.values())
    return {name: _beside(name, work, whole=True) if met[output] > 1 else output for name, output in plain.items()}


def _beside(name: str, work: Work, *, whole: bool) -> str:
    path = PurePosixPath(name)
    return str(path.parent / work.rename(path, whole=whole))


def _problem(name: str, output: str, meeting: int) -> str | None:
    if meeting > 1:
        return f"{_text(output)} would be made of several inputs; give them other names."
    return None if name == _text(name) else "the name is not text; rename the file."


def _text(name: str) -> str:
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def _settled(known: Known, entry: Entry, output: str, made: Mapping[str, Entry], asked: str) -> bool:
    if known.asked != asked or known.stamp != entry.stamp or known.status in ("due", "again"):
        return False
    return known.status != "done" or (known.output == output and _stands(known, made))


def _stands(known: Known, made: Mapping[str, Entry]) -> bool:
    return known.output is not None and known.output in made and made[known.output].bytes == known.output_bytes


def _item(entry: Entry, output: str, known: Known | None, made: Mapping[str, Entry], asked: str) -> Item:
    same = known is not None and known.status == "done" and known.asked == asked and known.output == output
    standing = known if known is not None and same and _stands(known, made) else None
    return Item(entry.name, output, entry.bytes, entry.stamp, standing)
