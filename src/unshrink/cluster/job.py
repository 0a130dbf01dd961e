"""A whole job: what is there, what is due, the work, and the manifest of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from unshrink.cluster.doing import Doing
from unshrink.cluster.manifest import Manifest, Row
from unshrink.cluster.places import Place
from unshrink.cluster.plan import Item, Plan, Shard, plan
from unshrink.cluster.work import Work
from unshrink.errors import UnreadableInputError

Runner = Callable[[Sequence[Item], Doing], Iterator[Row]]
"""Does every picture somewhere, and gives its row when it is done; each picture has exactly one."""


@dataclass
class Tally:
    """How a job stands."""

    plan: Plan
    now: Counter[str] = field(default_factory=Counter)
    """Rows of this run, by status."""
    read: int = 0
    written: int = 0

    def add(self, row: Row) -> None:
        """Count one picture."""
        self.now[row.status] += 1
        self.read += row.input_bytes or 0
        self.written += row.output_bytes or 0


@dataclass(frozen=True)
class Job:
    """The pictures below `source`, each to the same folder below `target`, where the manifest is, too."""

    work: Work
    source: Place
    target: Place
    shard: Shard = field(default_factory=Shard)
    overwrite: bool = False

    def plan(self) -> Plan:
        """What there is to do. Raises UnreadableInputError where there are no files."""
        found = self.source.find()
        if not found:
            raise UnreadableInputError(f"The folder {self.source.url} holds no files.")
        return plan(found, self.target.find(), self._manifest().past(), self.work, self.shard, overwrite=self.overwrite)

    def run(self, what: Plan, runner: Runner) -> Iterator[Row]:
        """Do it, and give every row; what is done when an exception comes is written to the manifest."""
        manifest = self._manifest()
        manifest.commit(what.rows(self.work.asked))
        try:
            yield from what.refused
            for row in runner(what.due, Doing(self.work, self.source, self.target)):
                manifest.add(row)
                yield row
        finally:
            manifest.commit()

    def _manifest(self) -> Manifest:
        return Manifest(self.target, f"{self.shard.number}-{self.shard.of}")
