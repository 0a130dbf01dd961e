"""One picture from its store to its store, as a row of the manifest: nothing that goes wrong with it escapes."""

from __future__ import annotations

import hashlib
import os
import socket
import time
from dataclasses import dataclass, replace

from unshrink.cluster.manifest import Known, Row, Status
from unshrink.cluster.places import Place
from unshrink.cluster.plan import Item
from unshrink.cluster.work import LeftAlone, Made, Work
from unshrink.errors import LimitError, UnshrinkError


@dataclass(frozen=True)
class Doing:
    """What a worker is given: the work, and where from and where to."""

    work: Work
    source: Place
    target: Place

    def __call__(self, item: Item) -> Row:
        """Read, make, write, and say what became of it. A picture that fails is a row, never an exception."""
        start = time.perf_counter()
        row = Row(item.input, "due", input_bytes=item.bytes, stamp=item.stamp, asked=self.work.asked, worker=_worker())
        row = self._read_and_do(item, row)
        return replace(row, seconds=round(time.perf_counter() - start, 4), at=time.time())

    def _read_and_do(self, item: Item, row: Row) -> Row:
        try:
            data = self.source.read(item.input, self.work.limits())
        except UnshrinkError as error:
            return _ended(row, "failed", error)
        except Exception as error:  # noqa: BLE001 - of any kind, as stores have them: the next run tries again
            return _ended(row, "again", error)
        row = replace(row, input_bytes=len(data), input_sha256=hashlib.sha256(data).hexdigest())
        if item.standing is not None and item.standing.input_sha256 == row.input_sha256:
            return self._as_it_stands(item, row, item.standing)
        return self._do(item, row, data)

    def _do(self, item: Item, row: Row, data: bytes) -> Row:
        try:
            made = self.work.make(data, item.input)
        except LeftAlone as reason:
            return replace(row, status="passed over", error=str(reason))
        except (MemoryError, LimitError) as error:
            return _ended(row, "again", error)  # a machine with more memory may do it
        except Exception as error:  # noqa: BLE001 - one picture that nobody foresaw must not end a million others
            return _ended(row, "failed", error)
        try:
            self.target.write(item.output, made.data)
        except Exception as error:  # noqa: BLE001 - as above
            return _ended(row, "again", error)
        return _made(item, row, made)

    def _as_it_stands(self, item: Item, row: Row, known: Known) -> Row:
        """For an input that has a new time and the same bytes."""
        try:
            data = self.target.read(item.output, self.work.limits())
        except Exception as error:  # noqa: BLE001 - as above
            return _ended(row, "again", error)
        return _made(item, row, Made(data, known.scores))


def lost(item: Item, doing: Doing) -> Row:
    """The row of a picture whose worker was stopped."""
    sentence = "its worker was stopped, perhaps for want of memory; the next run tries again."
    return Row(item.input, "again", error=sentence, stamp=item.stamp, asked=doing.work.asked, input_bytes=item.bytes)


def _made(item: Item, row: Row, made: Made) -> Row:
    digest = hashlib.sha256(made.data).hexdigest()
    done = replace(row, status="done", output=item.output, output_bytes=len(made.data), output_sha256=digest)
    return replace(done, **made.scores)  # type: ignore[arg-type]


def _ended(row: Row, status: Status, error: BaseException) -> Row:
    told = str(error) if isinstance(error, UnshrinkError) else f"{type(error).__name__}: {error}"
    return replace(row, status=status, error=" ".join(told.encode("utf-8", "backslashreplace").decode().split()))


def _worker() -> str:
    return f"{socket.gethostname()}:{os.getpid()}"
