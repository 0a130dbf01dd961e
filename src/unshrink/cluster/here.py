"""A job on this machine, in this process or in several; a process that is stopped loses nothing but its own picture."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from concurrent.futures.process import BrokenProcessPool

from unshrink.cluster.doing import Doing, lost
from unshrink.cluster.manifest import Row
from unshrink.cluster.plan import Item
from unshrink.processes import begin_process, process_pool

AHEAD = 2
"""Pictures handed out for each process: one that it does, and one that it begins next."""

_doing: Doing


def run_here(items: Sequence[Item], doing: Doing, workers: int) -> Iterator[Row]:
    """The row of every picture, as they are done."""
    if workers == 1:
        yield from map(doing, items)
        return
    waiting = deque(items)
    while waiting:
        suspects: list[Item] = []
        yield from _round(waiting, doing, workers, suspects)
        for item in suspects:  # one of them broke the others' pool: by itself it breaks none but its own
            yield from _alone(item, doing)


def _round(waiting: deque[Item], doing: Doing, workers: int, suspects: list[Item]) -> Iterator[Row]:
    """Rows until all is done or a process is stopped; what was handed out then is in `suspects`."""
    running: dict[Future[Row], Item] = {}
    with process_pool(workers, _begin, (doing,)) as pool:
        try:
            while waiting or running:
                while waiting and len(running) < AHEAD * workers:
                    future = pool.submit(_do, waiting[0])
                    running[future] = waiting.popleft()
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    row = future.result()
                    del running[future]
                    yield row
        except BrokenProcessPool:
            suspects += running.values()


def _alone(item: Item, doing: Doing) -> Iterator[Row]:
    suspects: list[Item] = []
    yield from _round(deque([item]), doing, 1, suspects)
    yield from (lost(one, doing) for one in suspects)


def _begin(doing: Doing) -> None:
    global _doing
    _doing = doing
    begin_process()


def _do(item: Item) -> Row:
    try:
        return _doing(item)
    except SystemExit:
        os._exit(1)  # else the pool would take that for a result, and begin the next picture
