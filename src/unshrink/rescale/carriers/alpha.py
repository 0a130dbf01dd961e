"""The alpha channel of the LR picture, as the paper has it (Yin et al., ICASSP 2023); the floor is our design."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, Self

from unshrink.errors import damaged_payload
from unshrink.files.sections import FLOOR_SECTION
from unshrink.rescale.carriers.carrier import Carrier, Held

DEFAULT_FLOOR = 192


@dataclass(frozen=True)
class Alpha(Carrier):
    """A byte for every pixel; with a higher floor the picture is less translucent and the payload coarser."""

    floor: int = 1
    """The smallest alpha, 1 to 254."""

    name: ClassVar[str] = "alpha"
    spelling: ClassVar[str] = "alpha, floor or floor:N with N from 1 to 254"
    room: ClassVar[str] = "the alpha channel"
    raw: ClassVar[bool] = True

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """See `Carrier`."""
        if text in ("alpha", "floor"):
            return cls(DEFAULT_FLOOR if text == "floor" else 1)
        name, _, number = text.partition(":")
        if name == "floor" and number.isascii() and number.isdigit() and 1 <= int(number) <= 254:
            return cls(int(number))
        return None

    @classmethod
    def found_in(cls, held: Held) -> Self:
        """See `Carrier`."""
        data = held.sections.get(FLOOR_SECTION, b"\1")
        if len(data) != 1 or not 1 <= data[0] <= 254:
            raise damaged_payload(f"section {FLOOR_SECTION} is not one byte from 1 to 254")
        return cls(data[0])

    @property
    def least(self) -> int:
        """See `Carrier`."""
        return self.floor

    def capacity(self, held: Held) -> int:
        """See `Carrier`."""
        return int(held.lr.shape[0] * held.lr.shape[1])

    def write(self, data: bytes, held: Held) -> Held:
        """See `Carrier`."""
        import numpy as np  # here, since an order is read before anything heavy is imported

        plane = np.frombuffer(data, np.uint8).reshape(held.lr.shape[:2])
        floor = {} if self.floor == 1 else {FLOOR_SECTION: bytes([self.floor])}
        return replace(held, alpha=plane, sections={**held.sections, **floor})

    def read(self, held: Held) -> bytes:
        """See `Carrier`."""
        if held.alpha is None:
            raise damaged_payload("the picture has no alpha channel, where its payload is said to be")
        return held.alpha.tobytes()
