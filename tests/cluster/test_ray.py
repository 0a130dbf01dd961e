"""Jobs on a Ray cluster of two nodes on this machine: the same manifest, and nothing lost with a worker or a node."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from cluster.jobs import BROKEN, Copying, job, rows, run
from unshrink.cluster import on_ray
from unshrink.cluster.on_ray import Cluster, blocks, run_on_ray
from unshrink.cluster.plan import Item

pytestmark = pytest.mark.filterwarnings("ignore")  # Ray's own
NODE = {"num_cpus": 1, "object_store_memory": 100_000_000, "include_dashboard": False}


@pytest.fixture(scope="module")
def two_nodes() -> Iterator[Any]:
    """Two raylets, each with one processor."""
    ray = pytest.importorskip("ray", reason="the extra cluster is not installed: pip install 'unshrink[cluster]'")
    before = dict(os.environ)
    os.environ["RAY_BACKEND_LOG_LEVEL"] = "fatal"
    os.environ.update({"RAY_worker_niceness": "0"})  # else workers give way to whatever else runs
    here = [str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH", "")]
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, here))  # for workers, which import this folder's `jobs`
    from ray.cluster_utils import Cluster as Nodes

    nodes = Nodes(initialize_head=True, head_node_args=NODE)
    nodes.add_node(**NODE)
    ray.init(nodes.address, log_to_driver=False, logging_level=logging.ERROR)
    yield nodes
    ray.shutdown()
    nodes.shutdown()
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Forty pictures in two folders, one broken."""
    for number in range(40):
        path = tmp_path / "in" / f"{number % 2}" / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x" * (1 + number))
    path.write_bytes(BROKEN)
    return tmp_path / "in"


def on_the_cluster(work: Copying, source: Path, target: Path) -> Iterator[Any]:
    one = job(work, source, target)
    return one.run(one.plan(), partial(run_on_ray, cluster=Cluster()))


def test_a_job_on_two_nodes_gives_the_manifest_of_a_job_here(two_nodes, source, tmp_path):
    found = list(on_the_cluster(Copying(pause=0.2), source, tmp_path / "out"))
    assert sorted(row.status for row in found) == ["done"] * 39 + ["failed"]
    assert len({row.worker for row in found}) == 2
    run(job(Copying(), source, tmp_path / "here"))
    there, here = rows(tmp_path / "out"), rows(tmp_path / "here")
    assert {name: row.output_sha256 for name, row in there.items()} == {
        name: row.output_sha256 for name, row in here.items()
    }
    assert list(on_the_cluster(Copying(), source, tmp_path / "out")) == []


def test_a_picture_that_takes_its_worker_with_it_is_a_row(two_nodes, source, tmp_path, monkeypatch):
    monkeypatch.setattr(on_ray, "RETRIES", 0)
    found = {row.input: row for row in on_the_cluster(Copying(stops="0/8.png"), source, tmp_path / "out")}
    assert found.pop("0/8.png").status == "again"
    assert sorted(row.status for row in found.values()) == ["done"] * 38 + ["failed"]
    assert run(job(Copying(), source, tmp_path / "out")) == {"0/8.png": "done"}


def test_a_node_that_is_killed_loses_nothing(two_nodes, source, tmp_path):
    going = on_the_cluster(Copying(pause=0.2), source, tmp_path / "out")
    first = [next(going) for _ in range(4)]
    two_nodes.remove_node(two_nodes.list_all_nodes()[-1], allow_graceful=False)
    found = [*first, *going]
    assert sorted(row.status for row in found) == ["done"] * 39 + ["failed"]
    assert len({row.input for row in found}) == 40
    assert {row.status for row in rows(tmp_path / "out").values()} == {"done", "failed"}


@pytest.mark.parametrize(("number", "most"), [(1000, 32), (40, 2), (3, 1)])
def test_blocks_are_short_enough_for_all_to_have_some(number, most):
    items = [Item(str(index), "", 10, "") for index in range(number)]
    made = list(blocks(items, 2))
    assert [item for block in made for item in block] == items
    assert max(map(len, made)) == most


def test_large_pictures_are_handed_out_alone():
    items = [Item(str(index), "", 30_000_000, "") for index in range(100)]
    assert all(len(block) == 1 for block in blocks(items, 2))
