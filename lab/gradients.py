"""How gradients fare with depth in IRN, IRRM and IRRM without its skips: `python -m lab.gradients DATA`.

Three networks of six couplings and about equal cost are trained from the same seed on the same patches. At every step
the gradient of each coupling is measured; depth 1 is the coupling next to the HR picture. After Figure 2 of Li et al.,
IJCAI 2024; what is measured, and on what networks, is our design.
"""

from __future__ import annotations

import argparse
import math
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import torch
from matplotlib import pyplot
from torch import nn

from lab.command import answer, write_json
from unshrink.data.pack import Pack, pack_folder
from unshrink.data.patches import PatchSettings, draw_batch
from unshrink.models.irn import IRNSettings, LevelSettings
from unshrink.models.irrm import IRRMSettings, ModuleSettings
from unshrink.models.registry import Settings
from unshrink.models.rescaler import Rescaler
from unshrink.nn.coupling import Coupling
from unshrink.nn.residual_block import InvertibleResidualBlock
from unshrink.settings import plain
from unshrink.train import state as states
from unshrink.train.cost import multiply_adds_per_pixel
from unshrink.train.objective import measure_losses
from unshrink.train.recipe import ObjectiveSettings, OptimiserSettings, Recipe

NETWORKS: dict[str, tuple[str, Settings]] = {
    "IRN": ("irn-x2", IRNSettings((LevelSettings(blocks=6, width=7),))),
    "IRRM": ("irrm-s-x2", IRRMSettings((ModuleSettings(6, 17, 8),))),
    "IRRM without skips": ("irrm-s-x2", IRRMSettings((ModuleSettings(6, 18, 9),), long_skip=False, short_skip=False)),
}
"""Model whose class is meant, and the small network that stands for it."""
DATA = PatchSettings(batch=2, patch=32)
OBJECTIVE = ObjectiveSettings(
    reconstruction="l1", reduction="mean", guide_weight=1.0, latent_weight=0.0, latent_noise=0.0, luma_weight=0.6
)
RECENT = 20
"""Steps at the end over which a loss is averaged."""


@dataclass(frozen=True)
class Trace:
    """What was seen while one network trained."""

    name: str
    parameters: int
    multiply_adds: float
    """Per HR pixel, one direction."""
    gradients: list[float]
    """By depth: root mean square of a coupling's gradient, averaged over the steps."""
    wobble: list[float]
    """By depth: standard deviation over the steps, over that average."""
    norms: list[float]
    """By step: norm of the whole gradient."""
    loss: float
    """Mean total loss of the last steps."""


def trace(name: str, pack: Pack, *, steps: int, seed: int = 0) -> Trace:
    """Train the network `name` for `steps` steps at a constant rate (Muon, 2e-3) and measure its gradients."""
    model_name, settings = NETWORKS[name]
    optimiser = OptimiserSettings(kind="muon", rate=2e-3)
    recipe = Recipe(model_name, network=plain(settings), seed=seed, data=DATA, objective=OBJECTIVE, optimiser=optimiser)
    state = states.start(recipe, torch.device("cpu"))
    couplings = _couplings(state.model)
    rows, norms, losses = [], [], []
    for step in range(steps):
        losses.append(_backward(state.model, pack, seed, step))
        rows.append([_rms_gradient(coupling) for coupling in couplings])
        norms.append(_norm(state.model))
        _update(state.optimisers)
    seen = torch.tensor(rows, dtype=torch.float64)
    mean, spread = seen.mean(0), seen.std(0)
    parameters = sum(parameter.numel() for parameter in state.model.parameters())
    cost = multiply_adds_per_pixel(state.model)
    recent = losses[-RECENT:]
    wobble = (spread / mean).tolist()
    return Trace(name, parameters, cost, mean.tolist(), wobble, norms, sum(recent) / len(recent))


def draw(traces: Sequence[Trace], target: Path) -> None:
    """Gradient over depth and over steps, one line a network, as a PNG."""
    figure, (left, right) = pyplot.subplots(1, 2, figsize=(10, 4), layout="constrained")
    left.set(title="Gradient by depth", xlabel="coupling (1 is next to HR)", ylabel="root mean square", yscale="log")
    right.set(title="Norm of the whole gradient", xlabel="step", yscale="log")
    for entry in traces:
        left.plot(range(1, len(entry.gradients) + 1), entry.gradients, marker="o", label=entry.name)
        right.plot(entry.norms, linewidth=0.7, label=entry.name)
    left.legend()
    target.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(target, dpi=110)
    pyplot.close(figure)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; 0, or the error's exit code."""
    parser = argparse.ArgumentParser(prog="python -m lab.gradients", description=__doc__)
    parser.add_argument("data", type=Path, metavar="DATA", help="folder of pictures")
    parser.add_argument("--cache", type=Path, default=Path("build/pack"), help="where the packed pictures are kept")
    parser.add_argument("--steps", type=int, default=150)
    parser.add_argument("--json", type=Path, default=Path("build/gradients.json"))
    parser.add_argument("--png", type=Path, default=Path("build/gradients.png"))
    chosen = parser.parse_args(arguments)
    return answer(lambda: _report(pack_folder(chosen.data, chosen.cache), chosen.steps, chosen.json, chosen.png))


def _report(pack: Pack, steps: int, report: Path, picture: Path) -> None:
    traces = []
    for name in NETWORKS:
        begun = time.monotonic()
        traces.append(trace(name, pack, steps=steps))
        sys.stderr.write(f"{name}: loss {traces[-1].loss:.5f}, {time.monotonic() - begun:.0f} s\n")
    report.parent.mkdir(parents=True, exist_ok=True)
    entries = {"steps": steps, "data": pack.digest, "networks": [asdict(entry) for entry in traces]}
    write_json(report, entries)
    draw(traces, picture)


def _backward(model: Rescaler, pack: Pack, seed: int, step: int) -> float:
    indices, _ = pack.split(DATA.holdout)
    hr, guide = draw_batch(pack, indices, DATA, scale=model.scale, seed=seed, step=step)
    losses = measure_losses(model, hr, guide, OBJECTIVE, torch.Generator().manual_seed(step))
    losses.total.backward()  # type: ignore[no-untyped-call]
    return float(losses.total.item())


def _update(optimisers: Sequence[torch.optim.Optimizer]) -> None:
    for optimiser in optimisers:
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)


def _couplings(model: nn.Module) -> list[nn.Module]:
    return [module for module in model.modules() if isinstance(module, Coupling | InvertibleResidualBlock)]


def _rms_gradient(module: nn.Module) -> float:
    """Of all its weights, so that couplings of unlike size compare."""
    return _norm(module) / math.sqrt(sum(parameter.numel() for parameter in module.parameters()))


def _norm(module: nn.Module) -> float:
    """Of the gradient of all its weights."""
    squares = [parameter.grad.square().sum() for parameter in module.parameters() if parameter.grad is not None]
    return float(torch.stack(squares).sum().sqrt())


if __name__ == "__main__":
    sys.exit(main())
