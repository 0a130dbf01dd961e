"""A model's payload on its way into an LR file and back; docs/file-format.md states the bytes.

Two tables that know nothing of each other: `models.payloads.KINDS`, how numbers become bytes, and
`rescale.carriers.CARRIERS`, where bytes are kept.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from torch import Tensor

from unshrink.errors import UsageError, damaged_payload
from unshrink.files.lrfile import LRFile
from unshrink.limits import DEFAULT_LIMITS, Limits
from unshrink.models.payloads import KINDS, Coding, PayloadKind
from unshrink.models.weights import Loaded
from unshrink.rescale.carriers import CARRIERS, DEFAULT, Held
from unshrink.rescale.order import PayloadOptions
from unshrink.rescale.pixels import Pixels

NONE = "none"
"""What the registry and the header say where there is no payload."""


@dataclass(frozen=True, eq=False)
class Packed:
    """What an LR file holds, and which carrier has the payload."""

    held: Held
    carrier: str = NONE
    """What the header says."""


def held_in(lrfile: LRFile) -> Packed:
    """The payload that `lrfile` holds, not yet decoded."""
    picture = lrfile.picture
    return Packed(Held(picture.rgb, picture.alpha, lrfile.sections), lrfile.header.carrier)


def check_options(name: str, payload: str, options: PayloadOptions) -> None:
    """Raise UsageError where model `name` with that kind of `payload` cannot keep it as `options` say."""
    kind, carrier = KINDS.get(payload), options.carrier
    if carrier != DEFAULT and (kind is None or (carrier.raw and not kind.raw)):
        what = "has no payload" if kind is None else "has a payload that is no plane"
        raise UsageError(f"{name} {what}, so there is nothing to put into {carrier.room}; leave the carrier out.")
    if options.budget is not None and (kind is None or not kind.bounded):
        raise UsageError(f"{name} has no latent payload that a budget could bound; take a model like irn-m-x4.")


def encode_payload(loaded: Loaded, payload: Tensor | None, options: PayloadOptions, lr: Pixels) -> Packed:
    """The payload (1, ...) that `loaded.model` made, not yet rounded, and the LR pixels, as the file is to hold them.

    Raises UsageError where the payload cannot be kept as `options` say.
    """
    check_options(loaded.spec.name, loaded.spec.payload, options)
    kind, carrier = loaded.model.payload, options.carrier
    if kind is None or payload is None:
        return Packed(Held(lr))
    held = Held(lr, section=kind.section)
    most = carrier.capacity(held)
    bounds = [bound for bound in (most, options.budget) if bound is not None]
    data = kind.encode(payload, Coding(lr, carrier.raw, carrier.least, min(bounds, default=None)))
    if data is None:
        return Packed(held)
    if most is not None and len(data) > most:
        raise UsageError(f"The payload takes {len(data)} bytes and {carrier.room} holds {most}; take another carrier.")
    return Packed(carrier.write(data, held), carrier.name)


def decode_payload(loaded: Loaded, packed: Packed, *, limits: Limits = DEFAULT_LIMITS) -> Tensor | None:
    """What `encode_payload` was given, as rounded as the file has it.

    None for a model without payload, and where a budget left none. Raises DamagedLRFileError where the payload is
    missing or damaged.
    """
    kind = loaded.model.payload
    if packed.carrier == NONE and (kind is None or kind.bounded):
        return None
    if kind is None or packed.carrier == NONE:
        stated = "a payload" if kind is None else "no payload"
        raise damaged_payload(f"it states {stated} for {loaded.spec.name}")
    held = replace(packed.held, section=kind.section)
    carrier = CARRIERS[packed.carrier].found_in(held)
    if carrier.raw and not kind.raw:
        raise damaged_payload(f"it is said to be in {carrier.room}, which cannot hold that of {loaded.spec.name}")
    return kind.decode(carrier.read(held), Coding(held.lr, carrier.raw, carrier.least, limits=limits))


def can_refine(kind: PayloadKind | None, options: PayloadOptions) -> bool:
    """Whether effort may change the payload: coarser values would only jitter."""
    return kind is not None and kind.refined and options.carrier.least == 1
