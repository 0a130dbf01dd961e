"""Run a sub-network in strips of rows with a halo: bounded memory, the result of the whole image.

A sub-network's wide features are what fills memory (tens of channels at a coupling's resolution), while its reach is a
few pixels. So each strip is computed with `reach` more rows on both sides, which are then dropped; where the halo
would leave the picture the strip simply ends, and the convolutions read the same zeros as they do for the whole.
"""

from collections.abc import Iterator

import torch
from torch import Tensor, nn

# Features of one strip, in elements: (rows + halo) * width of the picture. About 64k pixels keeps a strip's features
# of 32 bfloat16 channels near 4 MB, the share of the last-level cache that a core can count on.
STRIP_PIXELS = 1 << 16

# Convolutions of few channels are fastest with the channels of a pixel side by side.
LAYOUT = torch.channels_last


def apply(net: nn.Module, x: Tensor) -> Tensor:
    """net(x) for x (B, C, H, W), in the dtype of x; in strips where no gradient is asked for and the image is large.

    `net` maps (B, C, H, W) to (B, D, H, W) and states its `reach` in pixels. A net may compute in
    bfloat16 inside; what is returned is in x's dtype all the same.
    """
    rows = _strip_rows(x.shape[-1])
    if torch.is_grad_enabled() or x.shape[-2] <= rows:
        return _run(net, x)
    return _apply_in_strips(net, x)


def _apply_in_strips(net: nn.Module, x: Tensor) -> Tensor:
    result: Tensor | None = None
    for rows, strip in each(net, x):
        if result is None:
            result = x.new_empty(*strip.shape[:-2], *x.shape[-2:])
        result[..., rows, :] = strip
    return x if result is None else result


def each(net: nn.Module, x: Tensor) -> Iterator[tuple[slice, Tensor]]:
    """The strips of net(x), top to bottom, each with the rows it belongs to; for results that are used up at once."""
    rows, reach, height = _strip_rows(x.shape[-1]), int(net.reach), x.shape[-2]  # type: ignore[arg-type]
    for top in range(0, height, rows):
        bottom = min(top + rows, height)
        first, last = max(top - reach, 0), min(bottom + reach, height)
        yield slice(top, bottom), _run(net, x[..., first:last, :])[..., top - first : bottom - first, :]


def _run(net: nn.Module, x: Tensor) -> Tensor:
    return net(x.contiguous(memory_format=LAYOUT)).to(x.dtype)  # type: ignore[no-any-return]


def _strip_rows(width: int) -> int:
    return max(16, STRIP_PIXELS // max(width, 1))
