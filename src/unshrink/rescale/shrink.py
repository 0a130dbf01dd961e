"""HR picture and network -> LR picture with its header and payload."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from unshrink import __version__
from unshrink.files.lrfile import Header, LRFile
from unshrink.files.payload import lossless_plane_encode
from unshrink.files.picture import Picture
from unshrink.files.sections import ALPHA_SECTION, PROFILE_SECTION
from unshrink.models.weights import Loaded
from unshrink.rescale.carriers import Held
from unshrink.rescale.coded import PIXELS, embed_coded
from unshrink.rescale.effort import refine
from unshrink.rescale.memory import WRITING, Memory
from unshrink.rescale.order import Order
from unshrink.rescale.payloads import NONE, Packed, can_refine, decode_payload, encode_payload
from unshrink.rescale.pixels import Pixels, shrink_pixels, to_planes, to_rgb
from unshrink.rescale.progress import Progress, Step, silent
from unshrink.rescale.sizes import Scales, Size, target_for
from unshrink.rescale.small import Small
from unshrink.rescale.tiled import downscale


def shrink(picture: Picture, loaded: Loaded, memory: Memory, order: Order, tell: Progress = silent) -> Small:
    """Shrink `picture` as `order` says, but for its exact blocks; its size counts where the network is of any scale.

    The picture's own alpha is carried without loss, and shown in small where the payload leaves the alpha channel free.
    Raises UsageError where the order and the network do not go together.
    """
    target = target_for(order.wish, picture.size, loaded.spec.scale)
    height, width = target.size
    memory.require(WRITING * height * width, f"a small picture of {width}x{height} pixels")
    shrunk = _embed if loaded.spec.coded else _shrink_rgb
    packed = shrunk(picture, loaded, memory, order, target.size, tell)
    rgb = packed.held.lr
    grey = picture.grey and is_grey(rgb)
    sections, alpha = dict(packed.held.sections), packed.held.alpha
    if picture.alpha is not None:
        sections[ALPHA_SECTION] = lossless_plane_encode(picture.alpha)
        alpha = shrink_pixels(picture.alpha, loaded.spec.scale, target.size) if alpha is None else alpha
    icc = picture.icc
    if icc is not None and picture.grey and not grey:
        sections[PROFILE_SECTION], icc = icc, None
    lr = replace(picture, rgb=rgb, alpha=alpha, grey=grey, icc=icc)
    return Small(LRFile(picture=lr, header=_header(picture, loaded, packed, target.scales), sections=sections))


def plainly(picture: Picture, size: Size) -> Picture:
    """`picture` scaled down to that height and width by plain bicubic resampling, with a note that says so."""

    def resized(plane: Pixels) -> Pixels:
        return np.array(Image.fromarray(plane).resize(size[::-1], Image.Resampling.BICUBIC))

    alpha = None if picture.alpha is None else resized(picture.alpha)
    note = f"it was scaled down plainly to {size[1]}x{size[0]} first, and that is what comes back"
    return replace(picture, rgb=resized(picture.rgb), alpha=alpha, notes=(*picture.notes, note))


def _shrink_rgb(picture: Picture, loaded: Loaded, memory: Memory, order: Order, size: Size, tell: Progress) -> Packed:
    lr, payload = downscale(picture.rgb, loaded.model, size, memory, exact=order.effort > 0)
    with torch.inference_mode():
        if order.effort:
            lr, payload = _refine(picture, loaded, order, lr, payload, tell)
        return encode_payload(loaded, payload, order.payload, to_rgb(lr, size))


def _embed(picture: Picture, loaded: Loaded, memory: Memory, order: Order, size: Size, tell: Progress) -> Packed:
    """What `_shrink_rgb` does, for models that code what bicubic leaves out; in too few pixels nothing is embedded."""
    tell(Step("embed"))
    with torch.inference_mode():
        embedded = embed_coded(loaded, picture.rgb, size, order.floor, grey=picture.grey)
    return Packed(Held(embedded.rgb), PIXELS if embedded.carries else NONE)


def _refine(
    picture: Picture, loaded: Loaded, order: Order, lr: Tensor, payload: Tensor | None, tell: Progress
) -> tuple[Tensor, Tensor | None]:
    """LR and payload, better for restoring `picture` than those given; the payload only where it may change."""
    hr, model, effort = to_planes(picture.rgb, loaded.model.scale or 1), loaded.model, order.effort

    def tick(share: float) -> None:
        tell(Step("improve", share))

    if can_refine(model.payload, order.payload):
        return refine(model, hr, lr, effort, payload=payload, tick=tick)
    packed = encode_payload(loaded, payload, order.payload, to_rgb(lr.clone(), (lr.shape[-2], lr.shape[-1])))
    return refine(model, hr, lr, effort, kept=decode_payload(loaded, packed), tick=tick)[0], payload


def is_grey(rgb: Pixels) -> bool:
    """Whether all three channels are alike."""
    return bool((rgb[..., 0] == rgb[..., 1]).all() and (rgb[..., 1] == rgb[..., 2]).all())


def _header(picture: Picture, loaded: Loaded, packed: Packed, scales: Scales) -> Header:
    return Header(
        model=loaded.spec.name,
        weights=loaded.weights.digest,
        scale=scales,
        size=picture.size,
        grey=picture.grey,
        carrier=packed.carrier,
        alpha="none" if picture.alpha is None else "lossless",
        writer=f"unshrink {__version__}",
    )
