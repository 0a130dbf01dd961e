"""The training loop: restartable at any step, bounded in time, the same on a CPU and a GPU."""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import torch

from unshrink.data.pack import Pack, pack_folder
from unshrink.data.patches import draw_batch
from unshrink.errors import UnshrinkError, UsageError
from unshrink.train import state as states
from unshrink.train.draws import Sharing
from unshrink.train.families import FITS, OBJECTIVES, VALIDATIONS
from unshrink.train.methods import AIMS
from unshrink.train.objective import Losses, measure_losses
from unshrink.train.ranks import Interruption, Ranks, joined, restarted, stop
from unshrink.train.recipe import Recipe, read_recipe
from unshrink.train.record import Record
from unshrink.train.state import State
from unshrink.train.validate import Validation, validate

CHECKPOINT_SECONDS = 180.0
LOG_STEPS = 100
AIM_BATCHES = 64
Progress = Callable[[int, int, str], None]
"""Called with how much is done, out of how much, and a line on how it goes."""


@dataclass(frozen=True)
class Limits:
    """When a run ends: at the recipe's steps, or after so many seconds of training, whichever is first."""

    steps: int
    seconds: float

    def progress(self, state: State) -> float:
        """How much of the run is done, 0 to 1."""
        return max(state.step / self.steps, state.seconds / self.seconds)


def run(
    recipe: str | Path | Recipe,
    data: Path,
    out: Path,
    *,
    max_time: float | None = None,
    resume: bool = False,
    start: Sequence[Path] = (),
    cache: Path | None = None,
    progress: Progress | None = None,
) -> Record:
    """Train by a recipe (name, YAML file or object) on the pictures in `data`; all results go to `out`.

    max_time: seconds of training; the schedule ends with them. resume: continue from the checkpoint in `out`, with
    the same result as a run that was not stopped, where the recipe's steps bound it. start: folders of weights to
    begin with, one but for an IARN, which takes those of x2 and x4; the record tells what those cost too. Under
    torchrun each process works on its part of every batch, and the first one writes. Raises UsageError for a folder
    that holds a run already, and for bad recipes and data.
    """
    plan = recipe if isinstance(recipe, Recipe) else read_recipe(recipe)
    resume = resume or restarted()
    with joined(plan.data.batch) as ranks:
        held = ranks.firsts(lambda: _checkpoint(out, resume))
        pack = _packed(data, cache or out / "pack", ranks)
        state = states.start(plan, ranks.device)
        if held is not None:
            states.restore(state, out / "checkpoint.pt", held)
        elif start:
            ranks.firsts(lambda: _begin(state, plan, pack, start))
        ranks.copy(state.model)
        ranks.copy(state.average)
        record = Record(out, plan, pack.digest, resume=resume, start=start, writes=ranks.first)
        _train(state, plan, pack, Limits(plan.steps, max_time or math.inf), record, progress, ranks)
    return record


def _checkpoint(out: Path, resume: bool) -> bytes | None:
    """The checkpoint to go on from, None where there is none; UsageError where there is one that must stay."""
    checkpoint = out / "checkpoint.pt"
    if not checkpoint.exists():
        return None
    if not resume:
        raise UsageError(f"{out} holds a run already; continue it with --resume or name another folder.")
    return checkpoint.read_bytes()


def _packed(data: Path, cache: Path, ranks: Ranks) -> Pack:
    """The pictures, packed once on every machine. Raises UsageError where machines have different ones."""
    pack = ranks.in_turn(lambda: pack_folder(data, cache))
    if ranks.firsts(lambda: pack.digest) != pack.digest:
        raise UsageError(f"{data} holds other pictures here than on the first machine; give all of them the same.")
    return pack


def _begin(state: State, recipe: Recipe, pack: Pack, start: Sequence[Path]) -> None:
    for folder in start:
        states.begin_with(state, folder, recipe.model)
    _aim(state, recipe, pack, next(state.model.parameters()).device)


def _aim(state: State, recipe: Recipe, pack: Pack, device: torch.device) -> None:
    """Show the network some pictures where its method wants to see them before it learns."""
    aim = AIMS.get(type(state.model))
    if aim is None:
        return
    indices, _ = pack.split(recipe.data.holdout)
    photos = replace(recipe.data, synthetic=0.0)
    batches = (
        draw_batch(pack, indices, photos, scale=state.model.scale, seed=recipe.seed, step=step)[0].to(device)
        for step in range(AIM_BATCHES)
    )
    aim(state.model, batches)
    state.average.load_state_dict(state.model.state_dict())


