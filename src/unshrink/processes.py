"""Processes that work side by side, of one thread each, and end as one."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from typing import Any

from unshrink.threads import wait_passively

CONTEXT = multiprocessing.get_context("spawn")
"""How processes start: with nothing of the first one's, which may hold threads and locks."""


@contextmanager
def process_pool(workers: int, begin: Callable[..., None], arguments: tuple[Any, ...]) -> Iterator[ProcessPoolExecutor]:
    """`workers` processes, each of which calls `begin`; an exception or interruption here stops all of them at once."""
    pool = ProcessPoolExecutor(workers, CONTEXT, begin, arguments)
    try:
        yield pool
    except BaseException:
        for process in multiprocessing.active_children():
            process.terminate()  # as an exception there, so that half-written files are removed
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def begin_process() -> None:
    """Make this process one of a pool: one thread, and stopped by the first process alone. Before torch is imported."""
    os.environ["OMP_NUM_THREADS"] = "1"
    wait_passively()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the first process is told, and stops the others
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
