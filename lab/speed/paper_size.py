"""The paper-size IRN: how much faster than its authors' way, how near the processor's ceiling, at what loss.

    python -m lab.speed.paper_size FOLDER [--models irn-x4 lite-x4] [--trained irn-x2] [--threads 1 --clock cpu]

(a) is the same network run straightforwardly: whole image, float32, default layout. (b) is the rate of a large bfloat16
matrix product on the same threads. Weights for the times are drawn at random, they do not change the cost; the loss is
measured on the pictures in FOLDER with shipped weights of the same kind of sub-networks, through written files.
"""

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import torch

from lab.speed.networks import prepare
from lab.speed.precision import mean_psnr
from unshrink.models import registry
from unshrink.nn.precision import fast_dtype
from unshrink.rescale import Engine
from unshrink.train.cost import multiply_adds_per_pixel

CLOCKS: dict[str, Callable[[], float]] = {"wall": time.perf_counter, "cpu": time.process_time}
MATRIX = 4096


def seconds(work: Callable[[], object], clock: Callable[[], float], repeats: int) -> float:
    """The least of some runs."""
    times = []
    for _ in range(repeats):
        start = clock()
        work()
        times.append(clock() - start)
    return min(times)


def ceiling(clock: Callable[[], float]) -> float:
    """Operations per second of a large matrix product in what sub-networks compute in."""
    matrix = torch.rand(MATRIX, MATRIX).to(fast_dtype(torch.device("cpu")))
    return 2 * MATRIX**3 / seconds(lambda: matrix @ matrix, clock, 5)


@torch.inference_mode()
def speed_row(name: str, side: int, clock: Callable[[], float]) -> str:
    """Both ways of one network, in both directions, beside the ceiling."""
    torch.manual_seed(0)
    model = registry.build(registry.get(name)).eval()
    operations = 4 * multiply_adds_per_pixel(model) * side * side
    hr = torch.rand(1, 3, side, side)
    lr, _ = model.downscale(hr)
    times = []
    for way in ("whole float32", "strips fast"):
        prepare(model, way)
        times.append(seconds(lambda: (model.downscale(hr), model.upscale(lr)), clock, 2))
    plain, fast = times
    cells = f"{plain * 1e6 / side**2:.2f} | {fast * 1e6 / side**2:.2f} | {plain / fast:.1f}x"
    return f"| {name} | {cells} | {operations / fast / 1e9:.0f} | {operations / fast / ceiling(clock):.0%} |"


def loss_row(name: str, folder: Path) -> str:
    """What the fast way costs."""
    exact, narrowed = Engine(precision="float32"), Engine()
    whole, fast = mean_psnr(name, folder, exact, exact), mean_psnr(name, folder, narrowed, narrowed)
    return f"| {name} | {whole:.3f} | {fast - whole:+.4f} |"


def main() -> None:
    """Print a row of times a model, and a row of the loss for each with weights."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--models", nargs="+", default=["irn-x4", "lite-x4"], choices=registry.names())
    parser.add_argument("--trained", nargs="*", default=["irn-x2", "lite-x4"], choices=registry.names())
    parser.add_argument("--side", type=int, default=768, help="of the picture, in pixels; a multiple of 24")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--clock", choices=CLOCKS, default="wall", help="cpu, with one thread, on a busy machine")
    chosen = parser.parse_args()
    torch.set_num_threads(chosen.threads)
    clock = CLOCKS[chosen.clock]
    print("Both directions, seconds per megapixel:\n")
    print("| model | (a) | fast | faster | GFLOP/s | share of (b) |\n|---|" + "---:|" * 5)
    for name in chosen.models:
        print(speed_row(name, chosen.side, clock), flush=True)
    print("\n| weights | float32 dB | fast, difference |\n|---|---:|---:|")
    for name in chosen.trained:
        print(loss_row(name, chosen.folder), flush=True)


if __name__ == "__main__":
    main()
