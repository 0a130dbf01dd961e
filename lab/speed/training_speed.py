"""Patches per second of a training step, against the straightforward loop: float32, default layout, plain autograd.

    python -m lab.speed.training_speed [--models lite-x4 irn-x4] [--batch 4] [--patch 96] [--threads 1 --clock cpu]

A step is both directions, the loss, the gradients and Adam; patches are made beforehand. The ways are run in turn, and
the least time of each counts. "gradient" is how far the fast way's lies from the float32 one's on the same patches
and weights, relative to its length.
"""

import argparse
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from unshrink.models import registry
from unshrink.models.rescaler import Rescaler
from unshrink.nn import tiling
from unshrink.train.objective import measure_losses
from unshrink.train.recipe import ObjectiveSettings

# Means, z = 0: what the recipes in this repository train with.
OBJECTIVE = ObjectiveSettings(reconstruction="l1", reduction="mean", latent_weight=0, latent_noise=0)
CLOCKS: dict[str, Callable[[], float]] = {"wall": time.perf_counter, "cpu": time.process_time}
WAYS = ("float32", "fast")


@dataclass(frozen=True)
class Patches:
    """What one step is shown."""

    hr: Tensor
    guide: Tensor


@contextmanager
def set_up(model: nn.Module, way: str) -> Iterator[None]:
    """The straightforward way, or ours: channels_last, with autocast to bfloat16."""
    layout = torch.contiguous_format if way == "float32" else torch.channels_last
    model.to(memory_format=layout)  # type: ignore[call-overload]
    tiling.LAYOUT = layout
    with torch.autocast("cpu", torch.bfloat16) if way == "fast" else nullcontext():
        yield


def differentiate(model: Rescaler, patches: Patches, way: str) -> None:
    """Both directions, the loss and its gradients."""
    with set_up(model, way):
        losses = measure_losses(model, patches.hr, patches.guide, OBJECTIVE, torch.Generator())
    losses.total.backward()  # type: ignore[no-untyped-call]


def gradient(model: Rescaler, patches: Patches, way: str) -> Tensor:
    """Of all parameters, as one vector."""
    model.zero_grad()
    differentiate(model, patches, way)
    return torch.cat([p.grad.flatten() for p in model.parameters() if p.grad is not None])


def seconds(work: Callable[[], None], clock: Callable[[], float]) -> float:
    """How long `work` takes."""
    start = clock()
    work()
    return clock() - start


def step(model: Rescaler, optimiser: torch.optim.Optimizer, patches: Patches, way: str) -> None:
    """One whole training step."""
    differentiate(model, patches, way)
    optimiser.step()
    optimiser.zero_grad()


def disturb(model: nn.Module) -> nn.Module:
    """A little noise on all weights: a fresh network's last convolutions are zero, and most gradients with them."""
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.01 * torch.randn_like(parameter))
    return model


def main() -> None:
    """Print one row a model."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", nargs="+", default=["lite-x4", "irn-x4"], choices=registry.names())
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--patch", type=int, default=96)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--clock", choices=CLOCKS, default="wall", help="cpu, with one thread, on a busy machine")
    chosen = parser.parse_args()
    torch.set_num_threads(chosen.threads)
    print("| model | float32, patches/s | fast, patches/s | faster | gradient |\n|---|" + "---:|" * 4)
    for name in chosen.models:
        print(_row(name, chosen.batch, chosen.patch, chosen.repeats, CLOCKS[chosen.clock]), flush=True)


def _row(name: str, batch: int, patch: int, repeats: int, clock: Callable[[], float]) -> str:
    torch.manual_seed(0)
    model = registry.build(registry.get(name))
    disturb(model)
    side = patch // (model.scale or 1)
    patches = Patches(torch.rand(batch, 3, patch, patch), torch.rand(batch, 3, side, side))
    true, found = (gradient(model, patches, way) for way in WAYS)
    far = float((found - true).norm() / true.norm())
    optimiser = torch.optim.Adam(model.parameters(), lr=1e-6)
    times: dict[str, list[float]] = {way: [] for way in WAYS}
    for _ in range(repeats):
        for way in WAYS:
            times[way].append(seconds(lambda: step(model, optimiser, patches, way), clock))  # noqa: B023
    plain, fast = (batch / min(times[way]) for way in WAYS)
    return f"| {name} | {plain:.2f} | {fast:.2f} | {fast / plain:.2f}x | {far:.2%} |"


if __name__ == "__main__":
    main()
