"""How many processors count as idle."""

import os

import pytest

from unshrink import threads


@pytest.fixture
def machine(monkeypatch, tmp_path):
    """A machine of 8 processors at rest, without control groups."""
    monkeypatch.setattr(threads, "_GROUPS", tmp_path)
    monkeypatch.setattr(threads, "_own_groups", lambda: [tmp_path / "a", tmp_path])
    monkeypatch.setattr(os, "cpu_count", lambda: 8)
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(8)), raising=False)
    monkeypatch.setattr(os, "getloadavg", lambda: (0.0, 0.0, 0.0))
    return tmp_path


def test_all_at_rest(machine):
    assert threads.processors() == threads.idle_processors() == 8


@pytest.mark.parametrize(("load", "idle"), [(0.4, 8), (1.0, 7), (5.2, 3), (7.8, 1), (30.0, 1)])
def test_what_others_keep_busy_is_left_out(machine, monkeypatch, load, idle):
    monkeypatch.setattr(os, "getloadavg", lambda: (load, 0.0, 0.0))
    assert threads.idle_processors() == idle


@pytest.mark.parametrize(
    ("file", "text", "count"),
    [
        ("cpu.max", "max 100000", 8),
        ("cpu.max", "250000 100000", 2),
        ("a/cpu.max", "50000 100000", 1),
        ("cpu.max", "nonsense", 8),
        ("cpu/cpu.cfs_quota_us", "300000", 3),
        ("cpu/cpu.cfs_quota_us", "-1", 8),
    ],
)
def test_control_groups_bound_it(machine, file, text, count):
    (machine / file).parent.mkdir(exist_ok=True)
    (machine / file).write_text(text)
    (machine / "cpu").mkdir(exist_ok=True)
    (machine / "cpu" / "cpu.cfs_period_us").write_text("100000")
    assert threads.processors() == count


def test_affinity_bounds_it_but_a_busy_host_does_not_count_twice(machine, monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0, 1})
    monkeypatch.setattr(os, "getloadavg", lambda: (3.0, 0.0, 0.0))
    assert threads.idle_processors() == 2


def test_waiting_is_passive_unless_said_otherwise(monkeypatch):
    monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)
    monkeypatch.setenv("KMP_BLOCKTIME", "7")
    threads.wait_passively()
    assert (os.environ.pop("OMP_WAIT_POLICY"), os.environ["KMP_BLOCKTIME"]) == ("PASSIVE", "7")
