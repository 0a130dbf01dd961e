"""Eight pictures in one call of a network against eight calls: what a batch gains, and what it changes.

    python -m lab.speed.batches [--model lite-x4] [--sides 64 128 256] [--threads 1]

In memory, shipped weights, down and up, the two ways in turn. "differ" is the largest difference of restored pictures.
"""

import argparse
import time
from collections.abc import Callable

import torch
from torch import Tensor

from unshrink.models.rescaler import Rescaler
from unshrink.models.weights import load
from unshrink.nn.precision import fast_dtype

COUNT = 8


def there_and_back(model: Rescaler, hr: Tensor) -> Tensor:
    """Restored pictures."""
    return model.upscale(*model.downscale(hr))


def seconds(work: Callable[[], object]) -> float:
    """Of one run."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


@torch.inference_mode()
def row(model: Rescaler, side: int) -> tuple[float, float, float]:
    """Seconds one by one, in a batch, and the largest difference."""
    hr = torch.rand(COUNT, 3, side, side)

    def singly() -> Tensor:
        return torch.cat([there_and_back(model, picture[None]) for picture in hr])

    differ = float((singly() - there_and_back(model, hr)).abs().max())
    times = [(seconds(singly), seconds(lambda: there_and_back(model, hr))) for _ in range(5)]
    one, all_at_once = (min(column) for column in zip(*times, strict=True))
    return one, all_at_once, differ


def main() -> None:
    """Print a row for each dtype and side."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="lite-x4")
    parser.add_argument("--sides", nargs="+", type=int, default=[64, 128, 256])
    parser.add_argument("--threads", type=int, default=1)
    chosen = parser.parse_args()
    torch.set_num_threads(chosen.threads)
    print("| sub-networks | side | one by one ms | batch ms | faster | differ |\n|---|---:|---:|---:|---:|---:|")
    for dtype in dict.fromkeys([torch.float32, fast_dtype(torch.device("cpu"))]):
        model = load(chosen.model, dtype=dtype).model
        for side in chosen.sides:
            one, batch, differ = row(model, side)
            kind = str(dtype).removeprefix("torch.")
            print(f"| {kind} | {side} | {1e3 * one:.1f} | {1e3 * batch:.1f} | {one / batch:.2f}x | {differ:.1e} |")


if __name__ == "__main__":
    main()
