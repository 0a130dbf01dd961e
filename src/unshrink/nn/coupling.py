"""The affine coupling block: each half changes the other, and either change can be taken back."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from unshrink.nn import tiling
from unshrink.nn.invertible import Invertible

SubnetFactory = Callable[[int, int], nn.Module]


class Coupling(Invertible):
    """Couples the first `split` channels x1 with the rest x2.

        y1 = x1 + F(x2)                          x2 = (y2 - G(y1)) * exp(-s(y1))
        y2 = x2 * exp(s(y1)) + G(y1)             x1 = y1 - F(x2)

    with s = clamp * (2 * sigmoid(H(y1)) - 1). Source: Xiao et al., ECCV 2020.
    """

    def __init__(self, channels: int, *, split: int, subnet: SubnetFactory, clamp: float = 1.0) -> None:
        super().__init__()
        self.split = split
        self.clamp = clamp
        self.f = subnet(channels - split, split)
        self.g = subnet(split, channels - split)
        self.h = subnet(split, channels - split)
        self.reach = _reach(self.f) + max(_reach(self.g), _reach(self.h))

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> the same shape; see the class."""
        x1, x2 = self._halves(x)
        y1 = x1 + tiling.apply(self.f, x2)
        y2 = x2 * self._scale(y1).exp() + tiling.apply(self.g, y1)
        return torch.cat([y1, y2], dim=1)

    def inverse(self, y: Tensor) -> Tensor:
        """(B, C, H, W) -> the same shape; undoes `forward`."""
        y1, y2 = self._halves(y)
        x2 = (y2 - tiling.apply(self.g, y1)) * self._scale(y1).neg().exp()
        x1 = y1 - tiling.apply(self.f, x2)
        return torch.cat([x1, x2], dim=1)

    def forward_(self, x: Tensor) -> Tensor:
        """`forward` in place, tile by tile."""
        x1, x2 = self._halves(x)
        _add(x1, self.f, x2)
        for (at, h), (_, g) in zip(tiling.each(self.h, x1), tiling.each(self.g, x1), strict=True):
            x2[..., *at].mul_(self._bounded(h).exp_()).add_(g)
        return x

    def inverse_(self, y: Tensor) -> Tensor:
        """`inverse` in place, tile by tile."""
        y1, y2 = self._halves(y)
        for (at, h), (_, g) in zip(tiling.each(self.h, y1), tiling.each(self.g, y1), strict=True):
            y2[..., *at].sub_(g).mul_(self._bounded(h).neg_().exp_())
        _add(y1, self.f, y2, alpha=-1)
        return y

    def head_(self, x: Tensor, channels: int) -> Tensor:
        """See `Invertible`: where only y1 is asked for, F is all it takes."""
        return _head(self, x, channels)

    def _scale(self, y1: Tensor) -> Tensor:
        return self._bounded(tiling.apply(self.h, y1))

    def _bounded(self, h: Tensor) -> Tensor:
        return self.clamp * (2 * torch.sigmoid(h) - 1)

    def _halves(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return x[:, : self.split], x[:, self.split :]


class TwinCoupling(Invertible):
    """`Coupling` with one sub-network for G and H: they read the same input, so they share its features.

    Our design: a third of the work of a block saved; see docs/decisions/training.md for what it costs or gains. The
    sub-networks may also read `planes` channels that stand beside the state and are known either way; what those hold
    does not touch invertibility.
    """

    def __init__(
        self, channels: int, *, split: int, subnet: SubnetFactory, clamp: float = 1.0, planes: int = 0
    ) -> None:
        super().__init__()
        self.split = split
        self.clamp = clamp
        self.f = subnet(channels - split + planes, split)
        self.gh = subnet(split + planes, 2 * (channels - split))
        self.reach = _reach(self.f) + _reach(self.gh)

    def forward(self, x: Tensor, planes: Tensor | None = None) -> Tensor:
        """x (B, C, H, W) and planes (1 or B, P, H, W), None for P = 0 -> the shape of x; see `Coupling`."""
        x1, x2 = x[:, : self.split], x[:, self.split :]
        y1 = x1 + tiling.apply(self.f, _beside(x2, planes))
        shift, scale = self._shift_and_scale(y1, planes)
        return torch.cat([y1, x2 * scale.exp() + shift], dim=1)

    def inverse(self, y: Tensor, planes: Tensor | None = None) -> Tensor:
        """y (B, C, H, W) and the same planes -> the shape of y; undoes `forward`."""
        y1, y2 = y[:, : self.split], y[:, self.split :]
        shift, scale = self._shift_and_scale(y1, planes)
        x2 = (y2 - shift) * scale.neg().exp()
        x1 = y1 - tiling.apply(self.f, _beside(x2, planes))
        return torch.cat([x1, x2], dim=1)

    def forward_(self, x: Tensor, planes: Tensor | None = None) -> Tensor:
        """`forward` in place, tile by tile."""
        x1, x2 = x[:, : self.split], x[:, self.split :]
        _add(x1, self.f, _beside(x2, planes))
        for at, both in tiling.each(self.gh, _beside(x1, planes)):
            shift, scale = self._parts(both)
            x2[..., *at].mul_(scale.exp_()).add_(shift)
        return x

    def inverse_(self, y: Tensor, planes: Tensor | None = None) -> Tensor:
        """`inverse` in place, tile by tile."""
        y1, y2 = y[:, : self.split], y[:, self.split :]
        for at, both in tiling.each(self.gh, _beside(y1, planes)):
            shift, scale = self._parts(both)
            y2[..., *at].sub_(shift).mul_(scale.neg_().exp_())
        _add(y1, self.f, _beside(y2, planes), alpha=-1)
        return y

    def head_(self, x: Tensor, channels: int) -> Tensor:
        """See `Invertible`: where only y1 is asked for, F is all it takes."""
        return _head(self, x, channels)

    def _shift_and_scale(self, y1: Tensor, planes: Tensor | None) -> tuple[Tensor, Tensor]:
        return self._parts(tiling.apply(self.gh, _beside(y1, planes)))

    def _parts(self, both: Tensor) -> tuple[Tensor, Tensor]:
        shift, scale = both.chunk(2, dim=1)
        return shift, self.clamp * (2 * torch.sigmoid(scale) - 1)


def _head(coupling: Coupling | TwinCoupling, x: Tensor, channels: int) -> Tensor:
    if channels > coupling.split:
        return coupling.forward_(x)[:, :channels]
    x1, x2 = x[:, : coupling.split], x[:, coupling.split :]
    _add(x1, coupling.f, x2)
    return x1[:, :channels]


def _add(target: Tensor, subnet: nn.Module, source: Tensor, *, alpha: int = 1) -> None:
    """target += alpha * subnet(source), in place; the two share no elements."""
    for at, change in tiling.each(subnet, source):
        target[..., *at].add_(change, alpha=alpha)


def _beside(x: Tensor, planes: Tensor | None) -> Tensor:
    return x if planes is None else torch.cat([x, planes.expand(x.shape[0], -1, -1, -1)], dim=1)


def _reach(subnet: nn.Module) -> int:
    return int(subnet.reach)  # type: ignore[arg-type]


COUPLINGS: dict[str, Callable[..., Invertible]] = {"affine": Coupling, "twin": TwinCoupling}
