"""The manifest of a job: a folder of Parquet files, each written whole, in which the last row of a picture counts."""

from __future__ import annotations

import io
import secrets
import time
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal, NamedTuple

from unshrink.cluster.places import HINT, MANIFEST, Place
from unshrink.errors import UnreadableInputError, UsageError
from unshrink.limits import DEFAULT_LIMITS

Status = Literal["due", "done", "passed over", "failed", "again"]
"""`due`: planned, and not done yet. `passed over`: not for this command. `failed`: the picture's own fault, so it is
not tried again until it changes. `again`: something else's fault, such as the store's; the next run tries again."""

ROWS = 1000
"""Of a part at most."""
SECONDS = 30.0
"""After which a part is written in any case."""


@dataclass(frozen=True, slots=True)
class Row:
    """What is known of one picture. Paths are below the job's folders; dB are null where nothing was measured."""

    input: str
    status: Status
    output: str | None = None
    error: str | None = None
    input_bytes: int | None = None
    output_bytes: int | None = None
    input_sha256: str | None = None
    output_sha256: str | None = None
    psnr_y: float | None = None
    psnr_rgb: float | None = None
    lr_psnr_y: float | None = None
    lr_psnr_rgb: float | None = None
    seconds: float | None = None
    worker: str | None = None
    """Host and process."""
    stamp: str | None = None
    """The input's size, and the store's mark of this version of it."""
    asked: str | None = None
    """What was asked, with model and weights, as JSON."""
    at: float = field(default_factory=time.time)
    """Seconds since 1970."""


class Known(NamedTuple):
    """What a later run has to know of a picture."""

    status: str
    output: str | None
    output_bytes: int | None
    input_sha256: str | None
    stamp: str | None
    asked: str | None
    psnr_y: float | None = None
    psnr_rgb: float | None = None
    lr_psnr_y: float | None = None
    lr_psnr_rgb: float | None = None

    @property
    def scores(self) -> dict[str, float | None]:
        """Decibels, by column."""
        return {name: getattr(self, name) for name in self._fields if "psnr" in name}


class Past(NamedTuple):
    """What earlier runs have left."""

    known: dict[str, Known]
    """By input."""
    outputs: set[str]
    """Every output that is this manifest's."""


class Manifest:
    """Reads and writes the manifest beside a job's outputs. Raises UsageError without pyarrow."""

    def __init__(self, target: Place, writer: str = "1-1") -> None:
        try:
            import pyarrow  # noqa: F401
        except ImportError as error:
            raise UsageError(f"A manifest is written with pyarrow: {HINT}.") from error
        self.place = target.below(MANIFEST)
        self._writer = writer
        self._rows: list[Row] = []
        self._since = time.monotonic()

    def past(self) -> Past:
        """What stands in it. Raises UnreadableInputError for a part that is none."""
        past = Past({}, set())
        for name in self.place.parts():
            for values in self._read(name, ["input", *Known._fields]):
                known = Known(*values[1:])
                past.known[values[0]] = known
                if known.output is not None:
                    past.outputs.add(known.output)
        return past

    def rows(self) -> dict[str, Row]:
        """The row that counts for every picture."""
        names = [column.name for column in fields(Row)]
        found = (Row(*values) for part in self.place.parts() for values in self._read(part, names))
        return {row.input: row for row in found}

    def add(self, row: Row) -> None:
        """One more row; written with others, at the latest after half a minute or by `commit`."""
        self._rows.append(row)
        if len(self._rows) >= ROWS or time.monotonic() - self._since > SECONDS:
            self.commit()

    def commit(self, rows: Iterable[Row] = ()) -> None:
        """Write what was added, and `rows`, as one part."""
        rows, self._rows = [*self._rows, *rows], []
        self._since = time.monotonic()
        if rows:
            name = f"part-{time.time_ns():020d}-{self._writer}-{secrets.token_hex(4)}.parquet"
            self.place.write(name, encode(rows))

    def _read(self, name: str, columns: list[str]) -> Iterator[tuple[Any, ...]]:
        import pyarrow
        import pyarrow.parquet

        try:
            data = self.place.read(name, DEFAULT_LIMITS)
            table = pyarrow.parquet.read_table(pyarrow.BufferReader(data), columns=columns)
            held = [table.column(column).to_pylist() for column in columns]
        except (pyarrow.ArrowException, KeyError, UnicodeDecodeError) as error:
            raise UnreadableInputError(f"{self.place.url}/{name} is no part of a manifest; take it away.") from error
        yield from zip(*held, strict=True)


def schema() -> Any:
    """The columns, for pyarrow."""
    import pyarrow

    kinds = {"str": pyarrow.string(), "int": pyarrow.int64(), "float": pyarrow.float64(), "Status": pyarrow.string()}
    return pyarrow.schema([(column.name, kinds[str(column.type).split(" ")[0]]) for column in fields(Row)])


def table_of(rows: Iterable[Row]) -> Any:
    """Rows as an Arrow table."""
    import pyarrow

    return pyarrow.Table.from_pylist([asdict(row) for row in rows], schema())


def encode(rows: Iterable[Row]) -> bytes:
    """Rows as the bytes of a Parquet file."""
    import pyarrow.parquet

    stream = io.BytesIO()
    pyarrow.parquet.write_table(table_of(rows), stream, compression="zstd")
    return stream.getvalue()
