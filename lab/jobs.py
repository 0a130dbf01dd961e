"""Thousands of small pictures, some broken, as a job on Ray and as a plain loop: is the manifest whole, what is lost?

    python -m lab.jobs [--pictures 5000] [--looped 1000] [--nodes 2] [--kill] [--json docs/results/jobs.json]

Pictures of 64x64 are drawn, seed 0, one in a hundred cut short. The plain loop reads, shrinks and writes the first of
them with one engine on one core; a job in this process does the same ones, and a job on Ray all, with raylets on this
machine of one processor each. Overhead is in processor seconds of this process and all below it: wall-clock says little
on a machine with other work. With `--kill` a raylet is killed when half is done. Linux only.
"""

from __future__ import annotations

import argparse
import io
import logging
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from lab.command import answer, write_json
from unshrink.cli.options import EngineOptions
from unshrink.cli.tasks import small_name
from unshrink.cluster.here import run_here
from unshrink.cluster.job import Job, Runner
from unshrink.cluster.manifest import Manifest
from unshrink.cluster.places import Place
from unshrink.cluster.work import Shrinking
from unshrink.errors import UnshrinkError
from unshrink.rescale import Order

SIDE = 64
BROKEN = 100
"""One in so many pictures is cut short."""
NODE: dict[str, Any] = {"num_cpus": 1, "object_store_memory": 100_000_000, "include_dashboard": False}


@dataclass
class Clock:
    """Seconds of a block, once it has ended."""

    seconds: float = 0.0
    processor: float = 0.0


@dataclass(frozen=True)
class Run:
    """What one way of doing all pictures took."""

    way: str
    seconds: float
    """Wall-clock, start-up included."""
    processor_seconds: float
    """Of this process and all below it, the start of workers included."""
    picture_seconds: float | None
    """Wall-clock within the work on pictures, summed: reading, shrinking, writing; None for the plain loop."""
    done: int
    failed: int
    rows: int
    """Pictures that the manifest has a final row of; for the plain loop, those it came to."""
    workers: int


def draw(folder: Path, numbers: range) -> None:
    """Write pictures, in folders of a thousand."""
    for index in numbers:
        rng = np.random.default_rng(index)
        coarse = rng.integers(0, 255, (8, 8, 3), dtype=np.uint8)
        stream = io.BytesIO()
        Image.fromarray(coarse).resize((SIDE, SIDE), Image.Resampling.BICUBIC).save(stream, "JPEG", quality=90)
        data = stream.getvalue()
        path = folder / f"{index // 1000:03}" / f"{index:06}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data[: len(data) // 2] if index % BROKEN == BROKEN // 2 else data)


def in_a_loop(work: Shrinking, source: Path, target: Path) -> Run:
    """As one would write it: no manifest, one engine."""
    paths = sorted(source.rglob("*.jpg"))
    with _clock() as clock:
        counts = Counter[str]()
        for path in paths:
            try:
                made = work.make(path.read_bytes(), path.name)
                place = target / path.relative_to(source).with_suffix(".png")
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_bytes(made.data)
                counts["done"] += 1
            except UnshrinkError:
                counts["failed"] += 1
    return Run("plain loop", clock.seconds, clock.processor, None, counts["done"], counts["failed"], counts.total(), 1)


def as_a_job(way: str, work: Shrinking, source: Path, target: Path, runner: Runner) -> Run:
    """With a manifest; a second run must have nothing to do."""
    job = Job(work, Place(str(source)), Place(str(target)))
    with _clock() as clock:
        for _ in job.run(job.plan(), runner):
            pass
    if job.plan().due:
        raise UnshrinkError(f"{len(job.plan().due)} pictures were left by {way}.")
    rows = Manifest(Place(str(target))).rows()
    counts = Counter(row.status for row in rows.values())
    if any(not (target / str(row.output)).is_file() for row in rows.values() if row.status == "done"):
        raise UnshrinkError("The manifest names an output that is not there.")
    inside = sum(row.seconds or 0.0 for row in rows.values())
    workers = len({row.worker for row in rows.values()})
    done, failed = counts["done"], counts["failed"]
    return Run(way, clock.seconds, clock.processor, inside, done, failed, done + failed, workers)


