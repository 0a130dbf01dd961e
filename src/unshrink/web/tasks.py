"""What a request asks for, as one value that travels to the process that does it; and what comes back from there."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from unshrink.rescale.order import Order
from unshrink.web.answers import Failure

Kind = Literal["down", "up", "auto"]
"""Shrink, restore, or whichever of the two fits the file."""


@dataclass(frozen=True, kw_only=True)
class Task:
    """One picture, and what to do with it."""

    kind: Kind
    data: bytes = field(repr=False)
    """The whole file."""
    name: str
    order: Order = field(default_factory=Order)
    format: str = "png"
    """Of the LR file."""
    measure: bool = False
    """Whether it is restored at once and measured."""
    plain: bool = False
    plain_scale: float | tuple[float, float] | None = None
    plain_model: str | None = None
    sigma: float = 0.0
    seed: int = 0
    picture_format: str = "png"
    """Of the restored picture."""
    quality: int | None = None
    original: bytes | None = field(default=None, repr=False)
    """What to measure a restored picture against."""

    @property
    def bytes(self) -> int:
        """All that it holds."""
        return len(self.data) + len(self.original or b"")


@dataclass(frozen=True)
class Told:
    """How far it has come."""

    step: str
    share: float = 0.0


@dataclass(frozen=True)
class Known:
    """Facts that are known now, under the names that the command line's JSON has for them."""

    facts: dict[str, Any]


@dataclass(frozen=True)
class Made:
    """A file that was made."""

    key: str
    """"small", "restored"; and where browsers do not show them, PNGs of what was sent, "original", and of the small
    picture, "shown"."""
    data: bytes = field(repr=False)
    name: str
    media: str


@dataclass(frozen=True)
class Ended:
    """That it is over, well or not."""

    failure: Failure | None = None


Message = Told | Known | Made | Ended
