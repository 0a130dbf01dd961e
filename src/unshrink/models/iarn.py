"""IARN, one invertible network for rescaling by any factor (after Pan et al., WACV 2023)."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from unshrink.errors import UsageError
from unshrink.models.base import Rescaler, Size, Split
from unshrink.models.bijection import LR_CHANNELS
from unshrink.nn.conditioning import PLANES, position_planes
from unshrink.nn.coupling import ConditionedCoupling
from unshrink.nn.haar import Haar
from unshrink.nn.resample import resize, undo_resize
from unshrink.nn.subnets import build_subnet


@dataclass(frozen=True)
class StageSettings:
    """The couplings after one Haar transform."""

    blocks: int = 3
    """How many couplings."""
    width: int = 40
    """Channels inside a sub-network."""
    depth: int = 1
    """Residual pairs of a sub-network."""


@dataclass(frozen=True)
class IARNSettings:
    """Everything that decides the shape of an IARN."""

    near: StageSettings = StageSettings(blocks=3, width=40)
    """For LR pictures of at least half the HR size along both axes."""
    far: tuple[StageSettings, ...] = (StageSettings(blocks=2, width=32), StageSettings(blocks=2, width=64))
    """For smaller ones: two stages, finest first."""
    position: bool = True
    """Whether sub-networks read the planes of `nn.conditioning`."""
    presplit: bool = True
    """Whether the picture is split into bicubic LR and detail before it is resampled."""
    clamp: float = 1.0
    """The largest log-scale of a coupling."""


class IARN(Rescaler):
    """One network for every LR size from the HR size down to a quarter of it, other along height than along width.

        x (B, 3, H, W) --> y = bicubic(x) (B, 3, h, w)                          the low band, split off first
          x - bicubic(y) --resize--> (2h, 2w) --Haar--> (B, 12, h, w)           where 2h >= H and 2w >= W
          x - bicubic(y) --resize--> (4h, 4w) --Haar, couplings, Haar--> (B, 48, h, w)                    else
        y and detail --couplings--> LR (B, 3, h, w) and latent

    Going back, the latent is zero, every step is undone, and `undo_resize` takes the grid to (H, W): the up-sampling is
    a tall matrix with a left inverse, so the cycle is invertible up to rounding. A fresh network is bicubic both ways.
    The sub-networks read position planes too, and at the finer stage the low band, which either direction knows.

    One network for all scales, position-aware scale encoding and channel splitting ahead of resampling are ideas of
    Pan et al., WACV 2023; the forms here, the left inverse and the two depths are our design. Without `presplit` the
    picture itself is resampled, and its Haar low band becomes the LR.
    """

    def __init__(self, settings: IARNSettings) -> None:
        super().__init__()
        if len(settings.far) != 2:
            raise UsageError(f"An IARN has two far stages, not {len(settings.far)}.")
        self.settings = settings
        self.scale = None
        planes = PLANES if settings.position else 0
        kept = LR_CHANNELS if settings.presplit else 0
        fine, coarse = settings.far
        self.haar = Haar()
        self.near = _stage(settings.near, kept + 12, planes, settings.clamp)
        self.fine = _stage(fine, 12, planes + kept, settings.clamp)
        self.coarse = _stage(coarse, kept + 48, planes, settings.clamp)
        self.reach = 4 * (sum(c.reach for c in self.coarse) + sum(c.reach for c in self.near))  # type: ignore[misc]

    def split(self, hr: Tensor, size: Size | None = None) -> Split:
        """HR (B, 3, H, W) -> LR (B, 3, h, w) of `size`, no payload, what is left out. Raises UsageError without."""
        full = _size(hr)
        if size is None:
            raise UsageError("A network of any scale needs the size of the LR picture.")
        low, detail = self._take_apart(hr, size)
        if _is_near(full, size):
            state = _join(low, self.haar(detail))
            state = _forward(self.near, state, self._planes(full, size, hr))
        else:
            state = self._fine_forward(self.haar(detail), low, full, size)
            state = _forward(self.coarse, _join(low, self.haar(state)), self._planes(full, size, hr))
        return Split(state[:, :LR_CHANNELS], None, state[:, LR_CHANNELS:])

    def upscale(
        self, lr: Tensor, payload: Tensor | None = None, *, latent: Tensor | None = None, size: Size | None = None
    ) -> Tensor:
        """LR (B, 3, h, w) and what was left out (zero for None) -> HR (B, 3, H, W) of `size`. Raises UsageError."""
        del payload
        if size is None:
            raise UsageError("A network of any scale needs the size of the HR picture.")
        small = _size(lr)
        near = _is_near(size, small)
        channels = (12 if near else 48) + (0 if self.settings.presplit else -LR_CHANNELS)
        if latent is None:
            latent = lr.new_zeros(lr.shape[0], channels, *small)
        state = torch.cat([lr, latent], dim=1)
        state = _inverse(self.near if near else self.coarse, state, self._planes(size, small, lr))
        low, detail = self._unjoin(state)
        detail = self.haar.inverse(detail)
        if not near:
            detail = self.haar.inverse(self._fine_inverse(detail, low, size, small))
        return self._put_together(low, detail, size)

    def _take_apart(self, hr: Tensor, size: Size) -> tuple[Tensor | None, Tensor]:
        """The low band (B, 3, h, w), None without `presplit`, and the rest on the grid."""
        factor = 2 if _is_near(_size(hr), size) else 4
        grid = factor * size[0], factor * size[1]
        if not self.settings.presplit:
            return None, resize(hr, grid)
        low = resize(hr, size)
        return low, resize(hr - resize(low, _size(hr)), grid)

    def _put_together(self, low: Tensor | None, detail: Tensor, size: Size) -> Tensor:
        """Undo `_take_apart`."""
        rest = undo_resize(detail, size)
        return rest if low is None else resize(low, size) + rest

    def _fine_forward(self, state: Tensor, low: Tensor | None, full: Size, size: Size) -> Tensor:
        return _forward(self.fine, state, self._fine_planes(low, full, size, state))

    def _fine_inverse(self, state: Tensor, low: Tensor | None, full: Size, size: Size) -> Tensor:
        return _inverse(self.fine, state, self._fine_planes(low, full, size, state))

    def _fine_planes(self, low: Tensor | None, full: Size, size: Size, like: Tensor) -> Tensor | None:
        finer = 2 * size[0], 2 * size[1]
        planes = self._planes(full, finer, like)
        if low is None:
            return planes
        context = resize(low, finer)
        return context if planes is None else torch.cat([planes.expand(low.shape[0], -1, -1, -1), context], dim=1)

    def _planes(self, full: Size, size: Size, like: Tensor) -> Tensor | None:
        return position_planes(full, size, like) if self.settings.position else None

    def _unjoin(self, state: Tensor) -> tuple[Tensor | None, Tensor]:
        return (state[:, :LR_CHANNELS], state[:, LR_CHANNELS:]) if self.settings.presplit else (None, state)


def _stage(settings: StageSettings, channels: int, planes: int, clamp: float) -> nn.ModuleList:
    def subnet(inputs: int, outputs: int) -> nn.Module:
        return build_subnet("residual", inputs, outputs, width=settings.width, depth=settings.depth)

    return nn.ModuleList(
        ConditionedCoupling(channels, split=LR_CHANNELS, planes=planes, subnet=subnet, clamp=clamp)
        for _ in range(settings.blocks)
    )


def _forward(stage: nn.ModuleList, state: Tensor, planes: Tensor | None) -> Tensor:
    for coupling in stage:
        state = coupling(state, planes)
    return state


def _inverse(stage: nn.ModuleList, state: Tensor, planes: Tensor | None) -> Tensor:
    for coupling in reversed(stage):
        state = coupling.inverse(state, planes)  # type: ignore[operator]
    return state


def _join(low: Tensor | None, detail: Tensor) -> Tensor:
    return detail if low is None else torch.cat([low, detail], dim=1)


def _is_near(full: Size, size: Size) -> bool:
    """Whether one Haar transform is enough."""
    return 2 * size[0] >= full[0] and 2 * size[1] >= full[1]


def _size(x: Tensor) -> Size:
    return x.shape[-2], x.shape[-1]
