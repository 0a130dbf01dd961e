"""Many inputs in several processes, each with one thread and a network of its own; results in the order of inputs."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.context import SpawnContext
from multiprocessing.queues import SimpleQueue
from typing import Any

from unshrink.cli.batch import Job, Outcome, attempt, failure
from unshrink.cli.tasks import Task
from unshrink.cli.view import View
from unshrink.errors import UnshrinkError
from unshrink.threads import wait_passively

Steps = SimpleQueue[Any]
"""Of (process, name of the picture, step); None ends it."""

_job: Job
_steps: Steps


def in_processes(tasks: Sequence[Task], job: Job, workers: int, view: View) -> Iterator[Outcome]:
    """What becomes of each task, in order; `job` is pickled to each process and does there what it does here.

    A process that is stopped from outside, as a system does that has no memory left, is told as a failure of every
    task that was not done. An interruption stops all of them at once.
    """
    context = multiprocessing.get_context("spawn")
    steps: Steps = context.SimpleQueue()
    with _shown(steps, view), _pool(context, workers, job, steps) as pool:
        for task, future in [(task, pool.submit(_do, task)) for task in tasks]:
            yield _result(task, future)


@contextlib.contextmanager
def _pool(context: SpawnContext, workers: int, job: Job, steps: Steps) -> Iterator[ProcessPoolExecutor]:
    pool = ProcessPoolExecutor(workers, context, _begin, (job, steps))
    try:
        yield pool
    except BaseException:
        for process in multiprocessing.active_children():
            process.terminate()  # as an exception there, so that half-written files are removed
        raise
    finally:
        pool.shutdown(cancel_futures=True)


@contextlib.contextmanager
def _shown(steps: Steps, view: View) -> Iterator[None]:
    thread = threading.Thread(target=_show, args=(steps, view.show), daemon=True)
    thread.start()
    try:
        yield
    finally:
        steps.put(None)
        thread.join(timeout=1)


def _show(steps: Steps, show: Callable[[int, str, str], None]) -> None:
    rows: dict[int, int] = {}
    while (told := steps.get()) is not None:
        process, name, step = told
        show(rows.setdefault(process, len(rows)), name, step)


def _result(task: Task, future: Future[Outcome]) -> Outcome:
    try:
        return future.result()
    except BrokenProcessPool:
        sentence = "its process was stopped, perhaps for want of memory; try fewer (--jobs)."
        return failure(task, UnshrinkError(sentence))


def _begin(job: Job, steps: Steps) -> None:
    global _job, _steps
    _job, _steps = job, steps
    os.environ["OMP_NUM_THREADS"] = "1"
    wait_passively()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the first process is told, and stops the others
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))


def _do(task: Task) -> Outcome:
    name = task.source.label
    try:
        return attempt(task, _job, lambda step: _steps.put((os.getpid(), name, step)))
    except SystemExit:
        os._exit(1)  # else the pool would take that for a result, and begin the next picture
