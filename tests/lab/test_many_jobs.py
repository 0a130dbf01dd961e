"""The laboratory's commands on jobs of many pictures."""

from __future__ import annotations

from functools import partial

import pytest

from lab import bill, jobs
from unshrink.cli.options import EngineOptions
from unshrink.cli.tasks import small_name
from unshrink.cluster.here import run_here
from unshrink.cluster.work import Shrinking
from unshrink.rescale import Order

pytest.importorskip("pyarrow", reason="jobs with a manifest need the extra: pip install 'unshrink[cluster]'")


def test_a_loop_and_a_job_do_the_same_and_find_the_broken_ones(tmp_path, monkeypatch):
    monkeypatch.setattr(jobs, "BROKEN", 4)
    jobs.draw(tmp_path / "in", range(8))
    rename = partial(small_name, mark="x4", ending=".png")
    work = Shrinking(EngineOptions(threads=1), rename, Order(4, model="lite-x4", exact_blocks=False))
    loop = jobs.in_a_loop(work, tmp_path / "in", tmp_path / "loop")
    job = jobs.as_a_job("here", work, tmp_path / "in", tmp_path / "job", partial(run_here, workers=1))
    assert (loop.done, loop.failed) == (job.done, job.failed) == (6, 2)
    assert loop.processor_seconds > 0
    made = sorted(path.read_bytes() for path in (tmp_path / "loop").rglob("*.png"))
    assert len(made) == 6
    assert len(list((tmp_path / "job").rglob("*.x4.png"))) == 6
    assert "| here | 8 | 6 | 2 | 1 |" in jobs.table([loop, job])


def test_the_bill_is_what_its_rates_make():
    rate = {"model": "m", "read": 0.1, "shrink": 0.8, "write": 0.1, "restore": 1.0}
    rate |= {"bytes_in": 5e5, "bytes_out": 1e5, "network_flops": 1e12}
    found = {"rates": [rate], "driver": {"plan": 1e-4, "keep": 1e-4}}
    assert "| 3,333 | 4,000 | $133 | 3.3 h | 6.0 | 1.2 | 0.60 |" in bill.million(found)
    assert "| m | 12.0 | 12,000 | 6.00 |" in bill.feeds(found, 0.0008)


def test_training_is_counted_for_every_network_it_names():
    lines = bill.training().splitlines()
    assert [line.split("|")[1].strip() for line in lines[2:]] == [*bill.TRAINED]
