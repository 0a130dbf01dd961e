"""How different two pictures look: shift-tolerant LPIPS, with AlexNet or VGG16 underneath.

Both pictures go through a network trained to recognise objects; the distance is that of their features, unit vectors
along the channels, weighted by heads that were trained on human judgements. Sources: Zhang et al., CVPR 2018 (LPIPS);
Ghildyal and Liu, ECCV 2022 (shift tolerance: blurred pooling in the networks). The trained weights are files of the
package `stlpips_pytorch`, the extra "perceptual"; only its files are read, none of its code is run.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from functools import cache
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import conv2d, pad

from unshrink.errors import UsageError
from unshrink.rescale.pixels import to_tensor

Backbone = Literal["alex", "vgg"]
Pixels = NDArray[np.uint8]

SMALLEST = 32
"""Pixels along each side that the networks need at least."""
_PACKAGE = "stlpips_pytorch"
_TITLES = {"alex": "AlexNet", "vgg": "VGG16"}
_STAGES = 5


def metric_name(net: Backbone = "alex") -> str:
    """The metric's full name, with the version of the weights' package, as reports state it. Raises UsageError."""
    return f"shift-tolerant LPIPS, {_TITLES[net]}, {_PACKAGE} {_package().version}"


def lpips(a: Pixels, b: Pixels, net: Backbone = "alex", *, border: int = 0) -> float:
    """How different two pictures look, 0 (no difference) to about 1; lower is better, and the order does not matter.

    Pictures are uint8, (H, W, 3) or grey, (H, W), at least 32 pixels a side inside the `border` that is left out.
    Raises UsageError for unequal or too small pictures, and where the extra "perceptual" is not installed.
    """
    if a.shape != b.shape:
        raise UsageError(f"The pictures differ in size: {a.shape} and {b.shape}.")
    with torch.inference_mode():
        return float(_distance(net)(_tensor(a, border), _tensor(b, border)))


def load_distance(net: Backbone) -> PerceptualDistance:
    """The frozen network behind `lpips`, on the CPU. Raises UsageError without the extra "perceptual"."""
    path = _package().locate_file(f"{_PACKAGE}/weights/vST0.0/{net}_shift_tolerant.pth")
    return PerceptualDistance(net, torch.load(str(path), weights_only=True, map_location="cpu"))


class PerceptualDistance(nn.Module):
    """LPIPS as a torch module, differentiable in its inputs; its own weights are frozen.

    `weights` are the tensors of a file of stlpips_pytorch.
    """

    def __init__(self, net: Backbone, weights: Mapping[str, Tensor]) -> None:
        super().__init__()
        slices = _alexnet() if net == "alex" else _vgg16()
        self.net = nn.ModuleDict({f"slice{i + 1}": layers for i, layers in enumerate(slices)})
        self.net.load_state_dict({k.removeprefix("net."): v for k, v in weights.items() if k.startswith("net.")})
        self.shift, self.scale = nn.Buffer(weights["scaling_layer.shift"]), nn.Buffer(weights["scaling_layer.scale"])
        self.heads = nn.ParameterList([weights[f"lin{i}.model.1.weight"] for i in range(_STAGES)])
        self.eval().requires_grad_(False)

    def features(self, x: Tensor) -> list[Tensor]:
        """x (B, 3, H, W) in [0, 1] -> five maps of features, finest first. Raises UsageError below 32 pixels a side."""
        if min(x.shape[-2:]) < SMALLEST:
            raise UsageError(f"The perceptual distance needs {SMALLEST} pixels a side, not {min(x.shape[-2:])}.")
        x = (2 * x - 1 - self.shift) / self.scale
        found = []
        for layers in self.net.values():
            x = layers(x)
            found.append(x)
        return found

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        """a and b (B, 3, H, W) in [0, 1] -> (B,), the distance of each pair."""
        pairs = zip(self.features(a), self.features(b), self.heads, strict=True)
        return torch.stack([_apart(of_a, of_b, head) for of_a, of_b, head in pairs]).sum(0)


class Blur(nn.Module):
    """Halve a map of features after a 3x3 blur that reflects at the border: (B, C, H, W) -> about (B, C, H/2, W/2)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.filt = nn.Buffer(torch.zeros(channels, 1, 3, 3))

    def forward(self, x: Tensor) -> Tensor:
        """Two pixels are added at every side first."""
        return conv2d(pad(x, (2, 2, 2, 2), mode="reflect"), self.filt, stride=2, groups=x.shape[1])


@cache
def _distance(net: Backbone) -> PerceptualDistance:
    return load_distance(net)


def _apart(a: Tensor, b: Tensor, head: Tensor) -> Tensor:
    return ((_unit(a) - _unit(b)).square() * head).sum(1).mean((1, 2))


def _unit(x: Tensor) -> Tensor:
    x = x.float()
    return x / (x.square().sum(1, keepdim=True) + 1e-20).sqrt()


def _alexnet() -> list[nn.Sequential]:
    return [
        _slice(0, nn.Conv2d(3, 64, 11, padding=2), Blur(64), nn.ReLU()),
        _slice(3, nn.MaxPool2d(3, 1), Blur(64), nn.Conv2d(64, 192, 5, padding=2), nn.ReLU()),
        _slice(7, nn.MaxPool2d(3, 1), Blur(192), nn.Conv2d(192, 384, 3, padding=1), nn.ReLU()),
        _slice(11, nn.Conv2d(384, 256, 3, padding=1), nn.ReLU()),
        _slice(13, nn.Conv2d(256, 256, 3, padding=1), nn.ReLU()),
    ]


def _vgg16() -> list[nn.Sequential]:
    slices, first = [], 0
    for inputs, width, depth in ((3, 64, 2), (64, 128, 2), (128, 256, 3), (256, 512, 3), (512, 512, 3)):
        layers: list[nn.Module] = [] if first == 0 else [nn.MaxPool2d(2, 1), Blur(inputs)]
        for channels in (inputs, *[width] * (depth - 1)):
            layers += [nn.Conv2d(channels, width, 3, padding=1), nn.ReLU()]
        slices.append(_slice(first, *layers))
        first += len(layers)
    return slices


def _slice(first: int, *layers: nn.Module) -> nn.Sequential:
    """Layers under the numbers that the weights' file gives them."""
    return nn.Sequential(OrderedDict((str(first + i), layer) for i, layer in enumerate(layers)))


def _tensor(pixels: Pixels, border: int) -> Tensor:
    height, width = pixels.shape[:2]
    inner = pixels[border : height - border, border : width - border]
    colour = np.stack([inner] * 3, axis=-1) if inner.ndim == 2 else inner
    return to_tensor(colour)


def _package() -> Distribution:
    try:
        return distribution(_PACKAGE)
    except PackageNotFoundError as error:
        raise UsageError(
            f"The perceptual distance needs the weights in {_PACKAGE}; install unshrink[perceptual]."
        ) from error
