"""HR picture and network -> LR picture with its header and payload."""

from __future__ import annotations

import torch

from unshrink import __version__
from unshrink.errors import UsageError
from unshrink.files.lrfile import Header, LRFile
from unshrink.files.payload import lossless_plane_encode
from unshrink.files.picture import Picture
from unshrink.models.weights import Loaded
from unshrink.rescale.effort import refine
from unshrink.rescale.small import Small
from unshrink.rescale.tensors import Pixels, lr_size, shrink_plane, to_rgb, to_tensor

ALPHA_SECTION = "ALPH"
"""Section of an LR file with the HR alpha plane, lossless."""
PROFILE_SECTION = "ICCP"
"""Section with the profile of a grey picture whose LR picture is in colour, and so cannot carry it itself."""


def shrink(picture: Picture, loaded: Loaded, *, effort: int = 0) -> Small:
    """Shrink `picture` with a network of a whole-number scale; `effort` as in `unshrink.rescale.effort`."""
    scale = loaded.model.scale
    rgb = _shrink_rgb(picture, loaded, effort)
    grey = picture.grey and _is_grey(rgb)
    sections: dict[str, bytes] = {}
    alpha = picture.alpha
    if alpha is not None:
        sections[ALPHA_SECTION] = lossless_plane_encode(alpha)
    icc = picture.icc
    if icc is not None and picture.grey and not grey:
        sections[PROFILE_SECTION], icc = icc, None
    lr = Picture(
        rgb=rgb, alpha=None if alpha is None else shrink_plane(alpha, scale), grey=grey, icc=icc, exif=picture.exif
    )
    return Small(LRFile(picture=lr, header=_header(picture, loaded), sections=sections))


def _shrink_rgb(picture: Picture, loaded: Loaded, effort: int) -> Pixels:
    scale = loaded.model.scale
    with torch.inference_mode():
        hr = to_tensor(picture.rgb, scale)
        lr, payload = loaded.model.downscale(hr)
        if payload is not None:
            raise UsageError(f"{loaded.spec.name} makes a payload that cannot be written yet; name another model.")
        lr = refine(loaded.model, hr, lr, effort)
        return to_rgb(lr, lr_size(picture.size, scale))


def _is_grey(rgb: Pixels) -> bool:
    return bool((rgb[..., 0] == rgb[..., 1]).all() and (rgb[..., 1] == rgb[..., 2]).all())


def _header(picture: Picture, loaded: Loaded) -> Header:
    scale = float(loaded.model.scale)
    return Header(
        model=loaded.spec.name,
        weights=loaded.weights.digest,
        scale=(scale, scale),
        size=picture.size,
        grey=picture.grey,
        carrier="none",
        alpha="none" if picture.alpha is None else "lossless",
        writer=f"unshrink {__version__}",
    )
