"""All that changes while training, and how it is kept: weights, their average, optimisers, steps done."""

import copy
import io
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from unshrink.errors import WeightsError
from unshrink.files.disk import open_new
from unshrink.models.registry import build, get
from unshrink.models.rescaler import Rescaler
from unshrink.models.weights import load, stated_model
from unshrink.nn.invertible import Chain
from unshrink.train.adversarial import Adversary
from unshrink.train.methods import begin
from unshrink.train.muon import Muon
from unshrink.train.perceptual import Perception, perception_for
from unshrink.train.recipe import OptimiserSettings, Recipe, ScheduleSettings


@dataclass(eq=False)
class State:
    """A run at one step. Changed in place by the loop, saved and restored as a whole."""

    model: Rescaler
    average: Rescaler
    """Moving average of `model`."""
    optimisers: list[torch.optim.Optimizer]
    perception: Perception | None = None
    """Its critic learns along with the model; None for objectives without perceptual terms."""
    step: int = 0
    seconds: float = 0.0
    """Training time so far, pauses left out."""


def start(recipe: Recipe, device: torch.device) -> State:
    """A fresh run: weights drawn from the recipe's seed."""
    torch.manual_seed(recipe.seed)
    model = build(get(recipe.model), settings=recipe.settings).to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    for module in model.modules():
        if isinstance(module, Chain):
            module.recompute = recipe.recompute
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(not name.startswith(recipe.optimiser.frozen))
    average = copy.deepcopy(model).requires_grad_(False)
    return State(model, average, _optimisers(model, recipe.optimiser), perception_for(recipe.objective, device))


def begin_with(state: State, path: Path, model: str) -> None:
    """Begin with the weights at `path`, of the same network or of another that can grow into it.

    `path` is a folder, or an authors' .pth, which does not say what it is of and is read as of `model`, the recipe's.
    Raises WeightsError where there are none or they do not fit.
    """
    found = load(stated_model(path) or model, path=path).model
    try:
        begin(found, state.model)
    except WeightsError as error:
        raise WeightsError(f"{path} cannot begin the recipe's network. {error}") from error
    state.average.load_state_dict(state.model.state_dict())


def save(state: State, path: Path) -> None:
    """Write a checkpoint, atomically."""
    adversary = _adversary(state)
    entry = {
        "model": state.model.state_dict(),
        "average": state.average.state_dict(),
        "optimisers": [optimiser.state_dict() for optimiser in state.optimisers],
        "critic": adversary.state_dict() if adversary else None,
        "step": state.step,
        "seconds": state.seconds,
    }
    with open_new(path, overwrite=True) as stream:
        torch.save(entry, stream)


def restore(state: State, path: Path, data: bytes | None = None) -> None:
    """Continue from a checkpoint of the same recipe, or from its bytes. Raises WeightsError where it does not fit."""
    try:
        source = path if data is None else io.BytesIO(data)
        entry: dict[str, Any] = torch.load(source, weights_only=True, map_location="cpu")
        state.model.load_state_dict(entry["model"])
        state.average.load_state_dict(entry["average"])
        for optimiser, saved in zip(state.optimisers, entry["optimisers"], strict=True):
            optimiser.load_state_dict(saved)
        adversary = _adversary(state)
        if adversary is not None:
            adversary.load_state_dict(entry["critic"])
    except (RuntimeError, KeyError, ValueError, EOFError) as error:
        raise WeightsError(f"The checkpoint {path} does not fit this recipe; start in another folder.") from error
    state.step, state.seconds = entry["step"], entry["seconds"]


def _adversary(state: State) -> Adversary | None:
    return state.perception.adversary if state.perception else None


def _optimisers(model: nn.Module, settings: OptimiserSettings) -> list[torch.optim.Optimizer]:
    learning = [parameter for parameter in model.parameters() if parameter.requires_grad]
    if settings.kind == "adam":
        decay = settings.weight_decay
        return [torch.optim.Adam(learning, lr=settings.rate, weight_decay=decay, foreach=True)]
    plain = {id(parameter) for name, parameter in model.named_parameters() if name.startswith(settings.by_adam)}
    kernels = [parameter for parameter in learning if parameter.ndim == 4 and id(parameter) not in plain]
    rest = [parameter for parameter in learning if parameter.ndim != 4 or id(parameter) in plain]
    return [
        Muon(kernels, lr=settings.rate, momentum=settings.momentum),
        torch.optim.AdamW(rest, lr=settings.adam_rate, betas=(0.9, 0.99), weight_decay=0.0, foreach=True),
    ]


def rate_factor(settings: ScheduleSettings, step: int, progress: float) -> float:
    """What the learning rates are multiplied with at `step`, when `progress` (0 to 1) of the run is done."""
    rise = min(1.0, (step + 1) / (settings.warmup + 1))
    if settings.shape == "cosine":
        return rise * 0.5 * (1 + math.cos(math.pi * min(progress, 1.0)))
    if settings.shape == "linear":
        return rise * (1 - min(progress, 1.0))
    return float(rise * 0.5 ** sum(step >= at for at in settings.halve_at))


@torch.no_grad()
def update_average(state: State, decay: float) -> None:
    """Move the average towards the model; faster at first, so that it forgets the start."""
    keep = min(decay, (1 + state.step) / (10 + state.step))
    torch._foreach_lerp_(list(state.average.parameters()), list(state.model.parameters()), 1 - keep)
