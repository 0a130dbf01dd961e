"""What every invertible module keeps: `forward` and `inverse` undo each other exactly, up to rounding."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from itertools import groupby

import torch
from torch import Tensor, nn

from unshrink.nn.recompute import Map, Step, run_recomputed


class Invertible(nn.Module, ABC):
    """A bijection between tensors of the same number of elements.

    Contract: `inverse(forward(x))` equals `x` and `forward(inverse(y))` equals `y` to 1e-9 in float64 and 1e-4 in
    float32, for any parameters that training can reach. Neither direction remembers anything between calls.
    """

    exact = True
    """False where only `inverse(forward(x))` is x, because `inverse` leaves something out."""

    @abstractmethod
    def forward(self, x: Tensor) -> Tensor:
        """Map x (B, C, H, W) to y (B, C * k * k, H / k, W / k), where k is 1 or the module's factor."""

    @abstractmethod
    def inverse(self, y: Tensor) -> Tensor:
        """Map y back to x."""

    def forward_(self, x: Tensor) -> Tensor:
        """`forward` without gradients, free to overwrite x: what saves memory where x is no longer needed."""
        return self.forward(x)

    def inverse_(self, y: Tensor) -> Tensor:
        """`inverse` without gradients, free to overwrite y."""
        return self.inverse(y)

    def head_(self, x: Tensor, channels: int) -> Tensor:
        """The first `channels` of `forward_(x)`, without computing what only the others need."""
        return self.forward_(x)[:, :channels]


class Chain(Invertible):
    """Invertible modules one after the other.

    With `recompute`, gradients are computed without keeping what the links computed on the way; see `nn.recompute`.
    """

    recompute = False

    def __init__(self, modules: Iterable[Invertible]) -> None:
        super().__init__()
        self.links = nn.ModuleList(modules)

    def forward(self, x: Tensor) -> Tensor:
        """Run every link, first to last."""
        if not torch.is_grad_enabled():
            return self._rest(_fresh(self.links[0](x), x))
        if self.recompute:
            return _run([(link.exact, _step(link, link, link.inverse)) for link in self.links], x)  # type: ignore
        for link in self.links:
            x = link(x)
        return x

    def inverse(self, y: Tensor) -> Tensor:
        """Undo every link, last to first."""
        if not torch.is_grad_enabled():
            return self._rest_back(_fresh(self.links[-1].inverse(y), y))  # type: ignore[operator]
        if self.recompute:
            return _run([(link.exact, _step(link, link.inverse, link)) for link in reversed(self.links)], y)  # type: ignore
        for link in reversed(self.links):
            y = link.inverse(y)  # type: ignore[operator]
        return y

    def forward_(self, x: Tensor) -> Tensor:
        """`forward`, free to overwrite x where gradients are off; where they are on, simply `forward`."""
        if torch.is_grad_enabled():
            return self.forward(x)
        return self._rest(self.links[0].forward_(x))  # type: ignore[operator]

    def inverse_(self, y: Tensor) -> Tensor:
        """`inverse`, free to overwrite y where gradients are off; where they are on, simply `inverse`."""
        if torch.is_grad_enabled():
            return self.inverse(y)
        return self._rest_back(self.links[-1].inverse_(y))  # type: ignore[operator]

    def head(self, x: Tensor, channels: int) -> Tensor:
        """The first `channels` of `forward(x)`; without gradients, the last link computes nothing for the others."""
        if torch.is_grad_enabled():
            return self.forward(x)[:, :channels]
        first, *middle = self.links
        if not middle:
            return first.head_(x.clone(), channels)  # type: ignore[operator, no-any-return]
        y = _fresh(first(x), x)
        for link in middle[:-1]:
            y = link.forward_(y)  # type: ignore[operator]
        return middle[-1].head_(y, channels)  # type: ignore[operator, no-any-return]

    def _rest(self, x: Tensor) -> Tensor:
        for link in list(self.links)[1:]:
            x = link.forward_(x)  # type: ignore[operator]
        return x

    def _rest_back(self, y: Tensor) -> Tensor:
        for link in list(self.links)[-2::-1]:
            y = link.inverse_(y)  # type: ignore[operator]
        return y


def _fresh(x: Tensor, given: Tensor) -> Tensor:
    """x, or its copy where writing to x would change what the caller gave."""
    return x.clone() if x.untyped_storage().data_ptr() == given.untyped_storage().data_ptr() else x


def _step(link: nn.Module, do: Map, undo: Map) -> Step:
    return Step(do, undo, tuple(link.parameters()))


def _run(steps: Sequence[tuple[bool, Step]], x: Tensor) -> Tensor:
    """Runs of true bijections recomputed when going back, the links between them as autograd does it."""
    for exact, group in groupby(steps, key=lambda entry: entry[0]):
        if exact:
            x = run_recomputed([step for _, step in group], x)
        else:
            for _, step in group:
                x = step.do(x)
    return x
