"""`down` and `up` as jobs with a manifest: whole trees, in shards, in several processes or on a Ray cluster."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from unshrink.cli.options import EngineOptions, JobOptions, RunOptions
from unshrink.cli.output import SAME, Output
from unshrink.cli.tasks import STREAM, picture_endings, restored_name
from unshrink.cli.view import View, megabytes
from unshrink.cluster.doing import Doing
from unshrink.cluster.here import run_here
from unshrink.cluster.job import Job, Runner, Tally
from unshrink.cluster.manifest import Row
from unshrink.cluster.places import MANIFEST, Place
from unshrink.cluster.plan import Shard
from unshrink.cluster.work import Rename, Restoring, Shrinking, Work
from unshrink.errors import UnshrinkError, UsageError
from unshrink.rescale.order import Order

if TYPE_CHECKING:
    from unshrink.cli.rescaling import Restoration

TOLD = 20
"""Pictures that failed and are named on standard error; the manifest has all."""


def shrink_all(
    names: Sequence[str],
    machine: EngineOptions,
    rename: Rename,
    order: Order,
    format: str,
    measure: bool,
    run: RunOptions,
    job: JobOptions,
) -> int:
    """`down` on a whole tree. Returns the exit code."""
    return _run("down", names, Shrinking(machine, rename, order, format, measure), run, job)


def restore_all(
    names: Sequence[str], machine: EngineOptions, asked: Restoration, output: Output, run: RunOptions, job: JobOptions
) -> int:
    """`up` on a whole tree. Returns the exit code."""
    if output.format == SAME:
        raise UsageError("A manifest names every output before its input is read; name one --format for all.")
    format = output.format or "png"
    rename = partial(restored_name, ending=picture_endings()[format])
    work = Restoring(machine, rename, asked.dial, format, output.quality, asked.plain, asked.scale, asked.model)
    return _run("up", names, work, run, job)


def _run(command: str, names: Sequence[str], work: Work, run: RunOptions, options: JobOptions) -> int:
    source, target = _places(names, run)
    job = Job(work, source, target, _shard(options.shard), run.overwrite)
    view, start = View(json_mode=run.json, quiet=run.quiet), time.perf_counter()
    plan = job.plan()
    tally, failures = Tally(plan), list[Row]()
    runner = _runner(job, run, options, len(plan.due))
    try:
        with view.progress(len(plan.due)):
            for row in job.run(plan, runner):
                tally.add(row)
                _tell(view, row, failures)
                view.step(row.input, done=tally.now.total())
    finally:
        view.document(_document(command, target, tally, failures))
        view.result(_summary(target, tally, time.perf_counter() - start))
    return UnshrinkError.exit_code if failures else 0


def _places(names: Sequence[str], run: RunOptions) -> tuple[Place, Place]:
    given = [*names, *([] if run.out is None else [run.out])]
    if len(given) != 2 or STREAM in given:
        raise UsageError("A job with a manifest goes from one folder or URL to another: IN OUT.")
    if run.skip_existing or run.keep_mtime:
        raise UsageError("--skip-existing and --keep-mtime are not for jobs with a manifest, which knows what is done.")
    source, target = Place(given[0]), Place(given[1])
    if run.jobs != 1 and (source.of_one_process or target.of_one_process):
        raise UsageError("memory:// is seen by one process only; leave out --jobs.")
    return source, target


def _shard(given: str | None) -> Shard:
    if given is None:
        return Shard()
    number, _, of = given.partition("/")
    if not (number.isascii() and number.isdigit() and of.isascii() and of.isdigit()):
        raise UsageError(f"A shard is written as 3/16, the third of sixteen, not {given}.")
    return Shard(int(number), int(of))


def _runner(job: Job, run: RunOptions, options: JobOptions, pictures: int) -> Runner:
    if options.on is None:
        workers = run.workers(pictures)
        return lambda items, doing: run_here(items, _shared(doing, workers), workers)
    from unshrink.cluster.on_ray import Cluster, run_on_ray

    if run.jobs != 1:
        raise UsageError("--jobs is for this machine; with --on ray it is --actors.")
    if job.source.of_one_process or job.target.of_one_process:
        raise UsageError("memory:// is seen by one process only; not by a cluster.")
    cluster = Cluster(options.address, options.actors, options.gpu_share)
    return lambda items, doing: run_on_ray(items, doing, cluster)


def _shared(doing: Doing, workers: int) -> Doing:
    return doing if workers == 1 else replace(doing, work=doing.work.shared(workers))


def _tell(view: View, row: Row, failures: list[Row]) -> None:
    if row.status not in ("failed", "again"):
        return
    failures.append(row)
    if len(failures) <= TOLD:
        view.error(f"{row.input}: {row.error}")
    if len(failures) == TOLD:
        view.note("further failures are in the manifest only")


def _summary(target: Place, tally: Tally, seconds: float) -> str:
    settled = f"; settled before: {_counts(tally.plan.before)}" if tally.plan.before else ""
    sizes = f"; {megabytes(tally.read)} read, {megabytes(tally.written)} written" if tally.written else ""
    return f"{_counts(tally.now) or 'nothing to do'}{settled}{sizes}; {seconds:.1f} s; {target.url}/{MANIFEST}"


def _counts(counts: Counter[str]) -> str:
    words = {"done": "done", "passed over": "passed over", "failed": "failed", "again": "to be tried again"}
    return ", ".join(f"{counts[status]} {word}" for status, word in words.items() if counts[status])


def _document(command: str, target: Place, tally: Tally, failures: Sequence[Row]) -> dict[str, object]:
    result = {
        "manifest": f"{target.url}/{MANIFEST}",
        "now": dict(tally.now),
        "before": dict(tally.plan.before),
        "left": len(tally.plan.due) + len(tally.plan.refused) - tally.now.total(),
    }
    failed = [{"input": row.input, "error": row.status, "message": row.error} for row in failures]
    return {"command": command, "results": [result], "failed": failed, "passed_over": []}
