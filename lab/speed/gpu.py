"""Networks on a CUDA card against what the card can do: matrix products and memory bandwidth, measured in the same run.

    python -m lab.speed.gpu [--models irn-q-x4 irn-x4] [--megapixels 1]

Prints "no GPU" where there is none. Weights are drawn at random: they do not change the cost. The bound is the larger
of operations over the ceiling of matrix products in the sub-networks' dtype and bytes over the bandwidth; bytes are
what convolutions read and write, so a network that fuses nothing cannot be faster. Ways: "whole" without strips,
"strips" as on a processor, "card" in strips sized to the card's memory, which is what the engine does.
"""

import argparse
import time
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from unshrink.models import registry
from unshrink.models.rescaler import Rescaler
from unshrink.nn import tiling
from unshrink.nn.precision import fast_dtype, use_subnet_dtype
from unshrink.rescale.device import full_precision, tile_pixels
from unshrink.train.cost import multiply_adds_per_pixel

SIDE = 8192
"""Of the square matrices whose product is the ceiling."""
COPIED = 1 << 30
"""Bytes of the copy that measures the bandwidth."""


class Traffic(TorchDispatchMode):
    """Counts the bytes that convolutions read and write."""

    bytes = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Run the operation; count it if it is a convolution."""
        result = func(*args, **(kwargs or {}))
        if "convolution" in str(func):
            self.bytes += sum(tensor.numel() * tensor.element_size() for tensor in (args[0], args[1], result))
        return result


def seconds(work: Callable[[], object], device: torch.device, repeats: int = 5) -> float:
    """The least of some runs, after two to warm up."""
    times = []
    for _ in range(repeats + 2):
        _wait(device)
        start = time.perf_counter()
        work()
        _wait(device)
        times.append(time.perf_counter() - start)
    return min(times[2:])


def matmul_ceiling(dtype: torch.dtype, device: torch.device, side: int = SIDE) -> float:
    """Operations a second in a product of two square matrices."""
    a, b = (torch.rand(side, side, device=device).to(dtype) for _ in range(2))
    return 2 * side**3 / seconds(lambda: a @ b, device)


def bandwidth(device: torch.device, size: int = COPIED) -> float:
    """Bytes read and written a second by a copy."""
    source = torch.zeros(size, dtype=torch.uint8, device=device)
    target = torch.empty_like(source)
    return 2 * size / seconds(lambda: target.copy_(source), device)


def measure(name: str, megapixels: float, device: torch.device, ceiling: float, rate: float) -> list[str]:
    """Rows of the table: one for each direction."""
    torch.manual_seed(0)
    model = registry.build(registry.get(name)).eval().requires_grad_(False).to(device)
    use_subnet_dtype(model, fast_dtype(device))
    side = round((megapixels * 1e6) ** 0.5 / 24) * 24
    hr = torch.rand(1, 3, side, side, device=device)
    lr, payload = model.downscale(hr)
    work = {"down": lambda: model.downscale(hr), "up": lambda: model.upscale(lr, payload)}
    return [f"| {name} | {way} | {_row(model, hr, run, ceiling, rate)}" for way, run in work.items()]


def _row(model: Rescaler, hr: Tensor, run: Callable[[], object], ceiling: float, rate: float) -> str:
    sizes = {"whole": 1 << 40, "strips": tiling.TILE_PIXELS, "card": tile_pixels(model, hr.device)}
    times = {}
    for way, pixels in sizes.items():
        with tiling.of_pixels(pixels):
            times[way] = seconds(run, hr.device)
    with tiling.of_pixels(1 << 40), Traffic() as traffic:
        run()
    operations = 2 * multiply_adds_per_pixel(model) * hr.shape[-1] * hr.shape[-2]
    bound = max(operations / ceiling, traffic.bytes / rate)
    limit = "products" if operations / ceiling > traffic.bytes / rate else "bandwidth"
    cells = " | ".join(f"{1000 * value:.2f}" for value in times.values())
    return f"{cells} | {1000 * bound:.2f} ({limit}) | {100 * bound / times['card']:.0f} % |"


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def main() -> None:
    """Print the card's ceilings and a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", nargs="+", default=["irn-q-x4", "irn-x4"], choices=registry.names())
    parser.add_argument("--megapixels", type=float, default=1.0)
    chosen = parser.parse_args()
    if not torch.cuda.is_available():
        print("no GPU")
        return
    device = torch.device("cuda")
    with torch.inference_mode(), full_precision():
        dtype = fast_dtype(device)
        ceiling, rate = matmul_ceiling(dtype, device), bandwidth(device)
        print(f"{torch.cuda.get_device_name()}: {ceiling / 1e12:.0f} TFLOP/s in {dtype}, {rate / 1e9:.0f} GB/s\n")
        print("| model | direction | whole ms | strips ms | card ms | bound ms | share of bound |")
        print("|---|---|---:|---:|---:|---:|---:|")
        for name in chosen.models:
            print("\n".join(measure(name, chosen.megapixels, device, ceiling, rate)), flush=True)


if __name__ == "__main__":
    main()
