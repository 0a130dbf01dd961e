"""What every carrier offers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Self

if TYPE_CHECKING:
    from unshrink.rescale.pixels import Pixels


@dataclass(frozen=True, eq=False)
class Held:
    """What an LR file has room in: its pixels, its alpha channel, its sections."""

    lr: Pixels
    """(h, w, 3)."""
    alpha: Pixels | None = None
    """(h, w); None where it is not used."""
    sections: Mapping[str, bytes] = field(default_factory=dict)
    section: str = ""
    """The name of the section that the kind of payload has where it stands in one."""


class Carrier(ABC):
    """Where the bytes of a payload are kept."""

    name: ClassVar[str]
    """What the header says."""
    spelling: ClassVar[str]
    """How people ask for it."""
    room: ClassVar[str]
    """What it fills, in words."""
    raw: ClassVar[bool]
    """Whether it takes one byte for every LR pixel, in reading order, and nothing else."""

    @classmethod
    @abstractmethod
    def parse(cls, text: str) -> Self | None:
        """The carrier that `text` asks for; None where it asks for another."""

    @classmethod
    @abstractmethod
    def found_in(cls, held: Held) -> Self:
        """The carrier as a file uses it. Raises DamagedLRFileError."""

    @property
    @abstractmethod
    def least(self) -> int:
        """The smallest value of a byte; above 1 the payload becomes coarser."""

    @abstractmethod
    def capacity(self, held: Held) -> int | None:
        """Most bytes that it takes; None for no bound."""

    @abstractmethod
    def write(self, data: bytes, held: Held) -> Held:
        """`held` with `data` in it, which has no more bytes than `capacity` says."""

    @abstractmethod
    def read(self, held: Held) -> bytes:
        """The inverse of `write`. Raises DamagedLRFileError where there is nothing."""
