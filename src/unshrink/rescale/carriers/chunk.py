"""A section of the LR file, which no viewer sees. Our design."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, Self

from unshrink.errors import damaged_payload
from unshrink.rescale.carriers.carrier import Carrier, Held


@dataclass(frozen=True)
class Chunk(Carrier):
    """As many bytes as there are."""

    name: ClassVar[str] = "chunk"
    spelling: ClassVar[str] = "chunk"
    room: ClassVar[str] = "a section"
    raw: ClassVar[bool] = False

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """See `Carrier`."""
        return cls() if text == cls.name else None

    @classmethod
    def found_in(cls, held: Held) -> Self:
        """See `Carrier`."""
        if held.section not in held.sections:
            raise damaged_payload(f"section {held.section} is missing")
        return cls()

    @property
    def least(self) -> int:
        """See `Carrier`."""
        return 1

    def capacity(self, held: Held) -> int | None:
        """See `Carrier`."""
        return None

    def write(self, data: bytes, held: Held) -> Held:
        """See `Carrier`."""
        return replace(held, sections={**held.sections, held.section: data})

    def read(self, held: Held) -> bytes:
        """See `Carrier`."""
        return held.sections[held.section]
