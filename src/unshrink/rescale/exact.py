"""Exact blocks on their way: found and added when shrinking, pasted when restoring."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from unshrink.files.blocks import encode_blocks
from unshrink.files.picture import Picture
from unshrink.models.base import Rescaler
from unshrink.models.weights import Loaded
from unshrink.rescale.payloads import decode_payload, held_in
from unshrink.rescale.small import Small
from unshrink.rescale.spoiled import spoiled_blocks
from unshrink.rescale.tensors import Pixels, to_rgb, to_tensor

BLOCKS_SECTION = "BLKS"
"""Section of an LR file with the blocks that the network spoils; absent where there are none."""


def enlarge(
    lr: Pixels,
    model: Rescaler,
    size: tuple[int, int],
    *,
    grey: bool,
    payload: Tensor | None = None,
    latent: Tensor | None = None,
) -> Pixels:
    """LR pixels (h, w, 3) through the network: HR pixels (H, W, 3) of `size`, with three equal channels if `grey`."""
    with torch.inference_mode():
        return to_rgb(model.upscale(to_tensor(lr), payload, latent=latent, size=size), size, grey=grey)


def add_exact_blocks(small: Small, picture: Picture, loaded: Loaded) -> Small:
    """`small` with those blocks of `picture` that the network, given the LR pixels of `small`, spoils."""
    lr = small.lrfile
    payload = decode_payload(loaded, held_in(lr), lr.picture.size)
    restored = enlarge(lr.picture.rgb, loaded.model, picture.size, grey=picture.grey, payload=payload)
    mask = spoiled_blocks(picture.rgb, restored, loaded.model.scale, picture.alpha, small=lr.picture.size)
    if not mask.any():
        return small
    del restored
    sections = {**lr.sections, BLOCKS_SECTION: encode_blocks(picture.rgb, mask)}
    return Small(replace(lr, sections=sections))
