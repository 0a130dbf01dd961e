"""Colours that alpha hides: replaced by those around them, so that they do not bleed into edges when scaled."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from unshrink.files.picture import Picture

__all__ = ["with_hidden_filled"]

_ROWS = 256
"""Rows at a time, an even number."""

Sums = NDArray[np.float32]
"""(h, w, 4): red, green and blue times alpha, and alpha, summed over squares of pixels."""


def with_hidden_filled(picture: Picture) -> Picture:
    """`picture` with the colour of every pixel of alpha 0 taken from the nearest ones that can be seen.

    What is shown is the same. A picture without such pixels, or with no others, comes back as it is. Takes some 6 bytes
    a pixel more.
    """
    alpha = picture.alpha
    if alpha is None or not alpha.any() or alpha.all():
        return picture
    levels = [_halved_picture(picture.rgb, alpha)]
    while max(levels[-1].shape[:2]) > 1:
        levels.append(_halved(levels[-1]))
    means = _means(levels[-1])
    for level in levels[-2::-1]:
        means = np.where(level[..., 3:] > 0, _means(level), _doubled(means, level.shape)).astype(np.float32)
    rgb = picture.rgb.copy()
    for top in range(0, picture.height, _ROWS):
        rows = slice(top, min(top + _ROWS, picture.height))
        hidden = alpha[rows] == 0
        below = _doubled(means[top // 2 :], hidden.shape)
        rgb[rows][hidden] = np.rint(below[hidden]).astype(np.uint8)
    return replace(picture, rgb=rgb)


def _halved_picture(rgb: NDArray[np.uint8], alpha: NDArray[np.uint8]) -> Sums:
    bands = []
    for top in range(0, rgb.shape[0], _ROWS):
        weight = alpha[top : top + _ROWS, :, None].astype(np.float32)
        bands.append(_halved(np.concatenate([rgb[top : top + _ROWS] * weight, weight], axis=2)))
    return np.concatenate(bands)


def _halved(sums: Sums) -> Sums:
    height, width = sums.shape[:2]
    even = np.pad(sums, ((0, height % 2), (0, width % 2), (0, 0)))
    halved: Sums = even.reshape(even.shape[0] // 2, 2, even.shape[1] // 2, 2, 4).sum(axis=(1, 3))
    return halved


def _means(sums: Sums) -> Sums:
    return (sums[..., :3] / np.maximum(sums[..., 3:], 1)).astype(np.float32)


def _doubled(means: Sums, shape: tuple[int, ...]) -> Sums:
    """Each pixel twice along both axes, cut to `shape`."""
    rows = means[: -(-shape[0] // 2), : -(-shape[1] // 2)]
    return rows.repeat(2, axis=0).repeat(2, axis=1)[: shape[0], : shape[1]]
