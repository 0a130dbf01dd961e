"""THE table of carriers: where an LR file keeps the bytes of a payload. Needs neither torch nor numpy."""

from unshrink.errors import UsageError
from unshrink.rescale.carriers.alpha import Alpha
from unshrink.rescale.carriers.carrier import Carrier, Held
from unshrink.rescale.carriers.chunk import Chunk

CARRIERS: dict[str, type[Carrier]] = {carrier.name: carrier for carrier in (Chunk, Alpha)}
"""By what the header says; "none" is no carrier."""
DEFAULT: Carrier = Chunk()

__all__ = ["CARRIERS", "DEFAULT", "Alpha", "Carrier", "Chunk", "Held", "parse_carrier"]


def parse_carrier(text: str) -> Carrier:
    """The carrier that people call so: "chunk", "alpha", "floor", "floor:N"; UsageError for anything else."""
    for carrier in CARRIERS.values():
        if (found := carrier.parse(text)) is not None:
            return found
    known = ", ".join(carrier.spelling for carrier in CARRIERS.values())
    raise UsageError(f"A carrier is {known}, not {text!r}.")
