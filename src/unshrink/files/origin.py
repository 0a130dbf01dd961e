"""What an LR file remembers of the file that it was made from: section `FROM`, which readers may do without."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from PIL import Image

from unshrink.files.sections import ORIGIN_SECTION
from unshrink.files.sniff import sniff_or_none

_MOST_BYTES = 4096
_DIGITS = 32
# The table of libjpeg for quality 50, luma: sums are enough, since qualities scale it as a whole.
_LUMA_AT_50 = 3698


@dataclass(frozen=True)
class Origin:
    """The file that a picture was shrunk from, and how."""

    format: str
    """As `sniff` names it."""
    bytes: int
    digest: str
    """The first 32 hexadecimal digits of its SHA-256."""
    quality: int | None = None
    """Of a JPEG, 1 to 100, as libjpeg counts it; of others None."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """What `down` was asked beside scale and model, where it is not the default."""


def origin_of(data: bytes, options: Mapping[str, Any]) -> Origin:
    """The origin of an LR file that is made of the file `data`."""
    format = sniff_or_none(data)
    kind = format.kind if format else "unknown"
    quality = _jpeg_quality(data) if kind == "jpeg" else None
    return Origin(kind, len(data), hashlib.sha256(data).hexdigest()[:_DIGITS], quality, dict(options))


def encode_origin(origin: Origin) -> bytes:
    """The data of the section: JSON in ASCII, keys sorted."""
    return json.dumps(asdict(origin), sort_keys=True, separators=(",", ":")).encode("ascii")


def decode_origin(sections: Mapping[str, bytes]) -> Origin | None:
    """The origin that a file states; None where it states none, or nothing that makes sense."""
    data = sections.get(ORIGIN_SECTION, b"")
    try:
        values = json.loads(data[:_MOST_BYTES])
        origin = Origin(**{key: values[key] for key in ("format", "bytes", "digest", "quality", "options")})
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    sound = isinstance(origin.format, str) and isinstance(origin.bytes, int) and isinstance(origin.options, dict)
    return origin if sound and (origin.quality is None or origin.quality in range(1, 101)) else None


def _jpeg_quality(data: bytes) -> int | None:
    """The quality that libjpeg would need for a luma table as fine as this one's."""
    try:
        with Image.open(io.BytesIO(data)) as image:
            table: list[int] = image.quantization[0]  # type: ignore[attr-defined]
    except (OSError, ValueError, KeyError, AttributeError, SyntaxError, Image.DecompressionBombError):
        return None
    percent = 100 * sum(table) / _LUMA_AT_50
    quality = 5000 / percent if percent > 100 else (200 - percent) / 2
    return max(1, min(100, round(quality)))
