"""The process that networks run in: it can be stopped, whatever it is at, and what it held goes with it."""

from __future__ import annotations

import contextlib
import multiprocessing
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from multiprocessing.synchronize import Event
from typing import TYPE_CHECKING

from unshrink.cli.batch import EXPECTED
from unshrink.errors import UnshrinkError
from unshrink.limits import Limits
from unshrink.threads import wait_passively
from unshrink.web.answers import Failure, StoppedError, failure
from unshrink.web.tasks import Ended, Message, Task

if TYPE_CHECKING:
    from unshrink.rescale import Engine

GRACE = 1.5
"""Seconds that a job has to stop by itself, at its next step; then its process is killed."""
_TICK = 0.05
"""Seconds between looks at whether it should stop."""

Stop = Callable[[], UnshrinkError | None]
"""Why to stop; None to go on."""


@dataclass(frozen=True, kw_only=True)
class Machine:
    """What networks run with; the same as the command line's options."""

    limits: Limits
    weights: str | None = None
    device: str = "cpu"
    memory: int | None = None
    threads: int | None = None

    def engine(self) -> Engine:
        """The engine; imports torch."""
        from unshrink.rescale import Engine
        from unshrink.rescale.device import use_threads

        use_threads(self.threads)
        return Engine(weights=self.weights, device=self.device, memory=self.memory, limits=self.limits)


class Helper:
    """A process that does one task after another. It is started at once, and anew after it was killed."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._context = multiprocessing.get_context("spawn")
        self._process: SpawnProcess | None = None
        self._start()

    def run(self, task: Task, hear: Callable[[Message], None], stop: Stop) -> UnshrinkError | None:
        """Do `task`; every message but the last is heard as it comes. Returns why it was stopped, if it was.

        Raises nothing: what goes wrong is the failure in the last message, which is heard in any case but that.
        """
        if self._process is None or not self._process.is_alive():
            self._start()
        self._stop.clear()
        try:
            self._pipe.send(task)
            return self._listen(hear, stop)
        except (EOFError, OSError):
            self.kill()
            hear(Ended(_DIED))
            return None

    def kill(self) -> None:
        """End the process now."""
        if self._process is not None:
            self._process.kill()
            self._process.join()
            self._pipe.close()
        self._process = None

    def _start(self) -> None:
        self._pipe, theirs = self._context.Pipe()
        self._stop: Event = self._context.Event()
        self._process = self._context.Process(target=serve, args=(theirs, self._stop, self._machine), daemon=True)
        self._process.start()
        theirs.close()

    def _listen(self, hear: Callable[[Message], None], stop: Stop) -> UnshrinkError | None:
        while True:
            if self._pipe.poll(_TICK):
                message: Message = self._pipe.recv()
                hear(message)
                if isinstance(message, Ended):
                    return None
            elif (reason := stop()) is not None:
                self._end()
                return reason

    def _end(self) -> None:
        """Have the process stop at its next step, or kill it."""
        self._stop.set()
        until = time.monotonic() + GRACE
        while time.monotonic() < until:
            if self._pipe.poll(_TICK) and isinstance(self._pipe.recv(), Ended):
                return
        self.kill()
        self._start()  # so that it is there when the next task comes


_DIED = Failure(
    "MemoryError", "Its process was stopped, perhaps for want of memory; free some or give a smaller picture.", 5, 507
)
_BROKEN = Failure("InternalError", "Something broke that should not have; the server's log has more.", 1, 500)


def serve(pipe: Connection, stop: Event, machine: Machine) -> None:
    """What the process does: take tasks from `pipe` until it is closed, and send messages back."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the first process, which ends this one
    wait_passively()
    engine: Engine | None = None
    with contextlib.suppress(UnshrinkError):
        engine = machine.engine()  # what is wrong is told to whoever sends a task
    with contextlib.suppress(EOFError, BrokenPipeError):
        while True:
            task: Task = pipe.recv()
            told, engine = _attempt(task, engine, machine, pipe, stop)
            pipe.send(told)


def _attempt(
    task: Task, engine: Engine | None, machine: Machine, pipe: Connection, stop: Event
) -> tuple[Ended, Engine | None]:
    """What became of a task, and the engine for the next."""

    def send(message: Message) -> None:
        if stop.is_set():
            raise StoppedError("It was stopped.")
        pipe.send(message)

    try:
        from unshrink.web.work import Work

        engine = engine or machine.engine()
        Work(engine, send).do(task)
        return Ended(), engine
    except BrokenPipeError:
        raise
    except EXPECTED as error:
        return Ended(failure(error, task.name)), engine
    except Exception:  # noqa: BLE001 - a server goes on with the next picture
        import traceback

        traceback.print_exc()
        return Ended(_BROKEN), engine