@contextmanager
def raylets(number: int) -> Iterator[Any]:
    """A Ray cluster of that many nodes on this machine, and this process connected to it."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")
    os.environ.setdefault("RAY_worker_niceness", "0")  # by default workers give way to all else: 15
    import ray
    from ray.cluster_utils import Cluster as Nodes

    nodes = Nodes(initialize_head=True, head_node_args=NODE)
    for _ in range(number - 1):
        nodes.add_node(**NODE)
    ray.init(nodes.address, log_to_driver=False, logging_level=logging.ERROR)
    try:
        yield nodes
    finally:
        ray.shutdown()
        nodes.shutdown()  # type: ignore[no-untyped-call]


def on_raylets(nodes: Any, kill: bool) -> Runner:
    """The runner, which kills the last node when half of the pictures are done."""
    from unshrink.cluster.on_ray import Cluster, run_on_ray

    def run(items: Any, doing: Any) -> Iterator[Any]:
        for number, row in enumerate(run_on_ray(items, doing, Cluster())):
            if kill and number == len(items) // 2:
                nodes.remove_node(nodes.list_all_nodes()[-1], allow_graceful=False)
            yield row

    return run


@contextmanager
def _clock() -> Iterator[Clock]:
    """Wall-clock and processor seconds of the block."""
    clock = Clock()
    start, before = time.perf_counter(), _processor_seconds()
    yield clock
    clock.seconds, clock.processor = time.perf_counter() - start, _processor_seconds() - before


def _processor_seconds() -> float:
    """Of this process and all below it, with those of their children that have ended."""
    parents, ticks = {}, {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # ended since
            fields = path.read_text().rpartition(") ")[2].split()
            number = int(path.parent.name)
            parents[number], ticks[number] = int(fields[1]), sum(map(int, fields[11:15]))
    return sum(ticks[one] for one in ticks if _is_below(one, parents)) / os.sysconf("SC_CLK_TCK")


def _is_below(number: int, parents: dict[int, int]) -> bool:
    while number > 1:
        if number == os.getpid():
            return True
        number = parents.get(number, 0)
    return False


def measure(pictures: int, looped: int, nodes: int, kill: bool, model: str) -> list[Run]:
    """All ways, one after the other."""
    rename = partial(small_name, mark="x4", ending=".png")
    work = Shrinking(EngineOptions(threads=1), rename, Order(4, model=model, exact_blocks=False))
    with tempfile.TemporaryDirectory(prefix="unshrink-") as name:
        folder = Path(name)
        draw(folder / "in", range(looped))
        work.load()
        runs = [in_a_loop(work, folder / "in", folder / "loop")]
        here = partial(run_here, workers=1)
        runs.append(as_a_job("manifest, this process", work, folder / "in", folder / "here", here))
        draw(folder / "in", range(looped, pictures))
        with raylets(nodes) as cluster:
            way = f"Ray, {nodes} nodes{', one killed' if kill else ''}"
            runs.append(as_a_job(way, work, folder / "in", folder / "ray", on_raylets(cluster, kill)))
        return runs


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a table, and write JSON if asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=int, default=5000)
    parser.add_argument("--looped", type=int, default=1000)
    parser.add_argument("--nodes", type=int, default=2)
    parser.add_argument("--kill", action="store_true")
    parser.add_argument("--model", default="lite-x4")
    parser.add_argument("--json", type=Path)
    chosen = parser.parse_args(arguments)

    def work() -> None:
        runs = measure(chosen.pictures, chosen.looped, chosen.nodes, chosen.kill, chosen.model)
        sys.stdout.write(table(runs))
        if chosen.json:
            write_json(chosen.json, {**vars(chosen), "json": None, "runs": [asdict(run) for run in runs]})

    return answer(work)


def table(runs: Sequence[Run]) -> str:
    """The runs in Markdown: milliseconds a picture, of processors and on the clock."""
    names = ["way", "pictures", "done", "failed", "workers", "processor ms", "over the loop", "wall ms", "in work"]
    lines = ["| " + " | ".join(names) + " |", "|---|" + "--:|" * (len(names) - 1)]
    for run in runs:
        each, first = (1e3 * one.processor_seconds / one.rows for one in (run, runs[0]))
        inside = "-" if run.picture_seconds is None else f"{1e3 * run.picture_seconds / run.rows:.1f}"
        counts = f"{run.rows:,} | {run.done:,} | {run.failed:,} | {run.workers}"
        times = f"{each:.1f} | {each / first - 1:+.0%} | {1e3 * run.seconds / run.rows:.1f} | {inside}"
        lines.append(f"| {run.way} | {counts} | {times} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
