"""Memory and time of one training step, with and without reversible back-propagation (`recompute: true` in a recipe).

    python -m lab.speed.training_memory [--model irn-x4] [--batch 16] [--patch 144] [--precision bfloat16]

Each way runs one step in a process of its own. Memory is the process's peak above what it held before the step.
"""

import argparse
import json
import subprocess
import sys
import time
from contextlib import nullcontext
from pathlib import Path

import torch

from unshrink.models import registry
from unshrink.nn.invertible import Chain
from unshrink.train.objective import measure_losses
from unshrink.train.recipe import ObjectiveSettings

OBJECTIVE = ObjectiveSettings(reconstruction="l1", reduction="mean", latent_weight=0, latent_noise=0)


def peak() -> int:
    """Most bytes this process has held in memory."""
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return 1024 * next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))


def step(model: torch.nn.Module, hr: torch.Tensor, guide: torch.Tensor, precision: str) -> None:
    """One forward and backward pass."""
    fast = torch.autocast("cpu", torch.bfloat16) if precision == "bfloat16" else nullcontext()
    with fast:
        losses = measure_losses(model, hr, guide, OBJECTIVE, torch.Generator())  # type: ignore[arg-type]
    losses.total.backward()  # type: ignore[no-untyped-call]


def measure(name: str, batch: int, patch: int, precision: str, recompute: bool) -> dict[str, float]:
    """Seconds and bytes of a step."""
    model = registry.build(registry.get(name)).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    for module in model.modules():
        if isinstance(module, Chain):
            module.recompute = recompute
    small = 4 * (model.scale or 1)
    step(model, torch.rand(1, 3, small, small), torch.rand(1, 3, 4, 4), precision)  # what torch itself sets up
    hr, side = torch.rand(batch, 3, patch, patch), patch // (model.scale or 1)
    before, start = peak(), time.perf_counter()
    step(model, hr, torch.rand(batch, 3, side, side), precision)
    return {"seconds": time.perf_counter() - start, "bytes": peak() - before}


def main() -> None:
    """Print one row for each way and their ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="irn-x4", choices=registry.names())
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--patch", type=int, default=144)
    parser.add_argument("--precision", default="float32", choices=["float32", "bfloat16"])
    parser.add_argument("--one", choices=["keep", "recompute"], help="measure one way, in this process, as JSON")
    chosen = parser.parse_args()
    if chosen.one:
        row = measure(chosen.model, chosen.batch, chosen.patch, chosen.precision, chosen.one == "recompute")
        sys.stdout.write(json.dumps(row))
        return
    rows = {way: _in_a_process(way) for way in ("keep", "recompute")}
    print("| activations | peak MB | seconds |\n|---|---:|---:|")
    for way, row in rows.items():
        print(f"| {way} | {row['bytes'] / 1e6:,.0f} | {row['seconds']:.1f} |")
    memory, seconds = (rows["recompute"][key] / rows["keep"][key] for key in ("bytes", "seconds"))
    print(f"recompute / keep: {memory:.3f} of the memory, {seconds:.2f} times the time")


def _in_a_process(way: str) -> dict[str, float]:
    done = subprocess.run(
        [sys.executable, __file__, *sys.argv[1:], "--one", way], capture_output=True, text=True, check=True
    )
    return dict(json.loads(done.stdout))


if __name__ == "__main__":
    main()
