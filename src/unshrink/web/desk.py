"""The queue: jobs one after the other, what is known of each, and what they made, all of it in memory and bounded."""

from __future__ import annotations

import secrets
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from unshrink.errors import UnshrinkError
from unshrink.web.answers import BusyError, Failure, NotAskedError, NotThereError, StoppedError, TimeOutError, failure
from unshrink.web.bounds import Bounds
from unshrink.web.tasks import Ended, Known, Made, Message, Task, Told


class Hands(Protocol):
    """What does the tasks: a `Helper`."""

    def run(
        self, task: Task, hear: Callable[[Message], None], stop: Callable[[], UnshrinkError | None]
    ) -> UnshrinkError | None:
        """See `Helper.run`."""
        ...

    def kill(self) -> None:
        """See `Helper.kill`."""
        ...


class State(StrEnum):
    """Where a job stands."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(eq=False)
class Job:
    """One task on its way."""

    task: Task | None
    """None once it is over: the picture that was sent is kept no longer than it is needed."""
    kind: str
    name: str
    measured: bool = False
    id: str = field(default_factory=lambda: secrets.token_urlsafe(18))
    state: State = State.WAITING
    step: str = ""
    share: float = 0.0
    facts: dict[str, Any] = field(default_factory=dict)
    made: dict[str, Made] = field(default_factory=dict)
    failure: Failure | None = None
    cancelled: bool = False
    began: float | None = None
    ended: float | None = None
    asked: float = field(default_factory=time.monotonic)
    """When somebody last asked about it."""

    @property
    def over(self) -> bool:
        """Whether nothing more will come of it."""
        return self.state not in (State.WAITING, State.RUNNING)

    @property
    def bytes(self) -> int:
        """Of what it made."""
        return sum(len(made.data) for made in self.made.values())

    def seconds(self) -> float:
        """That it has run."""
        return 0.0 if self.began is None else (self.ended or time.monotonic()) - self.began


class Desk:
    """Takes tasks, has each done in turn, and remembers for a while what came of it. Methods are safe in threads."""

    def __init__(self, bounds: Bounds, make_hands: Callable[[], Hands]) -> None:
        self.bounds = bounds
        self._make_hands = make_hands
        self._waiting: deque[Job] = deque()
        self._jobs: dict[str, Job] = {}
        self._changed = threading.Condition()
        self._closed = False
        self._rates: dict[tuple[str, str], float] = {}
        self._thread = threading.Thread(target=self._go, name="desk", daemon=True)
        self._thread.start()

    def submit(self, task: Task) -> Job:
        """Put a task in the queue. Raises BusyError where there is no room for it."""
        job = Job(task, task.kind, task.name, task.measure)
        with self._changed:
            self._tidy()
            held = sum(other.task.bytes for other in self._waiting if other.task is not None)
            full = len(self._waiting) >= self.bounds.waiting or held + task.bytes > self.bounds.waiting_bytes
            if self._closed or full:
                raise BusyError("There is too much waiting already; try again when some of it is done.")
            self._waiting.append(job)
            self._jobs[job.id] = job
            self._changed.notify_all()
        return job

    def find(self, id: str) -> Job:
        """The job of that name, which counts as asking about it. Raises NotThereError."""
        with self._changed:
            job = self._jobs.get(id)
            if job is None:
                raise NotThereError("There is no such job any more; send the picture again.")
            job.asked = time.monotonic()
            return job

    def cancel(self, id: str) -> None:
        """Stop a job where it is not over, and forget it where it is. Raises NotThereError."""
        with self._changed:
            job = self.find(id)
            if job.over:
                del self._jobs[id]
            elif job.state is State.WAITING:
                self._waiting.remove(job)
                self._finish(job, StoppedError(f"{job.name} was cancelled."))
            job.cancelled = True

    def ahead(self, job: Job) -> int:
        """Jobs that come before it."""
        with self._changed:
            if job not in self._waiting:
                return 0
            running = any(other.state is State.RUNNING for other in self._jobs.values())
            return self._waiting.index(job) + running

    def expected(self, job: Job) -> float | None:
        """Seconds that such a job took before, for as many pixels; None where there was none or no size is known."""
        rate, pixels = self._rates.get(_sort(job)), _pixels(job)
        return None if rate is None or pixels is None else rate * pixels

    def close(self) -> None:
        """End all work."""
        with self._changed:
            self._closed = True
            for job in self._jobs.values():
                job.cancelled = True
            self._changed.notify_all()
        self._thread.join(timeout=10)

    # -- the thread -----------------------------------------------------------------------------------------------

    def _go(self) -> None:
        hands = self._make_hands()
        try:
            while (job := self._next()) is not None:
                self._do(job, hands)
        finally:
            hands.kill()

    def _next(self) -> Job | None:
        with self._changed:
            while not self._waiting and not self._closed:
                self._changed.wait(timeout=5)
                self._tidy()
            if self._closed:
                return None
            job = self._waiting.popleft()
            job.state, job.began = State.RUNNING, time.monotonic()
            return job

    def _do(self, job: Job, hands: Hands) -> None:
        task = job.task
        if task is None:
            return
        reason = hands.run(task, lambda message: self._hear(job, message), lambda: self._reason_to_stop(job))
        if reason is not None:
            with self._changed:
                self._finish(job, reason)

    def _hear(self, job: Job, message: Message) -> None:
        with self._changed:
            if isinstance(message, Told):
                job.step, job.share = message.step, message.share
            elif isinstance(message, Known):
                job.facts |= message.facts
            elif isinstance(message, Made):
                job.made[message.key] = message
                self._tidy()
            elif isinstance(message, Ended):
                self._finish(job, message.failure)

    def _reason_to_stop(self, job: Job) -> UnshrinkError | None:
        now = time.monotonic()
        if job.cancelled:
            return StoppedError(f"{job.name} was cancelled.")
        if now - job.asked > self.bounds.unasked_seconds:
            return NotAskedError(f"{job.name} was given up, for nobody asked about it any more.")
        if job.seconds() > self.bounds.seconds:
            return TimeOutError(
                f"{job.name} took more than {self.bounds.seconds:.0f} seconds and was stopped; give a smaller picture, "
                "another model, or start the server with a longer --time-limit."
            )
        return None

    def _finish(self, job: Job, problem: UnshrinkError | Failure | None) -> None:
        job.failure = failure(problem) if isinstance(problem, UnshrinkError) else problem
        stopped = isinstance(problem, StoppedError)
        job.state = State.CANCELLED if stopped else State.DONE if problem is None else State.FAILED
        job.task, job.ended = None, time.monotonic()
        if job.state is not State.DONE:
            job.made.clear()
        elif (pixels := _pixels(job)) is not None:
            self._rates[_sort(job)] = job.seconds() / pixels

    def _tidy(self) -> None:
        """Forget what nobody asks about, and the oldest results where there are too many."""
        now, bounds = time.monotonic(), self.bounds
        for job in [job for job in self._waiting if now - job.asked > bounds.unasked_seconds]:
            self._waiting.remove(job)
            self._finish(job, NotAskedError(f"{job.name} was given up, for nobody asked about it any more."))
        over = [job for job in self._jobs.values() if job.over]
        held, count = sum(job.bytes for job in self._jobs.values()), len(over)
        for job in sorted(over, key=lambda job: job.asked):
            if now - job.asked <= bounds.unasked_seconds and held <= bounds.kept_bytes and count <= bounds.kept:
                break
            held, count = held - job.bytes, count - 1
            del self._jobs[job.id]


def _sort(job: Job) -> tuple[str, str]:
    """Jobs that take alike."""
    return f"{job.facts.get('kind', job.kind)}, measured {job.measured}", str(job.facts.get("model"))


def _pixels(job: Job) -> int | None:
    size = job.facts.get("size")
    return None if size is None else int(size["width"] * size["height"])
