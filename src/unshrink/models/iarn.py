"""IARN, one invertible network for rescaling by any factor (after Pan et al., WACV 2023)."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import NamedTuple

import torch
from torch import Tensor, nn

from unshrink.errors import UsageError
from unshrink.models.base import Rescaler, Size, Split
from unshrink.models.bijection import LR_CHANNELS
from unshrink.nn.conditioning import PLANES, position_planes
from unshrink.nn.coupling import ConditionedCoupling
from unshrink.nn.haar import Haar
from unshrink.nn.parts import Part, Reader, reader, whole
from unshrink.nn.resample import resize, resize_part, undo_reads, undo_resize, undo_resize_part
from unshrink.nn.subnets import build_subnet

FLOATS_ON_GRID = 26.0
"""For every pixel of the grid: couplings make new states of 3, and keep planes beside them."""
RESAMPLING_REACH = 3
"""LR pixels that bicubic enlarging reads around a pixel, and one to spare; undoing it reads no more than that."""


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


class _Frame(NamedTuple):
    """Where a piece of work lies."""

    hr: Size
    lr: Size
    part: Part
    """Of the LR picture."""

    @property
    def near(self) -> bool:
        """Whether one Haar transform is enough."""
        return 2 * self.lr[0] >= self.hr[0] and 2 * self.lr[1] >= self.hr[1]

    @property
    def factor(self) -> int:
        """Rows and columns of the grid for every LR pixel."""
        return 2 if self.near else 4

    @property
    def grid(self) -> Size:
        """Size of the grid that the picture is resampled to."""
        return self.factor * self.lr[0], self.factor * self.lr[1]


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
        self.reach = 4 * self._halo()

    def split(self, hr: Tensor, size: Size | None = None) -> Split:
        """HR (B, 3, H, W) -> LR (B, 3, h, w) of `size`, no payload, what is left out. Raises UsageError without."""
        if size is None:
            raise UsageError("A network of any scale needs the size of the LR picture.")
        low, detail = self._take_apart(hr, size)
        state = self._encode(low, detail, _Frame(_size(hr), size, whole(size)))
        return Split(state[:, :LR_CHANNELS], None, state[:, LR_CHANNELS:])

    def upscale(
        self, lr: Tensor, payload: Tensor | None = None, *, latent: Tensor | None = None, size: Size | None = None
    ) -> Tensor:
        """LR (B, 3, h, w) and what was left out (zero for None) -> HR (B, 3, H, W) of `size`. Raises UsageError."""
        del payload
        if size is None:
            raise UsageError("A network of any scale needs the size of the HR picture.")
        frame = _Frame(size, _size(lr), whole(_size(lr)))
        low, detail = self._decode(self._state(lr, latent, frame), frame)
        return self._put_together(low, detail, size)

    def downscale_part(self, read: Reader, hr: Size, lr: Size, part: Part) -> tuple[Tensor, None]:
        """See `Rescaler`; here resampling reads further than the couplings do."""
        frame = _Frame(hr, lr, part.grown(self._halo(), lr))
        if not self.settings.presplit:
            low, rest = None, read
        else:
            low, rest = self._take_low(read, frame)
        detail = resize_part(rest, hr, frame.grid, frame.part.times(frame.factor))
        state = self._encode(low, detail, frame)
        return state[:, :LR_CHANNELS, *part.within(frame.part).slices], None

    def upscale_part(
        self,
        read: Reader,
        lr: Size,
        hr: Size,
        part: Part,
        *,
        payload: Reader | None = None,
        latent: Reader | None = None,
    ) -> Tensor:
        """See `Rescaler`; `part` may be any."""
        del payload
        frame = _Frame(hr, lr, whole(lr))
        around = undo_reads(frame.grid, hr, part).over(frame.factor).grown(self._halo(), lr)
        frame = frame._replace(part=around)
        state = self._state(read(around), None if latent is None else latent(around), frame)
        low, detail = self._decode(state, frame)
        rest = undo_resize_part(reader(detail, around.times(frame.factor)), frame.grid, hr, part)
        return rest if low is None else resize_part(reader(low, around), lr, hr, part) + rest

    def working_floats(self, hr: Size, lr: Size) -> float:
        """See `Rescaler`; what counts is the grid, which has 1 to 8 pixels for every HR pixel."""
        return FLOATS_ON_GRID * prod(_Frame(hr, lr, whole(lr)).grid) / prod(hr)

    def _halo(self) -> int:
        """LR pixels that either stage reads around a pixel, resampling left out."""
        near, fine, coarse = (sum(c.reach for c in stage) for stage in (self.near, self.fine, self.coarse))  # type: ignore[misc]
        return max(int(near), int(coarse) + -(-int(fine) // 2)) + RESAMPLING_REACH

    def _encode(self, low: Tensor | None, detail: Tensor, frame: _Frame) -> Tensor:
        """What `_take_apart` gives -> LR and what is left out, for a part of the picture."""
        bands = self.haar(detail)
        if frame.near:
            return _forward(self.near, _join(low, bands), self._planes(frame, 1, detail))
        bands = _forward(self.fine, bands, self._fine_planes(low, frame, bands))
        return _forward(self.coarse, _join(low, self.haar(bands)), self._planes(frame, 1, detail))

    def _decode(self, state: Tensor, frame: _Frame) -> tuple[Tensor | None, Tensor]:
        """Undo `_encode`."""
        stage = self.near if frame.near else self.coarse
        low, bands = self._unjoin(_inverse(stage, state, self._planes(frame, 1, state)))
        if not frame.near:
            bands = self.haar.inverse(bands)
            bands = _inverse(self.fine, bands, self._fine_planes(low, frame, bands))
        return low, self.haar.inverse(bands)

    def _state(self, lr: Tensor, latent: Tensor | None, frame: _Frame) -> Tensor:
        if latent is None:
            channels = LR_CHANNELS * frame.factor**2 - (0 if self.settings.presplit else LR_CHANNELS)
            latent = lr.new_zeros(lr.shape[0], channels, *_size(lr))
        return torch.cat([lr, latent], dim=1)

    def _take_apart(self, hr: Tensor, size: Size) -> tuple[Tensor | None, Tensor]:
        """The low band (B, 3, h, w), None without `presplit`, and the rest on the grid."""
        grid = _Frame(_size(hr), size, whole(size)).grid
        if not self.settings.presplit:
            return None, resize(hr, grid)
        low = resize(hr, size)
        return low, resize(hr - resize(low, _size(hr)), grid)

    def _put_together(self, low: Tensor | None, detail: Tensor, size: Size) -> Tensor:
        """Undo `_take_apart`."""
        rest = undo_resize(detail, size)
        return rest if low is None else resize(low, size) + rest

    def _take_low(self, read: Reader, frame: _Frame) -> tuple[Tensor, Reader]:
        """A part of the low band, and how to read what is left of the picture without it."""

        def low(part: Part) -> Tensor:
            return resize_part(read, frame.hr, frame.lr, part)

        def rest(part: Part) -> Tensor:
            return read(part) - resize_part(low, frame.lr, frame.hr, part)

        return low(frame.part), rest

    def _fine_planes(self, low: Tensor | None, frame: _Frame, like: Tensor) -> Tensor | None:
        planes = self._planes(frame, 2, like)
        if low is None:
            return planes
        context = resize(low, (2 * low.shape[-2], 2 * low.shape[-1]))
        return context if planes is None else torch.cat([planes.expand(low.shape[0], -1, -1, -1), context], dim=1)

    def _planes(self, frame: _Frame, factor: int, like: Tensor) -> Tensor | None:
        """Position planes of a grid of `factor` rows and columns for every LR pixel."""
        grid = factor * frame.lr[0], factor * frame.lr[1]
        return position_planes(frame.hr, grid, like, frame.part.times(factor)) if self.settings.position else None

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


def _size(x: Tensor) -> Size:
    return x.shape[-2], x.shape[-1]
