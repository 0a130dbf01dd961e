"""The queue, with hands that do what a test says."""

from __future__ import annotations

import threading
import time
from dataclasses import replace

import pytest

from unshrink.errors import UsageError
from unshrink.web.answers import BusyError, NotThereError, failure
from unshrink.web.bounds import Bounds
from unshrink.web.desk import Desk, State
from unshrink.web.tasks import Ended, Known, Made, Task, Told


class Hands:
    """Tells that it begins, then waits until it may go on or is stopped."""

    def __init__(self) -> None:
        self.go = threading.Semaphore(0)
        self.ends = [Ended()]
        self.made = b"12345678"
        self.killed = False

    def run(self, task, hear, stop):
        hear(Told("restore", 0.5))
        hear(Known({"kind": "down", "model": "stream-x4", "size": {"width": 10, "height": 10}}))
        while not self.go.acquire(timeout=0.01):
            if (reason := stop()) is not None:
                return reason
        hear(Made("small", self.made, "a.x4.png", "image/png"))
        hear(self.ends[-1])
        return None

    def kill(self) -> None:
        self.killed = True


@pytest.fixture
def hands():
    return Hands()


@pytest.fixture
def make_desk(hands):
    desks = []

    def make(**bounds):
        desks.append(Desk(replace(Bounds(), **bounds), lambda: hands))
        return desks[-1]

    yield make
    for desk in desks:
        desk.close()
    assert hands.killed or not desks


def task(data: bytes = b"picture") -> Task:
    return Task(kind="down", data=data, name="a.png")


def wait_for(job, *states):
    until = time.monotonic() + 5
    while job.state not in states and time.monotonic() < until:
        time.sleep(0.005)
    assert job.state in states


def test_jobs_are_done_in_turn_and_what_they_made_is_there(make_desk, hands):
    desk = make_desk()
    first, second = desk.submit(task()), desk.submit(task())
    wait_for(first, State.RUNNING)
    assert (second.state, desk.ahead(second), desk.ahead(first)) == (State.WAITING, 1, 0)
    assert (first.step, first.share) == ("restore", 0.5)
    hands.go.release()
    wait_for(first, State.DONE)
    wait_for(second, State.RUNNING)
    assert first.made["small"].data == hands.made
    assert first.task is None
    assert desk.expected(second) == pytest.approx(first.seconds())


def test_a_full_queue_is_told(make_desk):
    desk = make_desk(waiting=1)
    running = desk.submit(task())
    wait_for(running, State.RUNNING)
    desk.submit(task())
    with pytest.raises(BusyError, match="too much waiting"):
        desk.submit(task())


def test_a_queue_is_bounded_by_bytes_too(make_desk):
    desk = make_desk(waiting_bytes=10)
    with pytest.raises(BusyError):
        desk.submit(task(b"x" * 11))


def test_jobs_are_cancelled_while_they_wait_and_while_they_run(make_desk):
    desk = make_desk()
    running, waiting = desk.submit(task()), desk.submit(task())
    wait_for(running, State.RUNNING)
    for job in (waiting, running):
        desk.cancel(job.id)
        wait_for(job, State.CANCELLED)
        assert job.failure.message == "a.png was cancelled."
        assert job.failure.status == 409
    desk.cancel(running.id)
    with pytest.raises(NotThereError):
        desk.find(running.id)


def test_what_takes_too_long_is_stopped(make_desk):
    job = make_desk(seconds=0.05).submit(task())
    wait_for(job, State.FAILED)
    assert job.failure.status == 504
    assert "--time-limit" in job.failure.message


def test_what_nobody_asks_about_is_given_up(make_desk):
    job = make_desk(unasked_seconds=0.05).submit(task())
    wait_for(job, State.FAILED)
    assert job.failure.error == "NotAskedError"


def test_the_oldest_results_go_where_there_are_too_many(make_desk, hands):
    desk = make_desk(kept_bytes=20)
    jobs = []
    for _ in range(3):
        jobs.append(desk.submit(task()))
        hands.go.release()
        wait_for(jobs[-1], State.DONE)
    desk.submit(task())
    with pytest.raises(NotThereError):
        desk.find(jobs[0].id)
    assert desk.find(jobs[2].id).made


def test_failures_are_told_and_leave_nothing(make_desk, hands):
    hands.ends = [Ended(failure(UsageError("No."), "a.png"))]
    job = make_desk().submit(task())
    hands.go.release()
    wait_for(job, State.FAILED)
    assert (job.failure.message, job.failure.status, job.made) == ("a.png: No.", 422, {})
