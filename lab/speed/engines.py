"""torch against OpenVINO: the same networks, their sub-networks compiled. Needs `pip install openvino`.

    python -m lab.speed.engines [FOLDER] [--models lite-x2 lite-x4] [--megapixels 1] [--runs 3] [--cpu-time]

Networks alone, in memory, the two in turn, the least of some runs; "start" is what importing and compiling take, once a
process. `--cpu-time` counts the processor's seconds and not the clock's, for machines that are busy otherwise. With
FOLDER, the mean Y-PSNR of its pictures through written files: both in float32, then the difference to that of torch and
of OpenVINO as fast as they go, and of files made by one and restored by the other.
"""

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from lab.speed.precision import mean_psnr
from unshrink.models import registry
from unshrink.models.rescaler import Rescaler
from unshrink.models.weights import load
from unshrink.nn.precision import fast_dtype
from unshrink.nn.subnets import SLOPE, DenseSubnet, ResidualSubnet
from unshrink.rescale import Engine

Clock = Callable[[], float]
FEW_INPUTS = 16


class Compiled(nn.Module):
    """A sub-network that OpenVINO runs: (B, inputs, H, W) -> (B, outputs, H, W), float32, any H and W.

    With bfloat16, few inputs, which hold the LR picture, still count as in float32: they and their kernels are sums of
    two, rounded and what rounding left over, and three of the four products of these are computed side by side. More
    inputs are high bands, near zero, where bfloat16 is fine enough.
    """

    def __init__(self, net: DenseSubnet | ResidualSubnet, dtype: torch.dtype) -> None:
        super().__init__()
        self.reach = net.reach
        head = net.convs[0] if isinstance(net, DenseSubnet) else net.head
        tail = net.convs[-1] if isinstance(net, DenseSubnet) else net.tail
        self._outputs = tail.out_channels
        self._in_parts = dtype == torch.bfloat16 and head.in_channels <= FEW_INPUTS
        self._request = _compile(_graph(net, head.in_channels, self._in_parts), dtype)

    def forward(self, x: Tensor) -> Tensor:
        """(B, inputs, H, W) -> (B, outputs, H, W)."""
        from openvino import Shape, Type
        from openvino import Tensor as Shared

        pixels = x.permute(0, 2, 3, 1)
        result = torch.empty(x.shape[0], self._outputs, *x.shape[2:])
        if self._in_parts:
            pixels = _parts(pixels)
            given = Shared(pixels.view(torch.int16).numpy(), Shape(list(pixels.shape)), Type.bf16)
        else:
            pixels = pixels.contiguous()
            given = Shared(pixels.numpy(), shared_memory=True)
        self._request.set_input_tensor(0, given)
        self._request.set_output_tensor(0, Shared(result.numpy(), shared_memory=True))
        self._request.infer()
        return result


def compile_subnets(model: nn.Module, dtype: torch.dtype) -> None:
    """Replace all sub-networks, in place."""
    for parent in list(model.modules()):
        for name, child in list(parent.named_children()):
            if type(child) in (DenseSubnet, ResidualSubnet):
                setattr(parent, name, Compiled(child, dtype))


def _compile(graph: Any, dtype: torch.dtype) -> Any:
    from openvino import Core

    settings = {
        "INFERENCE_PRECISION_HINT": "bf16" if dtype == torch.bfloat16 else "f32",
        "INFERENCE_NUM_THREADS": torch.get_num_threads(),
        "NUM_STREAMS": 1,
    }
    return Core().compile_model(graph, "CPU", settings).create_infer_request()


def _graph(net: DenseSubnet | ResidualSubnet, inputs: int, in_parts: bool) -> Any:
    """(B, H, W, C) -> (B, D, H, W), C being `inputs` or, `in_parts`, three times as many."""
    from openvino import Model, PartialShape, Type
    from openvino import opset13 as ops

    kind = Type.bf16 if in_parts else Type.f32
    given = ops.parameter(PartialShape([-1, -1, -1, 3 * inputs if in_parts else inputs]), kind)
    x = ops.convert(given, "f32") if in_parts else given
    x = ops.transpose(x, ops.constant(np.array([0, 3, 1, 2])))
    count = inputs if in_parts else 0
    x = _dense(net, x, count) if isinstance(net, DenseSubnet) else _residual(net, x, count)
    return Model([ops.result(x)], [given], "subnet")


def _residual(net: ResidualSubnet, x: Any, in_parts: int) -> Any:
    from openvino import opset13 as ops

    x = _activate(_convolve(x, net.head, in_parts))
    for pair in net.pairs:
        first, second = pair.children()
        x = ops.add(x, _convolve(_activate(_convolve(x, first)), second))
    return _convolve(x, net.tail)


