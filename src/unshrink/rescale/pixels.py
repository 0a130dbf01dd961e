"""8-bit pictures to float tensors and back, the whole or a part at a time."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from unshrink.nn.parts import Part, whole
from unshrink.nn.quantise import from_levels, to_levels
from unshrink.nn.resample import bicubic_down, resize, resize_part
from unshrink.rescale.sizes import lr_size

Pixels = NDArray[np.uint8]
STRIP_PIXELS = 1 << 21
"""Of a plane that is resampled at once; bounds memory."""


def to_tensor(pixels: Pixels, multiple: int = 1) -> Tensor:
    """uint8 (H, W, 3) or (H, W) -> float32 (1, C, H', W') in [0, 1].

    H' and W' are H and W rounded up to `multiple`; the rows and columns added repeat the edge.
    """
    return read_part(pixels, _padded(pixels, multiple))


def read_part(pixels: Pixels, part: Part) -> Tensor:
    """`part` of uint8 (H, W, 3) or (H, W) -> float32 (1, C, height, width) in [0, 1]; its edge goes on for ever."""
    return from_levels(_planes(pixels, part))


def to_planes(pixels: Pixels, multiple: int = 1) -> Tensor:
    """`to_tensor` without a change of unit: uint8 (1, C, H', W')."""
    return _planes(pixels, _padded(pixels, multiple))


def _padded(pixels: Pixels, multiple: int) -> Part:
    return whole((_round_up(pixels.shape[0], multiple), _round_up(pixels.shape[1], multiple)))


def _planes(pixels: Pixels, part: Part) -> Tensor:
    source = torch.from_numpy(np.ascontiguousarray(pixels[part.slices]))
    source = source[..., None] if source.ndim == 2 else source
    height, width, channels = source.shape
    out = torch.empty(1, channels, *part.size, dtype=torch.uint8)
    out[0, :, :height, :width].copy_(source.permute(2, 0, 1))
    out[..., height:, :width] = out[..., height - 1 : height, :width]
    out[..., width:] = out[..., width - 1 : width]
    return out


def to_rgb(values: Tensor, size: tuple[int, int], *, grey: bool = False) -> Pixels:
    """float, or uint8 levels, (1, 3, H', W') -> uint8 (H, W, 3), the top left `size` = (H, W), as `to_levels` rounds.

    Overwrites `values`, so that no second float copy is needed. `grey` gives every pixel the mean of its channels.
    """
    cropped = values[0, :, : size[0], : size[1]]
    if grey:
        cropped = cropped.mean(dim=0, keepdim=True).expand(3, -1, -1).clone()
    if cropped.is_floating_point():
        cropped = to_levels(cropped)
    out = torch.empty(*size, 3, dtype=torch.uint8)
    out.copy_(cropped.permute(1, 2, 0))
    return out.numpy()


def shrink_pixels(pixels: Pixels, scale: int | None, size: tuple[int, int] | None = None) -> Pixels:
    """uint8 (H, W) or (H, W, 3) shrunk by `scale`, bicubic, rounded up; to `size` (h, w) where there is no scale."""
    full = (pixels.shape[0], pixels.shape[1])
    size = size if scale is None else lr_size(full, scale)
    if size is None:
        raise ValueError("without a scale there must be a size")
    full = full if scale is None else (size[0] * scale, size[1] * scale)
    return _resized(pixels, full, size, size)


def bicubic_lr(hr: Tensor, scale: int | None, size: tuple[int, int] | None = None) -> Tensor:
    """(..., H, W), padded to multiples of `scale`, shrunk by it; to `size` where there is no scale."""
    if scale is not None:
        return bicubic_down(hr, scale)
    if size is None:
        raise ValueError("without a scale there must be a size")
    return resize(hr, size)


def grow_plane(plane: Pixels, scale: int | None, size: tuple[int, int]) -> Pixels:
    """uint8 (h, w) -> uint8 `size`, bicubic: the top left of the plane enlarged by `scale`, or all of it where None."""
    full = (plane.shape[0], plane.shape[1])
    return _resized(plane, full, size if scale is None else (full[0] * scale, full[1] * scale), size)


def _resized(pixels: Pixels, full: tuple[int, int], size: tuple[int, int], kept: tuple[int, int]) -> Pixels:
    """The top left `kept` of pixels, continued to `full`, resampled to `size`, some rows at a time."""
    out = np.empty((*kept, *pixels.shape[2:]), dtype=np.uint8)
    rows = max(1, STRIP_PIXELS * size[0] // (full[0] * max(full[1], size[1])))
    for top in range(0, kept[0], rows):
        part = Part(top, min(top + rows, kept[0]), 0, kept[1])
        with torch.inference_mode():
            made = to_levels(resize_part(lambda piece: read_part(pixels, piece), full, size, part))
        out[part.slices] = made[0].permute(1, 2, 0).numpy().reshape(*part.size, *pixels.shape[2:])
    return out


def _round_up(value: int, multiple: int) -> int:
    return -(-value // multiple) * multiple
