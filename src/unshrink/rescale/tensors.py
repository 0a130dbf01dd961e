"""8-bit pictures to float tensors and back, with one float copy of the HR picture and no more."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from unshrink.nn.resample import bicubic_down, bicubic_up, resize

Pixels = NDArray[np.uint8]


def to_tensor(pixels: Pixels, multiple: int = 1) -> Tensor:
    """uint8 (H, W, 3) or (H, W) -> float32 (1, C, H', W') in [0, 1].

    H' and W' are H and W rounded up to `multiple`; the rows and columns added repeat the edge.
    """
    source = torch.from_numpy(np.ascontiguousarray(pixels))
    source = source[..., None] if source.ndim == 2 else source
    height, width, channels = source.shape
    out = torch.empty(1, channels, _round_up(height, multiple), _round_up(width, multiple))
    out[0, :, :height, :width].copy_(source.permute(2, 0, 1))
    out[..., height:, :width] = out[..., height - 1 : height, :width]
    out[..., width:] = out[..., width - 1 : width]
    return out.div_(255)


def to_rgb(values: Tensor, size: tuple[int, int], *, grey: bool = False) -> Pixels:
    """float (1, 3, H', W') -> uint8 (H, W, 3), the top left `size` = (H, W), rounded half to even as in training.

    Overwrites `values`, so that no second float copy is needed. `grey` gives every pixel the mean of its channels.
    """
    cropped = values[0, :, : size[0], : size[1]]
    if grey:
        cropped = cropped.mean(dim=0, keepdim=True).expand(3, -1, -1).clone()
    cropped.clamp_(0, 1).mul_(255).round_()
    out = torch.empty(*size, 3, dtype=torch.uint8)
    out.copy_(cropped.permute(1, 2, 0))
    return out.numpy()


def shrink_plane(plane: Pixels, scale: int | None, size: tuple[int, int] | None = None) -> Pixels:
    """uint8 (H, W) -> uint8 (ceil(H / scale), ceil(W / scale)), bicubic; to `size` where there is no scale."""
    return _to_plane(bicubic_lr(to_tensor(plane, scale or 1), scale, size))


def bicubic_lr(hr: Tensor, scale: int | None, size: tuple[int, int] | None = None) -> Tensor:
    """(..., H, W), padded to multiples of `scale`, shrunk by it; to `size` where there is no scale."""
    if scale is not None:
        return bicubic_down(hr, scale)
    if size is None:
        raise ValueError("without a scale there must be a size")
    return resize(hr, size)


def grow_plane(plane: Pixels, scale: int | None, size: tuple[int, int]) -> Pixels:
    """uint8 (h, w) -> uint8 `size`, bicubic: the top left of the plane enlarged by `scale`, or all of it where None."""
    if scale is None:
        return _to_plane(resize(to_tensor(plane), size))
    return _to_plane(bicubic_up(to_tensor(plane), scale)[..., : size[0], : size[1]])


def lr_size(size: tuple[int, int], scale: int) -> tuple[int, int]:
    """Height and width of the LR picture of an HR picture of `size` (H, W)."""
    return _round_up(size[0], scale) // scale, _round_up(size[1], scale) // scale


def _to_plane(values: Tensor) -> Pixels:
    levels = values[0, 0].clamp(0, 1).mul_(255).round_()
    return levels.to(torch.uint8).contiguous().numpy()


def _round_up(value: int, multiple: int) -> int:
    return -(-value // multiple) * multiple
