"""HR picture and network -> LR picture with its header and payload."""

from __future__ import annotations

import torch

from unshrink import __version__
from unshrink.files.lrfile import Header, LRFile
from unshrink.files.payload import lossless_plane_encode
from unshrink.files.picture import Picture
from unshrink.models.weights import Loaded
from unshrink.rescale.effort import refine
from unshrink.rescale.memory import WRITING, Memory
from unshrink.rescale.order import Order
from unshrink.rescale.passes import downscale
from unshrink.rescale.payloads import Packed, encode_payload, store_as
from unshrink.rescale.progress import Progress, Step, silent
from unshrink.rescale.sizes import Scales, Size, target_for
from unshrink.rescale.small import Small
from unshrink.rescale.tensors import Pixels, shrink_pixels, to_planes, to_rgb

ALPHA_SECTION = "ALPH"
"""Section of an LR file with the HR alpha plane, lossless."""
PROFILE_SECTION = "ICCP"
"""Section with the profile of a grey picture whose LR picture is in colour, and so cannot carry it itself."""


def shrink(picture: Picture, loaded: Loaded, memory: Memory, order: Order, tell: Progress = silent) -> Small:
    """Shrink `picture` as `order` says, but for its exact blocks; its size counts where the network is of any scale.

    The picture's own alpha is carried without loss, and shown in small where the payload leaves the alpha channel free.
    Raises UsageError where the order and the network do not go together.
    """
    target = target_for(order.wish, picture.size, loaded.model.scale)
    height, width = target.size
    memory.require(WRITING * height * width, f"a small picture of {width}x{height} pixels")
    rgb, packed = _shrink_rgb(picture, loaded, memory, order, target.size, tell)
    grey = picture.grey and _is_grey(rgb)
    sections = dict(packed.sections)
    alpha = packed.plane
    if picture.alpha is not None:
        sections[ALPHA_SECTION] = lossless_plane_encode(picture.alpha)
        alpha = shrink_pixels(picture.alpha, loaded.model.scale, target.size) if alpha is None else alpha
    icc = picture.icc
    if icc is not None and picture.grey and not grey:
        sections[PROFILE_SECTION], icc = icc, None
    lr = Picture(rgb=rgb, alpha=alpha, grey=grey, icc=icc, exif=picture.exif)
    return Small(LRFile(picture=lr, header=_header(picture, loaded, packed, target.scales), sections=sections))


def _shrink_rgb(
    picture: Picture, loaded: Loaded, memory: Memory, order: Order, size: Size, tell: Progress
) -> tuple[Pixels, Packed]:
    effort, options = order.effort, order.payload
    lr, payload = downscale(picture.rgb, loaded.model, size, memory, exact=effort > 0)
    with torch.inference_mode():
        lr, payload = refine(
            loaded.model,
            to_planes(picture.rgb, loaded.model.scale or 1) if effort else lr,
            lr,
            effort,
            payload=payload,
            store=store_as(loaded, options),
            tick=lambda share: tell(Step("improve", share)),
            joint=loaded.spec.payload == "alpha" and options.floor == 1,  # coarser values would only jitter
        )
        packed = encode_payload(loaded, payload, options)
        return to_rgb(lr, size), packed


def _is_grey(rgb: Pixels) -> bool:
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
