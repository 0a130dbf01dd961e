"""Random numbers of a batch, the same however many processes share it: each draws all of them and keeps its own."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor


class Sharing(torch.Generator):
    """A generator for one process of several. What is drawn with the functions here is the whole batch's, cut."""

    def __new__(cls, own: range, batch: int) -> Sharing:
        """A generator takes its arguments when it is made."""
        del own, batch
        return super().__new__(cls)

    def __init__(self, own: range, batch: int) -> None:
        super().__init__()
        self.own = own
        """The samples of this process."""
        self.batch = batch
        """Of all processes together."""


def rand(*shape: int, generator: torch.Generator) -> Tensor:
    """Uniform numbers in [0, 1) of a shape whose first side is the batch's."""
    return _own(lambda whole: torch.rand(whole, generator=generator), shape, generator)


def randn(*shape: int, generator: torch.Generator) -> Tensor:
    """The same, normally distributed."""
    return _own(lambda whole: torch.randn(whole, generator=generator), shape, generator)


def randint(high: int, *shape: int, generator: torch.Generator) -> Tensor:
    """The same, whole numbers from 0 to below `high`."""
    return _own(lambda whole: torch.randint(high, whole, generator=generator), shape, generator)


def _own(draw: Callable[[tuple[int, ...]], Tensor], shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
    if not isinstance(generator, Sharing):
        return draw(shape)
    return draw((generator.batch, *shape[1:]))[generator.own.start : generator.own.stop]
