"""int8 inside sub-networks, in ONNX Runtime: seconds there and back, and dB, against float32 there and torch.

    python -m lab.speed.int8 FOLDER [--model irn-q-x4] [--side 480] [--runs 3] [--threads 1]

The exported network's convolutions between as many channels as they give, the inner ones of residual sub-networks, are
quantised (static, per channel, calibrated on the first picture of FOLDER); what reads or writes the coupling's
state stays float32. dB are Y-PSNR of the central square of the other pictures, LR rounded to 8 bits by the network's
own way in each. Needs the extra `export`.
"""

import argparse
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from numpy.typing import NDArray
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
from PIL import Image

from unshrink.export import export_network
from unshrink.metrics.quality import psnr_y
from unshrink.models.weights import load
from unshrink.nn.precision import fast_dtype
from unshrink.nn.quantise import quantise

Array = NDArray[np.float32]
Way = Callable[[Array], Array]


class Feed(CalibrationDataReader):
    """One input after another."""

    def __init__(self, name: str, values: list[Array]) -> None:
        self.rows: Iterator[dict[str, Array]] = iter([{name: value} for value in values])

    def get_next(self) -> dict[str, Array]:
        """The next input; None at the end, as the quantiser asks for."""
        return next(self.rows, None)  # type: ignore[return-value]


def quantised(path: Path, values: list[Array]) -> Path:
    """`path` with its inner convolutions in int8, calibrated on `values`."""
    graph = onnx.load(path).graph
    shapes = {tensor.name: tuple(tensor.dims) for tensor in graph.initializer}
    outer = [
        node.name
        for node in graph.node
        if node.op_type == "Conv" and len(set(shapes.get(node.input[1], (0, 1))[:2])) > 1
    ]
    out = path.with_suffix(".int8.onnx")
    quantize_static(
        path,
        out,
        Feed(graph.input[0].name, values),
        quant_format=QuantFormat.QDQ,
        op_types_to_quantize=["Conv"],
        nodes_to_exclude=outer,
        per_channel=True,
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
    )
    return out


def onnx_way(down: Path, up: Path, threads: int) -> Way:
    """There and back in ONNX Runtime."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    first, second = (onnxruntime.InferenceSession(str(path), options) for path in (down, up))
    return lambda hr: second.run(["hr"], {"lr": first.run(["lr"], {"hr": hr})[0]})[0]


def torch_way(name: str) -> Way:
    """There and back in torch, as the engine computes."""
    model = load(name, dtype=fast_dtype(torch.device("cpu"))).model.eval()

    @torch.inference_mode()
    def way(hr: Array) -> Array:
        lr, _ = model.downscale(torch.from_numpy(hr))
        return np.asarray(model.upscale(quantise(lr)).clamp(0, 1).numpy())

    return way


def to_pixels(picture: Array) -> NDArray[np.uint8]:
    """(1, 3, H, W) in [0, 1] -> (H, W, 3) of 8 bits."""
    return np.rint(picture[0].transpose(1, 2, 0) * 255).astype(np.uint8)


def read_square(path: Path, side: int) -> Array:
    """The central square as (1, 3, side, side)."""
    picture = Image.open(path).convert("RGB")
    left, top = (picture.width - side) // 2, (picture.height - side) // 2
    pixels = np.asarray(picture.crop((left, top, left + side, top + side)), np.float32) / 255
    return np.ascontiguousarray(pixels.transpose(2, 0, 1)[None])


def main() -> None:
    """Print one line a way."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--model", default="irn-q-x4")
    parser.add_argument("--side", type=int, default=480)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    chosen = parser.parse_args()
    torch.set_num_threads(chosen.threads)
    paths = sorted(path for path in chosen.folder.iterdir() if path.suffix in (".png", ".webp", ".jpg"))[:9]
    first, *others = [read_square(path, chosen.side) for path in paths]
    with tempfile.TemporaryDirectory() as folder:
        down, up = (each.path for each in export_network(load(chosen.model), Path(folder)))
        lr = onnxruntime.InferenceSession(str(down)).run(["lr"], {"hr": first})[0]
        ways = {
            "torch": torch_way(chosen.model),
            "ONNX Runtime, float32": onnx_way(down, up, chosen.threads),
            "ONNX Runtime, int8 inside": onnx_way(quantised(down, [first]), quantised(up, [lr]), chosen.threads),
        }
        for label, way in ways.items():
            decibels = np.mean([psnr_y(to_pixels(hr), to_pixels(way(hr)), border=4) for hr in others])
            seconds = []
            for _ in range(chosen.runs):
                start = time.perf_counter()
                way(first)
                seconds.append(time.perf_counter() - start)
            print(f"{label:<28} {min(seconds):.3f} s there and back, {decibels:.2f} dB", flush=True)


if __name__ == "__main__":
    main()
