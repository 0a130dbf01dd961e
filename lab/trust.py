"""How often trust was tried: `python -m lab.trust`, into docs/results/trust.json and docs/security.md.

Damaged and mutated files, and writers that are stopped: what came of each trial is counted. An outcome that is not one
of the right ones is a fault; the command names it and ends with exit code 1.
"""

from __future__ import annotations

import argparse
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

import numpy as np

from lab.command import answer, write_json
from lab.pages import fill, markdown_table
from lab.survival import SORTS, sample
from lab.wild import pictures, verdict
from unshrink.errors import DamagedLRFileError, NotAnLRFileError, UnshrinkError
from unshrink.files.lrfile import LRFile, decode
from unshrink.files.picture import Picture, read_picture
from unshrink.rescale import Engine

PAGE, RESULTS = Path("docs/security.md"), Path("docs/results/trust.json")
CONTAINERS = ("png", "webp", "tiff")
TIMES = 10_000
"""Mutations of pictures, and flips in LR files."""
WORST = 10.0
"""Seconds that no file may take."""
_BYTES = 3_000_000
_WRITE = """
import sys
from unshrink.files.disk import write_bytes
print("ready", flush=True)
for number in range(10**6):
    write_bytes(sys.argv[1], bytes([number % 251]) * 3_000_000, overwrite=True)
"""

Outcomes = Iterator[str]
Pick = np.random.Generator


@dataclass(frozen=True)
class Trial:
    """Something tried many times."""

    outcomes: Callable[[int], Outcomes]
    """What came of so many tries."""
    right: tuple[str, ...]
    """What may come of it."""
    share: int = 1
    """One such try for so many of the others."""