def _dense(net: DenseSubnet, x: Any, in_parts: int) -> Any:
    from openvino import opset13 as ops

    for conv in list(net.convs)[:-1]:
        x = ops.concat([x, _activate(_convolve(x, conv, in_parts))], 1)
    return _convolve(x, net.convs[-1], in_parts)


def _convolve(x: Any, conv: Any, in_parts: int = 0) -> Any:
    """`conv` of x, whose first inputs, `in_parts` in number, come in parts."""
    from openvino import opset13 as ops

    kernels, bias = conv.weight.detach().float(), conv.bias.detach().float()
    whole = kernels[:, :in_parts]
    rounded = whole.bfloat16().float()
    kernels = torch.cat([rounded, rounded, whole - rounded, kernels[:, in_parts:]], 1)
    made = ops.convolution(x, ops.constant(kernels.contiguous().numpy()), [1, 1], [1, 1], [1, 1], [1, 1])
    return ops.add(made, ops.constant(bias.numpy().reshape(1, -1, 1, 1)))


def _activate(x: Any) -> Any:
    from openvino import opset13 as ops

    return ops.prelu(x, ops.constant(np.float32(SLOPE)))


def _parts(pixels: Tensor) -> Tensor:
    """float32 (B, H, W, C) -> bfloat16 (B, H, W, 3 * C): rounded, left over by rounding, rounded."""
    rounded = pixels.bfloat16()
    return torch.cat([rounded, (pixels - rounded).bfloat16(), rounded], 3)


@torch.inference_mode()
def measure_speed(name: str, dtype: torch.dtype, hr: Tensor, runs: int, clock: Clock) -> str:
    """The cells of a row: seconds of each in each direction and their ratios."""
    models: dict[str, Rescaler] = {key: load(name, dtype=dtype).model for key in ("torch", "openvino")}
    start = clock()
    compile_subnets(models["openvino"], dtype)
    start = clock() - start
    size, scale = (hr.shape[-2], hr.shape[-1]), models["torch"].scale or 2
    placed = {key: model.at(size, (size[0] // scale, size[1] // scale)) for key, model in models.items()}
    lr, payload = placed["torch"].downscale(hr)
    least: dict[tuple[str, str], float] = {}
    for run in range(runs + 1):
        for key, network in placed.items():
            for direction in ("down", "up"):
                before = clock()
                if direction == "down":
                    network.downscale(hr)
                else:
                    network.upscale(lr, payload)
                if run:  # the first warms up
                    least[key, direction] = min(least.get((key, direction), 1e9), clock() - before)
    cells = []
    for direction in ("down", "up"):
        ours, other = least["torch", direction], least["openvino", direction]
        cells.append(f"{ours:.2f} | {other:.2f} | {ours / other:.2f}x")
    return " | ".join([*cells, f"{start:.1f}"])


def measure_quality(name: str, folder: Path) -> str:
    """The cells of a row: dB in float32, and the differences to it."""
    whole, ours, other = Engine(precision="float32"), Engine(), Engine(precision="float32")
    compile_subnets(other.load(name).model, fast_dtype(torch.device("cpu")))
    base = mean_psnr(name, folder, whole, whole)
    changes = [mean_psnr(name, folder, *pair) - base for pair in ((ours, ours), (other, other), (ours, other))]
    changes.append(mean_psnr(name, folder, other, ours) - base)
    return " | ".join([f"{base:.3f}", *(f"{change:+.4f}" for change in changes)])


def main() -> None:
    """Print one row a model and precision, speed first."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--models", nargs="+", default=["lite-x2", "lite-x4"], choices=registry.names())
    parser.add_argument("--megapixels", type=float, default=1.0)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--cpu-time", action="store_true")
    chosen = parser.parse_args()
    side = round((chosen.megapixels * 1e6) ** 0.5 / 24) * 24
    clock = time.process_time if chosen.cpu_time else time.perf_counter
    print("| model | precision | down, torch s | openvino s | ratio | up, torch s | openvino s | ratio | start s |")
    print("|---|---|" + "---:|" * 7)
    for name in chosen.models if chosen.runs else ():
        for dtype in dict.fromkeys((fast_dtype(torch.device("cpu")), torch.float32)):
            row = measure_speed(name, dtype, torch.rand(1, 3, side, side), chosen.runs, clock)
            print(f"| {name} | {str(dtype).removeprefix('torch.')} | {row} |", flush=True)
    if chosen.folder is None:
        return
    print("\n| model | float32 dB | torch | openvino | torch down, openvino up | openvino down, torch up |")
    print("|---|" + "---:|" * 5)
    for name in chosen.models:
        print(f"| {name} | {measure_quality(name, chosen.folder)} |", flush=True)


if __name__ == "__main__":
    main()
