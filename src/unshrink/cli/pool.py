"""Many inputs in several processes, each with one thread and a network of its own; results in the order of inputs."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.queues import SimpleQueue
from typing import Any

from unshrink.cli.batch import Job, Outcome, attempt, failure
from unshrink.cli.tasks import Task
from unshrink.cli.view import View
from unshrink.errors import UnshrinkError
from unshrink.processes import CONTEXT, begin_process, process_pool

Steps = SimpleQueue[Any]
"""Of (process, name of the picture, step); None ends it."""

_job: Job
_steps: Steps


def in_processes(tasks: Sequence[Task], job: Job, workers: int, view: View) -> Iterator[Outcome]:
    """What becomes of each task, in order; `job` is pickled to each process and does there what it does here.

    A process that is stopped from outside, as a system does that has no memory left, is told as a failure of every
    task that was not done. An interruption stops all of them at once.
    """
    steps: Steps = CONTEXT.SimpleQueue()
    with _shown(steps, view), process_pool(workers, _begin, (job, steps)) as pool:
        for task, future in [(task, pool.submit(_do, task)) for task in tasks]:
            yield _result(task, future)


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
    begin_process()


def _do(task: Task) -> Outcome:
    name = task.source.label
    try:
        return attempt(task, _job, lambda step: _steps.put((os.getpid(), name, step)))
    except SystemExit:
        os._exit(1)  # else the pool would take that for a result, and begin the next picture
