"""What every kind of payload offers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from unshrink.limits import DEFAULT_LIMITS, Limits
from unshrink.nn.parts import Size

Pixels = NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Coding:
    """What a payload is coded beside, and what its carrier asks for."""

    lr: Pixels
    """(h, w, 3), the pixels of the LR picture: before the carrier changes them when coding, as the file has them
    when decoding."""
    raw: bool = False
    """Whether the carrier takes one byte for every LR pixel, in reading order, and nothing else."""
    least: int = 1
    """The smallest value that such a byte may have."""
    budget: int | None = None
    """Most bytes; where no form is as small, nothing is kept. None for no bound."""
    limits: Limits = DEFAULT_LIMITS

    @property
    def size(self) -> Size:
        """Height and width of the LR picture."""
        return self.lr.shape[0], self.lr.shape[1]


class PayloadKind(ABC):
    """How a payload's numbers are rounded, and become bytes."""

    name: ClassVar[str]
    """In the registry and in reports."""
    section: ClassVar[str]
    """Section of an LR file that holds it where the carrier is a chunk."""
    cell: ClassVar[int]
    """LR pixels along each axis that one number stands for."""
    raw: ClassVar[bool]
    """Whether one byte for every LR pixel can hold it."""
    refined: ClassVar[bool]
    """Whether effort may change it: planes in [0, 1] of the LR's size."""
    bounded: ClassVar[bool]
    """Whether it can be kept in fewer bytes, less finely."""
    step: ClassVar[float]
    """Between neighbouring values as `rounded` gives them."""
    span: ClassVar[tuple[float, float]]
    """The smallest and the largest value."""
    absent: ClassVar[float]
    """What stands for no payload."""

    @abstractmethod
    def rounded(self, payload: Tensor) -> Tensor:
        """`payload` (B, ...) as a file gives it back, with the identity for the gradient of rounding."""

    @abstractmethod
    def encode(self, payload: Tensor, coding: Coding) -> bytes | None:
        """`payload` (1, ...), not yet rounded, as bytes; None where a budget leaves nothing of it."""

    @abstractmethod
    def decode(self, data: bytes, coding: Coding) -> Tensor:
        """The payload (1, ...), rounded, that `data` holds. Raises DamagedLRFileError, LimitError."""
