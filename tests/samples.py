"""What tests of several folders are made from."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from unshrink.models.placed import Placed
from unshrink.models.rescaler import Rescaler
from unshrink.nn.parts import Size

Module = TypeVar("Module", bound=nn.Module)


def disturb(module: Module, scale: float = 0.05, seed: int = 0) -> Module:
    """Add noise to all parameters, in place, as if it had learnt something: fresh sub-networks are zero."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(scale * torch.randn(parameter.shape, generator=generator, dtype=parameter.dtype))
    return module


def at(model: Rescaler, hr: Tensor, small: Size | None = None) -> Placed:
    """`model` in its place between `hr` and an LR picture of size `small`, by default the scale's."""
    height, width = hr.shape[-2:]
    return model.at((height, width), small or (height // model.scale, width // model.scale))


def save_soft_pictures(folder: Path, number: int, *, low: int, side: int) -> Path:
    """Square pictures p0.png, p1.png, ... of noise of `low` pixels a side, enlarged; returns the folder."""
    rng = np.random.default_rng(0)
    for index in range(number):
        coarse = rng.integers(0, 255, (low, low, 3), dtype=np.uint8)
        Image.fromarray(coarse).resize((side, side), Image.Resampling.BICUBIC).save(folder / f"p{index}.png")
    return folder


def pixels(path: Path) -> np.ndarray:
    """Of the picture in a file."""
    with Image.open(path) as image:
        return np.array(image)


def names(folder: Path) -> list[str]:
    """Of all files below a folder, sorted."""
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def smooth_picture(height: int, width: int, seed: int = 0, channels: int = 3) -> Image.Image:
    """Soft shapes with some grain: something for every method to lose a little of."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width]
    waves = [np.sin(x / rng.uniform(3, 9) + c) + np.cos(y / rng.uniform(3, 9)) for c in range(channels)]
    pixels = np.stack(waves, axis=-1) * 50 + 128 + rng.normal(scale=4, size=(height, width, channels))
    image = np.clip(np.round(pixels), 0, 255).astype(np.uint8)
    return Image.fromarray(image if channels == 3 else image[..., 0])
