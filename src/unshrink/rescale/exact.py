"""Exact blocks on their way: found and added when shrinking, pasted when restoring."""

from __future__ import annotations

from dataclasses import replace

from unshrink.files.blocks import encode_blocks
from unshrink.files.picture import Picture
from unshrink.models.weights import Loaded
from unshrink.rescale.memory import Memory
from unshrink.rescale.passes import upscale
from unshrink.rescale.payloads import decode_payload, held_in
from unshrink.rescale.small import Small
from unshrink.rescale.spoiled import spoiled_blocks

BLOCKS_SECTION = "BLKS"
"""Section of an LR file with the blocks that the network spoils; absent where there are none."""


def add_exact_blocks(small: Small, picture: Picture, loaded: Loaded, memory: Memory) -> Small:
    """`small` with those blocks of `picture` that the network, given the LR pixels of `small`, spoils."""
    lr = small.lrfile
    payload = decode_payload(loaded, held_in(lr), lr.picture.size)
    restored = upscale(lr.picture.rgb, loaded.model, picture.size, memory, grey=picture.grey, payload=payload)
    mask = spoiled_blocks(picture.rgb, restored, loaded.model.scale, picture.alpha, small=lr.picture.size)
    if not mask.any():
        return small
    sections = {**lr.sections, BLOCKS_SECTION: encode_blocks(picture.rgb, mask)}
    return Small(replace(lr, sections=sections))
