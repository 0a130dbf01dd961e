"""A picture through a network, down and up, tile by tile: in as 8-bit pixels, out as a file will hold it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from math import ceil, prod

import numpy as np
import torch
from torch import Tensor

from unshrink.models.placed import Placed
from unshrink.models.rescaler import Rescaler
from unshrink.nn import tiling
from unshrink.nn.parts import Part, Reader, Size, reader, whole
from unshrink.nn.quantise import to_levels
from unshrink.rescale.device import downscale_part, feature_bytes, upscale_part
from unshrink.rescale.memory import FLOAT, Memory, trim_heap
from unshrink.rescale.pixels import Pixels, read_part, to_rgb
from unshrink.rescale.progress import Progress, Step
from unshrink.rescale.tiles import UNIT


def downscale(
    pixels: Pixels, model: Rescaler, size: Size, memory: Memory, *, exact: bool = False
) -> tuple[Tensor, Tensor | None]:
    """HR pixels (H, W, 3) through the network: LR (1, 3, h, w) of `size` (h, w), and the payload.

    LR comes in levels of 8 bits, uint8; with `exact` as the network made it, float, neither rounded nor clamped.
    """
    placed = model.at((pixels.shape[0], pixels.shape[1]), size)
    lr: Tensor | None = None
    payload: Tensor | None = None
    with torch.inference_mode():
        for part in _lr_tiles(model, placed, memory):
            small, extra = downscale_part(model, placed, partial(read_part, pixels), part)
            lr = _put(lr, small if exact else to_levels(small), part, size)
            if extra is not None:
                payload = _put(payload, extra, part.over(placed.cell), whole(size).over(placed.cell).size)
            trim_heap()
    if lr is None:
        raise ValueError("a picture has at least one tile")
    return lr, payload


def upscale(
    pixels: Pixels,
    model: Rescaler,
    size: Size,
    memory: Memory,
    *,
    grey: bool = False,
    payload: Tensor | None = None,
    latent: Reader | None = None,
    reserve: float = 0.0,
) -> Iterator[tuple[Part, Pixels]]:
    """LR pixels (h, w, 3) through the network: HR pixels of `size` (H, W), with three equal channels if `grey`.

    They come tile by tile: where each belongs, and its pixels (height, width, 3). `reserve` bytes are left to the
    caller, who keeps them.
    """
    placed = model.at(size, (pixels.shape[0], pixels.shape[1]))
    held = None if payload is None else reader(payload)
    for part in _hr_tiles(model, placed, memory, reserve):
        with torch.inference_mode():
            read = partial(read_part, pixels)
            made = upscale_part(model, placed, read, part, payload=held, latent=latent)
            pixels_made = to_rgb(made, part.size, grey=grey)
        del made
        trim_heap()
        yield part, pixels_made


def told(tiles: Iterator[tuple[Part, Pixels]], size: Size, step: str, tell: Progress) -> Iterator[tuple[Part, Pixels]]:
    """The tiles of a picture of `size` as they come; after each but the last, what share of `step` is done is told."""
    done, whole_area = 0, size[0] * size[1]
    for part, pixels in tiles:
        yield part, pixels
        done += prod(part.size)
        if done < whole_area:
            tell(Step(step, done / whole_area))


def assemble(tiles: Iterator[tuple[Part, Pixels]], size: Size) -> Pixels:
    """The tiles of a picture of `size` (H, W) put together: uint8 (H, W, 3)."""
    rgb = np.empty((*size, 3), dtype=np.uint8)
    for part, pixels in tiles:
        rgb[part.slices] = pixels
    return rgb


def _lr_tiles(model: Rescaler, placed: Placed, memory: Memory) -> list[Part]:
    """Tiles in LR pixels."""
    floats = placed.floats_per_pixel * prod(placed.hr) / prod(placed.lr)
    reserve = 2 * 3 * prod(placed.lr) * FLOAT + features(model)
    return memory.tiles(placed.lr, unit=UNIT, floats=floats, reserve=reserve, halo=placed.halo)


def _hr_tiles(model: Rescaler, placed: Placed, memory: Memory, reserve: float) -> list[Part]:
    """Tiles in HR pixels."""
    unit = UNIT * (model.scale or 1)
    halo = ceil(placed.halo * max(placed.hr[0] / placed.lr[0], placed.hr[1] / placed.lr[1]))
    reserve += features(model)
    return memory.tiles(placed.hr, unit=unit, floats=placed.floats_per_pixel, reserve=reserve, halo=halo)


def features(model: Rescaler) -> float:
    """Bytes of the features of a sub-network's tile."""
    return feature_bytes(model) * tiling.TILE_PIXELS


def _put(canvas: Tensor | None, piece: Tensor, part: Part, size: Size) -> Tensor:
    """`piece` (B, C, height, width) in its place; the canvas is made for the first."""
    if piece.shape[-2:] == size:
        return piece
    if canvas is None:
        canvas = piece.new_empty(*piece.shape[:-2], *size)
    canvas[..., *part.slices] = piece
    return canvas
