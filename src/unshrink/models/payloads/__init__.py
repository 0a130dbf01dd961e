"""THE table of payload kinds: how the numbers that a network makes beside the LR pixels become bytes."""

from unshrink.models.payloads.kind import Coding, PayloadKind
from unshrink.models.payloads.latent import Latent
from unshrink.models.payloads.plane import Plane

KINDS: dict[str, type[PayloadKind]] = {kind.name: kind for kind in (Plane, Latent)}
"""By the name that the registry gives them; "none" is no kind."""

__all__ = ["KINDS", "Coding", "Latent", "PayloadKind", "Plane"]
