"""A job on a Ray cluster: Ray Data hands out pictures of like size; each actor holds one loaded engine.

Only names and rows of the manifest travel through Ray; pictures go between the store and the actor that works on them.
"""

from __future__ import annotations

import contextlib
import logging
import os
import pickle
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from unshrink.cluster.doing import Doing, lost
from unshrink.cluster.manifest import Row, table_of
from unshrink.cluster.places import HINT
from unshrink.cluster.plan import Item
from unshrink.errors import UnshrinkError, UsageError
from unshrink.threads import processors, wait_passively

PICTURES = 32
"""Handed out together at most: what is done again where a worker is lost."""
BYTES = 32_000_000
"""Of the pictures that are handed out together, at most, where there are several."""
ROUNDS = 8
"""Times that an actor is handed something, at least, so that all end at about the same time."""
AHEAD = 2
"""Blocks handed to an actor: one that it works on, and one that it begins next."""
RETRIES = 3
"""Of what was handed out, where a worker is lost."""
STORE = 200_000_000
"""Bytes of shared memory for a cluster that is started here; rows take little."""


@dataclass(frozen=True)
class Cluster:
    """Which cluster, and what of it."""

    address: str | None = None
    """Of a cluster that runs; None to start one on this machine."""
    actors: int | None = None
    """At most; None for as many as there is room for."""
    gpu_share: float | None = None
    """Of a card, for each actor; None for 1 where the device is "cuda"."""


class Actor:
    """One worker: an engine, loaded once, and what it does with a block of pictures."""

    def __init__(self, doing: Doing) -> None:
        os.environ["OMP_NUM_THREADS"] = "1"
        wait_passively()
        self._doing = replace(doing, work=doing.work.shared(max(2, processors())))
        self._doing.work.load()

    def __call__(self, blocks: Any) -> Any:
        """Rows, as a table, for a table of blocks of items."""
        items = (item for block in blocks.column("items").to_pylist() for item in pickle.loads(block))
        return table_of(map(self._doing, items))


def run_on_ray(items: Sequence[Item], doing: Doing, cluster: Cluster) -> Iterator[Row]:
    """The row of every picture, as they are done.

    Where workers or nodes are lost, what they had is done again elsewhere. A picture that takes its worker with it
    every time is tried by itself in the end, and is then a row like any other.
    """
    ray = _ray()
    waiting = {item.input: item for item in items}
    with _connected(ray, cluster):
        for pictures in (PICTURES, 1):
            for row in _rows(ray, list(waiting.values()), doing, cluster, pictures):
                if waiting.pop(row.input, None) is not None:  # a block may come twice where its first answer was lost
                    yield row
    yield from (lost(item, doing) for item in waiting.values())


def blocks(items: Sequence[Item], actors: int, pictures: int = PICTURES) -> Iterator[list[Item]]:
    """What is handed out together: neighbours of a list in order of size, so that a block's pictures are alike."""
    most = max(1, min(pictures, len(items) // (ROUNDS * actors)))
    block: list[Item] = []
    held = 0
    for item in items:
        if block and (len(block) == most or held + item.bytes > BYTES):
            yield block
            block, held = [], 0
        block.append(item)
        held += item.bytes
    if block:
        yield block


def _rows(ray: Any, items: Sequence[Item], doing: Doing, cluster: Cluster, pictures: int) -> Iterator[Row]:
    if not items:
        return
    import pyarrow

    share = _gpu_share(doing, cluster)
    actors = cluster.actors or _room(ray, share)
    tables = [pyarrow.table({"items": [pickle.dumps(block)]}) for block in blocks(items, actors, pictures)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of the number of retries, which nothing replaces
        rows = ray.data.from_arrow(tables).map_batches(
            Actor,
            fn_constructor_args=(doing,),
            compute=ray.data.ActorPoolStrategy(
                min_size=1,
                max_size=min(actors, len(tables)),
                max_tasks_in_flight_per_actor=AHEAD if pictures > 1 else 1,  # alone, none is lost with another
            ),
            batch_size=1,
            batch_format="pyarrow",
            num_cpus=1,
            num_gpus=share or None,
            max_task_retries=RETRIES,
        )
    try:
        for table in rows.iter_batches(batch_size=None, batch_format="pyarrow", prefetch_batches=0):
            yield from (Row(**values) for values in table.to_pylist())
    except ray.exceptions.RayError as error:
        said = next(line for line in reversed(str(error).splitlines()) if line.strip())
        hint = "unshrink and its weights must be installed on every node"
        raise UnshrinkError(f"Ray gave up; {hint}: {said.strip()}") from error


def _gpu_share(doing: Doing, cluster: Cluster) -> float:
    if cluster.gpu_share is not None:
        return cluster.gpu_share
    return 1.0 if doing.work.device == "cuda" else 0.0


def _room(ray: Any, share: float) -> int:
    """Actors that the cluster has processors for, and cards."""
    there = ray.cluster_resources()
    rooms = [there.get("CPU", 1), *([there.get("GPU", 0) / share] if share else [])]
    return max(1, int(min(rooms)))


@contextlib.contextmanager
def _connected(ray: Any, cluster: Cluster) -> Iterator[None]:
    begun = not ray.is_initialized()
    if begun:
        own = {"object_store_memory": STORE} if cluster.address is None else {}
        try:
            ray.init(cluster.address, log_to_driver=False, logging_level=logging.ERROR, **own)
        except ConnectionError as error:
            raise UsageError(f"There is no Ray cluster at {cluster.address}: {error}") from error
    try:
        with _quiet(ray.data.DataContext.get_current()):
            yield
    finally:
        if begun:
            ray.shutdown()


@contextlib.contextmanager
def _quiet(context: Any) -> Iterator[None]:
    """No bars of Ray's own; blocks that are lost for good do not end the job: they are missed, and done one by one."""
    before = context.enable_progress_bars, context.max_errored_blocks
    context.enable_progress_bars, context.max_errored_blocks = False, -1
    logger = logging.getLogger("ray.data")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        context.enable_progress_bars, context.max_errored_blocks = before
        logger.setLevel(level)


def _ray() -> Any:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")  # it warns of lost arguments, which the driver holds
    try:
        import ray
        import ray.data
    except ImportError as error:
        raise UsageError(f"Jobs on a cluster need Ray: {HINT}.") from error
    return ray
