"""The processes of one run, as torchrun starts them: each works on its part of every batch, and all stay the same.

The result is that of one process: gradients are averaged over the whole batch before they are clipped or reach an
optimiser, so Muon too sees what it would see alone. Buckets that are sent while others are still computed
(`DistributedDataParallel`) would need a forward pass of one module; our objective goes through several calls, and with
`recompute` back through them again. Gradients are sent in one piece instead.
"""

from __future__ import annotations

import os
import secrets
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from types import FrameType
from typing import Any, NoReturn, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.distributed import PrefixStore, Store, rendezvous  # type: ignore[attr-defined]

from unshrink.errors import UnshrinkError, UsageError

Result = TypeVar("Result")
PATIENCE = timedelta(minutes=60)
"""How long a process waits for the others: the first one judges and packs while they do."""
POLL = 0.05
"""Seconds between two looks."""


@dataclass(frozen=True)
class Ranks:
    """This process among those of a run. Alone, nothing here does anything."""

    rank: int
    world: int
    local: int
    """Its number on its machine."""
    batch: int
    """Patches of a step, over all processes."""
    device: torch.device

    def __post_init__(self) -> None:
        if self.batch < self.world:
            raise UsageError(
                f"A batch of {self.batch} cannot be shared by {self.world} processes; "
                "raise data.batch in the recipe, and with it the learning rate, or start fewer."
            )

    @property
    def first(self) -> bool:
        """Whether it is the one that writes."""
        return self.rank == 0

    @property
    def several(self) -> bool:
        """Whether there are others."""
        return self.world > 1

    @property
    def own(self) -> range:
        """Its patches of a batch; their number differs by one at most between processes."""
        return range(self.rank * self.batch // self.world, (self.rank + 1) * self.batch // self.world)

    def average(self, module: nn.Module) -> None:
        """Gradients of the whole batch's mean, in place, from those of each process's own mean."""
        gradients = [parameter.grad for parameter in module.parameters() if parameter.grad is not None]
        for gradient, mean in zip(gradients, self.mean(gradients), strict=True):
            gradient.copy_(mean)

    def mean(self, tensors: list[Tensor]) -> list[Tensor]:
        """Means over the whole batch of what are means over each process's own part."""
        if not self.several or not tensors:
            return tensors
        flat = torch.cat([tensor.detach().flatten() for tensor in tensors]) * (len(self.own) / self.batch)
        dist.all_reduce(flat)
        pieces = torch.split(flat, [tensor.numel() for tensor in tensors])
        return [piece.view_as(tensor) for piece, tensor in zip(pieces, tensors, strict=True)]

    def largest(self, *values: float) -> list[float]:
        """The largest of each over all processes."""
        if not self.several:
            return list(values)
        numbers = torch.tensor(values, dtype=torch.float64, device=self.device)
        dist.all_reduce(numbers, dist.ReduceOp.MAX)
        return numbers.tolist()

    def firsts(self, make: Callable[[], Result]) -> Result:
        """What the first process makes, for all; where that fails, all fail alike."""
        made: list[Any] = [_attempt(make) if self.first else None]
        if self.several:
            dist.broadcast_object_list(made, 0, device=self.device)
        result: Result = _result(made[0])
        return result

    def in_turn(self, make: Callable[[], Result]) -> Result:
        """What each makes for itself: the first process, then the first of every machine, then the others."""
        made: Any = None
        for turn in (self.first, self.local == 0, True):
            if turn and made is None:
                made = _attempt(make)
            self._fail_alike(made)
        result: Result = _result(made)
        return result

    def copy(self, module: nn.Module) -> None:
        """Give all processes the first one's weights."""
        if self.several:
            for tensor in (*module.parameters(), *module.buffers()):
                dist.broadcast(tensor.detach(), 0)

    def _fail_alike(self, made: Any) -> None:
        if not self.several:
            return
        failures: list[Any] = [None] * self.world
        dist.all_gather_object(failures, made if isinstance(made, UnshrinkError) else None)
        for failure in failures:
            _result(failure)


def is_first() -> bool:
    """Whether this process is the one that writes and speaks; also before it has joined."""
    return os.environ.get("RANK", "0") == "0"


def restarted() -> bool:
    """Whether torchrun has started the processes of this run anew, after one of them was lost."""
    return int(os.environ.get("TORCHELASTIC_RESTART_COUNT", "0")) > 0


@contextmanager
def joined(batch: int) -> Iterator[Ranks]:
    """This process among those that torchrun has started, or alone. Raises UsageError where a batch is too small."""
    world, local = int(os.environ.get("WORLD_SIZE", "1")), int(os.environ.get("LOCAL_RANK", "0"))
    device = torch.device("cuda", local) if torch.cuda.is_available() else torch.device("cpu")
    ranks = Ranks(int(os.environ.get("RANK", "0")), world, local, batch, device)
    if world == 1:
        yield ranks
        return
    if device.type == "cuda":
        torch.cuda.set_device(device)
    backend = "nccl" if device.type == "cuda" else "gloo"
    dist.init_process_group(backend, store=_meet(ranks), rank=ranks.rank, world_size=world, timeout=PATIENCE)
    try:
        yield ranks
    finally:
        dist.destroy_process_group()


def _meet(ranks: Ranks) -> Store:
    """The store that all processes see, under a name that no earlier start of them has used.

    torchrun keeps one store over its restarts. A process that is quick to come back would find the addresses of those
    that are gone, and wait for them. So each says hello with a word of its own, the first answers to the words that it
    has seen, and goes on when all have its answer.
    """
    store, *_ = next(rendezvous("env://", ranks.rank, ranks.world, timeout=PATIENCE))
    word, name = secrets.token_hex(8), secrets.token_hex(8)
    store.set(f"hello {ranks.rank}", word)
    deadline = time.monotonic() + PATIENCE.total_seconds()
    while time.monotonic() < deadline:
        if ranks.first:
            words = [store.get(f"hello {rank}").decode() for rank in range(ranks.world)]
            store.set("answer", " ".join([name, *words]))
            store.set("heard 0", name)
        answer = store.get("answer").decode().split(" ")
        if answer[1 + ranks.rank] == word:
            store.set(f"heard {ranks.rank}", answer[0])
            if all(_says(store, f"heard {rank}", answer[0]) for rank in range(ranks.world)):
                return PrefixStore(answer[0], store)
        time.sleep(POLL)
    raise UnshrinkError("The processes of this run did not find each other; see what torchrun was told.")


def _says(store: Store, key: str, value: str) -> bool:
    return store.check([key]) and store.get(key).decode() == value


class Interruption:
    """Remembers that this process was told to stop, so that all can end after the same step."""

    def __init__(self) -> None:
        self.number = 0

    @contextmanager
    def awaited(self, wanted: bool) -> Iterator[None]:
        """Do so while the block runs, if `wanted`; else signals do what they usually do."""
        numbers = (signal.SIGINT, signal.SIGTERM) if wanted else ()
        before = {number: signal.signal(number, self._remember) for number in numbers}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _remember(self, number: int, frame: FrameType | None) -> None:
        del frame
        self.number = number


def stop(number: int) -> NoReturn:
    """End as that signal does."""
    if number == signal.SIGINT:
        raise KeyboardInterrupt
    raise SystemExit(128 + number)


def _attempt(make: Callable[[], Result]) -> Result | UnshrinkError:
    try:
        return make()
    except UnshrinkError as error:
        return error


def _result(made: Any) -> Any:
    if isinstance(made, UnshrinkError):
        raise made
    return made
