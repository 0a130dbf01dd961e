"""A picture through a network, down and up, tile by tile: in as 8-bit pixels, out as a file will hold it."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from unshrink.models.base import Rescaler
from unshrink.nn.parts import Part, Reader, Size, reader
from unshrink.rescale.device import downscale_part, upscale_part
from unshrink.rescale.memory import Memory, give_back
from unshrink.rescale.tensors import Pixels, read_part, to_levels, to_rgb
from unshrink.rescale.tiles import UNIT


def downscale(
    pixels: Pixels, model: Rescaler, size: Size, memory: Memory, *, exact: bool = False
) -> tuple[Tensor, Tensor | None]:
    """HR pixels (H, W, 3) through the network: LR (1, 3, h, w) of `size` (h, w), and the payload.

    LR comes in levels of 8 bits, uint8; with `exact` as the network made it, float, neither rounded nor clamped.
    """
    hr = pixels.shape[0], pixels.shape[1]
    lr: Tensor | None = None
    payload: Tensor | None = None
    with torch.inference_mode():
        for part in _lr_tiles(model, hr, size, memory):
            small, extra = downscale_part(model, lambda piece: read_part(pixels, piece), hr, size, part)
            lr = _put(lr, small if exact else to_levels(small), part, size)
            if extra is not None:
                payload = _put(payload, extra, part.over(model.grain), _over(size, model.grain))
            give_back()
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
    lr = pixels.shape[0], pixels.shape[1]
    held = None if payload is None else reader(payload)
    for part in _hr_tiles(model, size, lr, memory, reserve):
        with torch.inference_mode():
            made = upscale_part(
                model, lambda piece: read_part(pixels, piece), lr, size, part, payload=held, latent=latent
            )
            pixels_made = to_rgb(made, part.size, grey=grey)
        del made
        give_back()
        yield part, pixels_made


def assemble(tiles: Iterator[tuple[Part, Pixels]], size: Size) -> Pixels:
    """The tiles of a picture of `size` (H, W) put together: uint8 (H, W, 3)."""
    whole = np.empty((*size, 3), dtype=np.uint8)
    for part, pixels in tiles:
        whole[part.slices] = pixels
    return whole


def _lr_tiles(model: Rescaler, hr: Size, lr: Size, memory: Memory) -> list[Part]:
    """Tiles in LR pixels."""
    pixels = hr[0] * hr[1] / (lr[0] * lr[1])
    reserve = 2 * 3 * lr[0] * lr[1] * 4
    return memory.tiles(
        lr,
        model,
        unit=UNIT,
        floats=pixels * model.working_floats(hr, lr),
        reserve=reserve,
        halo=model.halo(hr, lr),
    )


def _hr_tiles(model: Rescaler, hr: Size, lr: Size, memory: Memory, reserve: float) -> list[Part]:
    """Tiles in HR pixels."""
    unit = UNIT * (model.scale or 1)
    halo = math.ceil(model.halo(hr, lr) * max(hr[0] / lr[0], hr[1] / lr[1]))
    return memory.tiles(hr, model, unit=unit, floats=model.working_floats(hr, lr), reserve=reserve, halo=halo)


def _put(canvas: Tensor | None, piece: Tensor, part: Part, size: Size) -> Tensor:
    """`piece` (B, C, height, width) in its place; the canvas is made for the first."""
    if piece.shape[-2:] == size:
        return piece
    if canvas is None:
        canvas = piece.new_empty(*piece.shape[:-2], *size)
    canvas[..., *part.slices] = piece
    return canvas


def _over(size: Size, factor: int) -> Size:
    return -(-size[0] // factor), -(-size[1] // factor)
