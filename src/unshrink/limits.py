"""What a file may ask for at most: every bound that is checked before memory is allocated."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["DEFAULT_LIMITS", "Limits"]

_KIB = 1024
_MIB = 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Upper bounds on inputs and outputs; a file that asks for more is refused with a ``LimitError``."""

    max_hr_pixels: int = 1_000_000_000
    """Pixels (height times width) of the restored picture, and of any picture that is read to be shrunk.

    What a picture of so many takes is bounded by memory before that (`unshrink.rescale.memory`).
    """

    max_lr_pixels: int = 500_000_000
    """Pixels (height times width) of the picture inside an LR file."""

    max_payload_bytes: int = 256 * _MIB
    """Bytes of all payload sections of an LR file together."""

    max_header_bytes: int = 64 * _KIB
    """Bytes of the JSON header of an LR file."""

    max_metadata_bytes: int = 16 * _MIB
    """Bytes of an ICC profile, and of an EXIF block, each."""

    max_file_bytes: int = 4096 * _MIB
    """Bytes of any input file."""

    max_scans: int = 100
    """Scans of a JPEG; an ordinary progressive one has about ten."""

    lenient: bool = False
    """Pictures whose pixels end early are read as far as they go, with a note, instead of refused."""

    max_chunks: int = 1024
    """Pieces that the body of an LR file may be cut into."""

    chunk_bytes: int = _MIB - 4096
    """Bytes of body in one such piece; decoders refuse chunks larger than 1 MiB, so writers stay below it."""


DEFAULT_LIMITS = Limits()