def _train(
    state: State,
    recipe: Recipe,
    pack: Pack,
    limits: Limits,
    record: Record,
    progress: Progress | None,
    ranks: Ranks,
) -> None:
    indices, _ = pack.split(recipe.data.holdout)
    clock, saved, interruption = Clock(), time.monotonic(), Interruption()
    losses, stopped = None, 0.0
    with interruption.awaited(ranks.several):
        while limits.progress(state) < 1 and not stopped:
            losses = _step(state, recipe, pack, indices, limits.progress(state), ranks)
            state.step += 1
            lap, stopped = ranks.largest(clock.lap() if ranks.first else 0.0, interruption.number)
            state.seconds += lap
            if state.step % LOG_STEPS == 0 or state.step == 1:
                _log(state, losses, limits, record, progress)
            due = time.monotonic() - saved > CHECKPOINT_SECONDS and limits.progress(state) < 1 and not stopped
            if ranks.first and due:
                record.keep(state, _judge(state, recipe, pack))
                saved = time.monotonic()
                clock.lap()
    if losses is not None and state.step != record.last.get("step"):
        record.log(state, losses)
    if stopped:
        record.save(state)
        stop(int(stopped))
    if ranks.first:
        record.keep(state, _judge(state, recipe, pack), ended=True)


def _log(state: State, losses: Losses, limits: Limits, record: Record, progress: Progress | None) -> None:
    record.log(state, losses)
    if progress:
        done = round(1000 * min(limits.progress(state), 1.0))
        progress(done, 1000, record.summary())


def _judge(state: State, recipe: Recipe, pack: Pack) -> Validation:
    """What the average is worth on held-out pictures, after what it takes from the others without learning is set."""
    indices, held = pack.split(recipe.data.holdout)
    kind = type(state.average)
    if kind in FITS:
        FITS[kind](state.average, pack, indices, recipe)
    return VALIDATIONS.get(kind, validate)(state.average, pack, held)


def _step(state: State, recipe: Recipe, pack: Pack, indices: list[int], progress: float, ranks: Ranks) -> Losses:
    device, scale = ranks.device, state.model.scale
    hr, guide = draw_batch(pack, indices, recipe.data, scale=scale, seed=recipe.seed, step=state.step, own=ranks.own)
    generator = Sharing(ranks.own, ranks.batch) if ranks.several else torch.Generator()
    generator.manual_seed(recipe.seed * 1_000_003 + state.step)
    hr, guide = hr.to(device), guide.to(device)
    perceive = None if state.perception is None else partial(state.perception.loss, step=state.step)
    with torch.autocast(device.type, torch.bfloat16, enabled=recipe.precision == "bfloat16"):
        measure = OBJECTIVES.get(type(state.model), measure_losses)
        losses = measure(state.model, hr, guide, recipe.objective, generator, perceive)
    losses.total.backward()  # type: ignore[no-untyped-call]
    ranks.average(state.model)
    losses = losses.averaged(ranks.mean)
    if not math.isfinite(losses.total.item()):
        raise UnshrinkError(f"The loss is no longer finite at step {state.step}; take a lower learning rate.")
    _update(state, recipe, progress)
    if state.perception is not None and losses.sigma != 0:
        state.perception.learn(hr, losses.restored, ranks.average)
    return losses


def _update(state: State, recipe: Recipe, progress: float) -> None:
    if recipe.optimiser.clip:
        torch.nn.utils.clip_grad_norm_(state.model.parameters(), recipe.optimiser.clip)
    factor = states.rate_factor(recipe.schedule, state.step, progress)
    for optimiser in state.optimisers:
        for group in optimiser.param_groups:
            group.setdefault("base_lr", group["lr"])
            group["lr"] = group["base_lr"] * factor
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)
    states.update_average(state, recipe.ema)


class Clock:
    """Seconds between laps, in which a pause of the process counts as one usual lap only."""

    def __init__(self) -> None:
        self.last = time.monotonic()
        self.usual = math.inf

    def lap(self) -> float:
        """Seconds since the last lap, at most 20 times the usual."""
        now = time.monotonic()
        lap, self.last = now - self.last, now
        if lap > 20 * self.usual:
            return self.usual
        self.usual = lap if math.isinf(self.usual) else 0.95 * self.usual + 0.05 * lap
        return lap