def run(times: int) -> dict[str, dict[str, int]]:
    """How often each outcome came, by trial."""
    return {name: dict(Counter(trial.outcomes(max(1, times // trial.share)))) for name, trial in TRIALS.items()}


def faults(counts: dict[str, dict[str, int]]) -> list[str]:
    """The outcomes that are not right, each in a line."""
    return [
        f"{name}: {outcome} ({count} times)"
        for name, outcomes in counts.items()
        for outcome, count in outcomes.items()
        if outcome not in TRIALS[name].right
    ]


def page(counts: dict[str, dict[str, int]]) -> str:
    """A Markdown table."""
    rows = []
    for name, found in counts.items():
        told = [f"{found[outcome]:,} {outcome}" for outcome in TRIALS[name].right if outcome in found]
        wrong = sum(count for outcome, count in found.items() if outcome not in TRIALS[name].right)
        rows.append([name, f"{sum(found.values()):,}", ", ".join(told), str(wrong)])
    return markdown_table(["tried", "times", "came out", "wrong"], rows)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=TIMES, help="mutations and flips [default: %(default)s]")
    times = parser.parse_args(arguments).times

    def work() -> None:
        counts = run(times)
        sys.stdout.write(page(counts) + "\n")
        if wrong := faults(counts):
            raise UnshrinkError("\n".join(wrong))
        write_json(RESULTS, counts)
        fill(PAGE, "python -m lab.trust", page(counts))

    return answer(work)


def _wild(times: int) -> Outcomes:
    del times
    return map(verdict, pictures().values())


def _mutated(times: int) -> Outcomes:
    rng, wild = np.random.default_rng(0), list(pictures().values())
    for number in range(times):
        data, start = _mutate(wild[number % len(wild)].data, rng), time.monotonic()
        outcome = _outcome(partial(read_picture, data))
        yield outcome if time.monotonic() - start < WORST else f"took longer than {WORST:g} s"


def _outcome(read: Callable[[], object]) -> str:
    try:
        read()
    except UnshrinkError:
        return "refused"
    except Exception as error:  # noqa: BLE001 - what is counted here is that there is none
        return f"foreign exception {type(error).__name__}: {error}"
    return "read"


def _mutate(data: bytes, rng: Pick) -> bytes:
    """Some bytes changed, and perhaps a piece taken out, doubled or moved."""
    changed = bytearray(data or b"\0")
    for _ in range(int(rng.integers(1, 8))):
        changed[int(rng.integers(len(changed)))] = int(rng.integers(256))
    start = int(rng.integers(len(changed)))
    piece = changed[start : start + int(rng.integers(1, 40))]
    way = int(rng.integers(4))
    if way == 1:
        del changed[start : start + len(piece)]
    elif way == 2:
        changed[start:start] = piece
    elif way == 3:
        at = int(rng.integers(len(changed)))
        changed[at:at] = piece
    return bytes(changed)


@cache
def _files() -> list[tuple[bytes, LRFile]]:
    """LR files of every sort in every container, with what is in them."""
    engine = Engine()
    made = [engine.down(sample(96), order) for order in SORTS.values()]
    return [(small.encode(kind), small.lrfile) for small in made for kind in CONTAINERS]


def _flipped(times: int) -> Outcomes:
    rng, files = np.random.default_rng(1), _files()
    for number in range(times):
        data, made = files[number % len(files)]
        changed = bytearray(data)
        changed[int(rng.integers(len(data)))] ^= 1 << int(rng.integers(8))
        yield _restores(bytes(changed), made)


def _cut(times: int) -> Outcomes:
    rng, files = np.random.default_rng(2), _files()
    for number in range(times):
        data, made = files[number % len(files)]
        yield _restores(data[: int(rng.integers(len(data)))], made)


def _restores(data: bytes, made: LRFile) -> str:
    """Whether what `up` would get of a file is what was written: it restores from nothing else."""
    found: list[LRFile] = []
    outcome = _outcome(lambda: found.append(decode(data)))
    if outcome != "read":
        return outcome
    same = np.array_equal(found[0].picture.samples, made.picture.samples) and found[0].header == made.header
    if not same or dict(found[0].sections) != dict(made.sections):
        return "another picture"
    return "the same, with a note" if found[0].picture.notes else "the same"


def _repainted(times: int) -> Outcomes:
    """Pixels alone, with one bit of one sample changed."""
    rng, engine = np.random.default_rng(3), Engine()
    small = engine.down(sample(160), SORTS["hidden-avif"]).lrfile.picture
    expected = engine.up(Picture(small.rgb).encode("png")).rgb
    for _ in range(times):
        rgb = small.rgb.copy()
        rgb.ravel()[int(rng.integers(rgb.size))] ^= 1 << int(rng.integers(8))
        try:
            same = np.array_equal(engine.up(Picture(rgb).encode("png")).rgb, expected)
        except (DamagedLRFileError, NotAnLRFileError):
            yield "refused"
            continue
        yield "the same" if same else "another picture"


def _stopped(times: int, *, number: signal.Signals) -> Outcomes:
    """A writer that overwrites one file over and over, stopped."""
    rng = np.random.default_rng(4)
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder, "out.bin")
        target.write_bytes(bytes(_BYTES))
        for _ in range(times):
            writer = subprocess.Popen([sys.executable, "-c", _WRITE, str(target)], stdout=-1, stderr=-1)
            if writer.stdout is not None:
                writer.stdout.readline()
            time.sleep(float(rng.random()) * 0.15)
            writer.send_signal(number)
            writer.communicate()
            data = target.read_bytes()
            yield "whole" if len(data) == _BYTES and data.count(data[:1]) == _BYTES else "half a file"


_HONEST = ("the same", "the same, with a note", "refused")
TRIALS = {
    "pictures of every kind": Trial(_wild, ("shown", "refused")),
    "pictures with bytes changed, taken out, doubled, moved": Trial(_mutated, ("read", "refused")),
    "LR files with a bit flipped": Trial(_flipped, _HONEST),
    "LR files cut short": Trial(_cut, _HONEST, share=4),
    "pixels alone (`hidden-avif`) with a bit flipped": Trial(_repainted, ("the same", "refused"), share=10),
    "kill -9 while a file is overwritten": Trial(partial(_stopped, number=signal.SIGKILL), ("whole",), share=200),
    "Ctrl-C while a file is overwritten": Trial(partial(_stopped, number=signal.SIGINT), ("whole",), share=200),
}
"""By what the table calls them."""


if __name__ == "__main__":
    sys.exit(main())
