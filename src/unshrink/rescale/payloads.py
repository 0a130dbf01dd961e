"""A model's payload on its way into an LR file and back; docs/file-format.md states the bytes.

One kind for each value of `ModelSpec.payload`: "none" has nothing to carry, "alpha" is one 8-bit plane of the LR's
size, "latent" planes of whole numbers of a quarter of it along each axis. What the carriers are, beside the paper's
alpha channel, is our design.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from unshrink.errors import DamagedLRFileError, UsageError
from unshrink.files.latents import SECTION, fit_latents, latents_decode, latents_encode
from unshrink.files.lrfile import LRFile
from unshrink.files.payload import lossless_plane_decode, lossless_plane_encode
from unshrink.limits import DEFAULT_LIMITS, Limits
from unshrink.models.metadata import IRNM
from unshrink.models.weights import Loaded
from unshrink.rescale.effort import Store
from unshrink.rescale.order import PayloadOptions
from unshrink.rescale.tensors import Pixels

PLANE_SECTION = "PLNE"
"""Section with the payload plane, values 1 to 255, where the carrier is a chunk."""
FLOOR_SECTION = "FLOR"
"""Section of one byte: the smallest alpha that stands for a payload; absent where it is 1."""


@dataclass(frozen=True, eq=False)
class Packed:
    """A payload as an LR file holds it."""

    carrier: Literal["none", "alpha", "chunk"] = "none"
    """What the header says."""
    plane: Pixels | None = None
    """(h, w), the alpha channel of the LR picture where that is the carrier."""
    sections: Mapping[str, bytes] = field(default_factory=dict)


def held_in(lrfile: LRFile) -> Packed:
    """The payload that `lrfile` holds, not yet decoded."""
    carrier = lrfile.header.carrier
    return Packed(carrier, lrfile.picture.alpha if carrier == "alpha" else None, lrfile.sections)


def check_options(name: str, payload: str, options: PayloadOptions) -> None:
    """Raise UsageError where model `name` with that kind of `payload` cannot keep it as `options` say."""
    if options.place == "alpha" and payload != "alpha":
        what = "has no payload" if payload == "none" else "has a payload that is no plane"
        raise UsageError(f"{name} {what}, so there is nothing to put into the alpha channel; leave the carrier out.")
    if options.budget is not None and payload != "latent":
        raise UsageError(f"{name} has no latent payload that a budget could bound; take a model like irn-m-x4.")


def encode_payload(loaded: Loaded, payload: Tensor | None, options: PayloadOptions) -> Packed:
    """The payload (1, ...) that `loaded.model` made, not yet rounded, as the file is to hold it.

    Raises UsageError where the model's kind of payload cannot be kept as `options` say.
    """
    check_options(loaded.spec.name, loaded.spec.payload, options)
    return Packed() if payload is None else _ENCODERS[loaded.spec.payload](payload, options)


def decode_payload(
    loaded: Loaded, packed: Packed, size: tuple[int, int], *, limits: Limits = DEFAULT_LIMITS
) -> Tensor | None:
    """What `encode_payload` was given, as rounded as the file has it; `size` is (h, w) of the LR picture.

    None for a model without payload, and where a budget left none. Raises DamagedLRFileError where the payload is
    missing or damaged.
    """
    kind = loaded.spec.payload
    if kind == "latent" and packed.carrier == "none":
        return None  # a budget left nothing of it
    if (packed.carrier == "none") != (kind == "none"):
        stated = "no payload" if packed.carrier == "none" else "a payload"
        raise _damaged(f"it states {stated} for {loaded.spec.name}")
    return None if kind == "none" else _DECODERS[kind](loaded, packed, size, limits)


def store_as(loaded: Loaded, options: PayloadOptions) -> Store:
    """How a payload comes back from a file that keeps it so, with the identity for its gradient."""
    if options.budget is not None:
        return lambda payload: _store_within(payload, options.budget)
    if loaded.spec.payload != "alpha" or options.floor == 1:
        return lambda payload: loaded.model.stored(payload)  # type: ignore[return-value]
    return lambda payload: payload + (_from_alpha(_to_alpha(payload, options.floor), options.floor) - payload).detach()


def _encode_plane(payload: Tensor, options: PayloadOptions) -> Packed:
    alpha = _to_alpha(payload, options.floor)[0, 0].to(torch.uint8).contiguous().numpy()
    if options.place == "chunk":
        return Packed("chunk", None, {PLANE_SECTION: lossless_plane_encode(alpha)})
    return Packed("alpha", alpha, {} if options.floor == 1 else {FLOOR_SECTION: bytes([options.floor])})


def _decode_plane(loaded: Loaded, packed: Packed, size: tuple[int, int], limits: Limits) -> Tensor:
    floor, alpha = 1, packed.plane
    if packed.carrier == "chunk":
        if PLANE_SECTION not in packed.sections:
            raise _damaged(f"section {PLANE_SECTION} is missing")
        alpha = lossless_plane_decode(packed.sections[PLANE_SECTION], size, limits=limits)
    elif FLOOR_SECTION in packed.sections:
        floor = _read_floor(packed.sections[FLOOR_SECTION])
    if alpha is None or alpha.shape != size:
        raise _damaged(f"the picture has no alpha channel, where {loaded.spec.name} keeps its payload")
    if int(alpha.min()) < floor:
        raise _damaged(f"it has a value of {int(alpha.min())}, and the smallest is {floor}")
    return _from_alpha(torch.from_numpy(np.ascontiguousarray(alpha)).float(), floor)[None, None]


def _read_floor(data: bytes) -> int:
    if len(data) != 1 or not 1 <= data[0] <= 254:
        raise _damaged(f"section {FLOOR_SECTION} is not one byte from 1 to 254")
    return data[0]


def _to_alpha(payload: Tensor, floor: int) -> Tensor:
    """Payload in [0, 1] -> whole numbers from `floor` to 255: 1 / 255 becomes the floor, 1 becomes 255."""
    levels = (payload.clamp(1 / 255, 1) * 255 - 1) * ((255 - floor) / 254)
    return levels.round() + floor


def _from_alpha(alpha: Tensor, floor: int) -> Tensor:
    return ((alpha - floor) * (254 / (255 - floor)) + 1) / 255


def _encode_latent(payload: Tensor, options: PayloadOptions) -> Packed:
    data = _pack_latent(payload, options.budget)
    return Packed() if data is None else Packed("chunk", None, {SECTION: data})


def _decode_latent(loaded: Loaded, packed: Packed, size: tuple[int, int], limits: Limits) -> Tensor:
    if packed.carrier != "chunk" or SECTION not in packed.sections:
        raise _damaged(f"section {SECTION} is missing")
    if not isinstance(loaded.model, IRNM):
        raise TypeError(f"{type(loaded.model).__name__} makes no latent payload")
    shape = loaded.model.payload_shape(size)
    return _to_payload(latents_decode(packed.sections[SECTION], shape, limits=limits))


def _pack_latent(payload: Tensor, budget: int | None) -> bytes | None:
    values = payload[0].detach().float().cpu().numpy()
    return latents_encode(values) if budget is None else fit_latents(values, budget)


def _store_within(payload: Tensor, budget: int | None) -> Tensor:
    data = _pack_latent(payload, budget)
    if data is None:
        return torch.zeros_like(payload)
    _, channels, height, width = payload.shape
    return _to_payload(latents_decode(data, (channels, height, width), limits=DEFAULT_LIMITS)).to(payload.device)


def _to_payload(values: NDArray[np.int16]) -> Tensor:
    return torch.from_numpy(values).float()[None]


def _damaged(what: str) -> DamagedLRFileError:
    return DamagedLRFileError(f"The payload is damaged: {what}; get a good copy of the file, or use --plain.")


_ENCODERS: dict[str, Callable[[Tensor, PayloadOptions], Packed]] = {
    "alpha": _encode_plane,
    "latent": _encode_latent,
}
_DECODERS: dict[str, Callable[[Loaded, Packed, tuple[int, int], Limits], Tensor]] = {
    "alpha": _decode_plane,
    "latent": _decode_latent,
}
