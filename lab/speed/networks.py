"""Networks alone, against the same networks run as their authors run them: whole image, float32, default layout.

    python -m lab.speed.networks [--models lite-x2 lite-x4 irn-x4] [--megapixels 1]

Weights are drawn at random: they do not change the cost. Each row's ratios are taken in one run, the two ways in turn.
"""

import argparse
import time
from collections.abc import Callable

import torch
from torch import Tensor

from unshrink.models import registry
from unshrink.nn import subnets, tiling
from unshrink.nn.precision import fast_dtype, use_subnet_dtype
from unshrink.train.cost import multiply_adds_per_pixel

STRIP_PIXELS, FEW_OUTPUTS = tiling.TILE_PIXELS, subnets.FEW_OUTPUTS
WAYS = ("whole float32", "strips float32", "strips fast")


def seconds(work: Callable[[], object], repeats: int = 3) -> float:
    """The least of some runs, after one to warm up."""
    work()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times)


def prepare(model: torch.nn.Module, way: str) -> None:
    """Set the model up for one way of running it."""
    dtype = fast_dtype(torch.device("cpu")) if way == "strips fast" else torch.float32
    use_subnet_dtype(model, dtype)
    layout = torch.contiguous_format if way == "whole float32" else torch.channels_last
    model.to(memory_format=layout)
    tiling.LAYOUT = layout
    tiling.TILE_PIXELS = 1 << 40 if way == "whole float32" else STRIP_PIXELS
    subnets.FEW_OUTPUTS = 0 if way == "whole float32" else FEW_OUTPUTS


def main() -> None:
    """Print one row a model and direction."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", nargs="+", default=["lite-x2", "lite-x4", "irn-x4"], choices=registry.names())
    parser.add_argument("--megapixels", type=float, default=1.0)
    chosen = parser.parse_args()
    side = round((chosen.megapixels * 1e6) ** 0.5 / 24) * 24
    print("| model | direction |" + "".join(f" {way} s |" for way in WAYS) + " faster | GFLOP/s |")
    print("|---|---|" + "---:|" * (len(WAYS) + 2))
    for name in chosen.models:
        _measure(name, torch.rand(1, 3, side, side))


@torch.inference_mode()
def _measure(name: str, hr: Tensor) -> None:
    torch.manual_seed(0)
    model = registry.build(registry.get(name)).eval()
    lr, _ = model.downscale(hr)
    times: dict[str, list[float]] = {"down": [], "up": []}
    for way in WAYS:
        prepare(model, way)
        times["down"].append(seconds(lambda: model.downscale(hr)))
        times["up"].append(seconds(lambda: model.upscale(lr)))
    work = 2 * multiply_adds_per_pixel(model) * hr.shape[-1] * hr.shape[-2] / 1e9
    for direction, row in times.items():
        cells = "".join(f" {value:.2f} |" for value in row)
        print(f"| {name} | {direction} |{cells} {row[0] / row[-1]:.1f}x | {work / row[-1]:.0f} |", flush=True)


if __name__ == "__main__":
    main()
