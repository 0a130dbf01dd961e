"""IARN, one invertible network for rescaling by any factor (after Pan et al., WACV 2023)."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

import torch
from torch import Tensor, nn

from unshrink.errors import UsageError
from unshrink.models.iarn_settings import Frame, IARNSettings, StageSettings, low_channels
from unshrink.models.placed import Placed, Split, planes_of
from unshrink.models.planes import LR_CHANNELS, read_low, with_zeros, write_low
from unshrink.models.rescaler import Rescaler
from unshrink.models.symbols import Symbols
from unshrink.nn.conditioning import PLANES, position_planes
from unshrink.nn.coupling import TwinCoupling
from unshrink.nn.haar import Haar
from unshrink.nn.parts import Part, Reader, Size, reader, whole
from unshrink.nn.resample import UNDO_REACH, resize, resize_part, undo_reads, undo_resize, undo_resize_part
from unshrink.nn.subnets import ResidualSubnet

FLOATS_ON_GRID = 10.0
"""For every pixel of the grid: the grid itself and states of 3, of which transforms make new ones."""
FLOATS_OF_PLANES = 10.0
"""The same for planes that sub-networks read beside the state."""
CONTEXT_REACH = 3
"""LR pixels that bicubic enlarging of the low band reads around a pixel, and one to spare."""


class IARN(Rescaler):
    """One network for every LR size from the HR size down to a quarter of it, other along height than along width.

        x (B, 3, H, W) --> y = bicubic(x) (B, 3, h, w)                          the low band, split off first
          x - bicubic(y) --resize--> (2h, 2w) --Haar--> (B, 12, h, w)           where 2h >= H and 2w >= W
          x - bicubic(y) --resize--> (4h, 4w) --Haar, couplings, Haar--> (B, 48, h, w)                    else
        y and detail --couplings--> LR (B, 3, h, w) and latent

    Going back, the latent is zero, every step is undone, and `undo_resize` takes the grid to (H, W): the up-sampling is
    a tall matrix with a left inverse, so the cycle is invertible up to rounding. A fresh network is bicubic both ways.
    The sub-networks read position planes too, and at the finer stage the low band, which either direction knows.

    With symbols (IARN-Q, ours) further low channels are carried in the residues of the LR pixels, as by IRN-Q; how many
    levels that may move a pixel depends on the scale, since near 1 there is little to carry and much to spoil.

    One network for all scales, position-aware scale encoding and channel splitting ahead of resampling are ideas of
    Pan et al., WACV 2023; the forms here, the left inverse and the two depths are our design. Without `presplit` the
    picture itself is resampled, and its Haar low band becomes the LR.
    """

    def __init__(self, settings: IARNSettings) -> None:
        super().__init__()
        self.settings = settings
        self.scale = None
        self.haar = Haar()
        self.near_low, self.far_low = low_channels(settings.near_symbols), low_channels(settings.far_symbols)
        self._layouts = [
            [(layout.area, Symbols(layout.planes, layout.steps)) for layout in layouts]
            for layouts in (settings.near_symbols, settings.far_symbols)
        ]
        kept = LR_CHANNELS if settings.presplit else 0
        fine, coarse = settings.far
        self.near = self._stage(settings.near, kept + 12, self.near_low)
        self.fine = self._stage(fine, 12, self.far_low, context=kept)
        self.coarse = self._stage(coarse, kept + 48, self.far_low)
        if settings.near_symbols:
            self.near[-1].f.precise = True  # type: ignore[union-attr]  # as in IRN-Q

    def at(self, hr: Size, lr: Size) -> Resampled:
        """See `Rescaler`. Raises UsageError where LR is larger than HR, or no size at all."""
        if min(lr) < 1 or lr[0] > hr[0] or lr[1] > hr[1]:
            raise UsageError(f"A picture of {hr[1]}x{hr[0]} does not shrink to {lr[1]}x{lr[0]}.")
        frame = Frame(hr, lr, whole(lr))
        margin = self._margin(frame)
        low = self.near_low if frame.near else self.far_low
        every = LR_CHANNELS * frame.factor**2 + (LR_CHANNELS if self.settings.presplit else 0)
        return Resampled(
            hr=hr,
            lr=lr,
            halo=margin + -(-UNDO_REACH // frame.factor),
            floats_per_pixel=self._floats(frame),
            latent_channels=every - low,
            symbols=self._symbols(frame),
            net=self,
            frame=frame,
            margin=margin,
            low=low,
        )

    def encode(self, low: Tensor | None, detail: Tensor, frame: Frame) -> Tensor:
        """The low band, None without `presplit`, and the rest on the grid -> LR and what is left out, for a part."""
        bands = self.haar(detail)
        del detail  # the largest there is
        if frame.near:
            return _forward(self.near, _join(low, bands), self._planes(frame, 1, bands))
        bands = self.haar(_forward(self.fine, bands, self._fine_planes(low, frame, bands)))
        return _forward(self.coarse, _join(low, bands), self._planes(frame, 1, bands))

    def decode(self, state: Tensor, frame: Frame) -> tuple[Tensor | None, Tensor]:
        """The inverse of `encode`."""
        stage = self.near if frame.near else self.coarse
        low, bands = self._unjoin(_inverse(stage, state, self._planes(frame, 1, state)))
        del state  # as large as the grid
        if not frame.near:
            bands = self.haar.inverse(bands)
            bands = _inverse(self.fine, bands, self._fine_planes(low, frame, bands))
        return low, self.haar.inverse(bands)

    def _stage(self, settings: StageSettings, channels: int, low: int, context: int = 0) -> nn.ModuleList:
        """Couplings whose sub-networks read position planes where there are any, and then `context` more."""
        planes = PLANES if self.settings.position else 0

        def subnet(inputs: int, outputs: int) -> nn.Module:
            return ResidualSubnet(inputs, outputs, width=settings.width, depth=settings.depth)

        return nn.ModuleList(
            TwinCoupling(channels, split=low, planes=planes + context, subnet=subnet, clamp=self.settings.clamp)
            for _ in range(settings.blocks)
        )

    def _margin(self, frame: Frame) -> int:
        """LR pixels that the stages read around a pixel, resampling of the picture left out."""
        near, fine, coarse = (sum(c.reach for c in stage) for stage in (self.near, self.fine, self.coarse))  # type: ignore[misc]
        context = CONTEXT_REACH if self.settings.presplit else 0
        return context + (int(near) if frame.near else int(coarse) + -(-int(fine) // 2))

    def _floats(self, frame: Frame) -> float:
        """What counts is the grid, which has 1 to 8 pixels for every HR pixel."""
        planes = FLOATS_OF_PLANES if self.settings.position or self.settings.presplit else 0.0
        return (FLOATS_ON_GRID + planes) * prod(frame.grid) / prod(frame.hr)

    def _symbols(self, frame: Frame) -> Symbols | None:
        """What LR pixels carry; None for nothing."""
        layouts = self._layouts[0 if frame.near else 1]
        return next((symbols for area, symbols in reversed(layouts) if frame.area >= area), None)

    def _fine_planes(self, low: Tensor | None, frame: Frame, like: Tensor) -> Tensor | None:
        planes = self._planes(frame, 2, like)
        if low is None:
            return planes
        context = resize(low, (2 * low.shape[-2], 2 * low.shape[-1]))
        return context if planes is None else torch.cat([planes.expand(low.shape[0], -1, -1, -1), context], dim=1)

    def _planes(self, frame: Frame, factor: int, like: Tensor) -> Tensor | None:
        """Position planes of a grid of `factor` rows and columns for every LR pixel."""
        grid = factor * frame.lr[0], factor * frame.lr[1]
        return position_planes(frame.hr, grid, like, frame.part.times(factor)) if self.settings.position else None

    def _unjoin(self, state: Tensor) -> tuple[Tensor | None, Tensor]:
        return (state[:, :LR_CHANNELS], state[:, LR_CHANNELS:]) if self.settings.presplit else (None, state)


@dataclass(frozen=True, eq=False, kw_only=True)
class Resampled(Placed):
    """An IARN in its place: pictures are resampled to a grid and back, and parts of them on their own."""

    net: IARN
    frame: Frame
    """Of the whole picture."""
    margin: int
    """LR pixels that the stages read around a pixel."""
    low: int
    """Channels of the state that are LR and planes."""

    def split(self, hr: Tensor, *, latent: bool = True) -> Split:
        """See `Placed`."""
        return self._parts(self.net.encode(*self._take_apart(hr), self.frame), latent=latent)

    def join(self, parts: Split, latent: Tensor | None = None) -> Tensor:
        """See `Placed`."""
        low, detail = self.net.decode(self._state(parts, latent), self.frame)
        rest = undo_resize(detail, self.hr)
        return rest if low is None else resize(low, self.hr) + rest

    def downscale_part(self, read: Reader, part: Part) -> tuple[Tensor, None]:
        """See `Placed`; resampling reads what it needs of the HR picture itself."""
        frame = self.frame._replace(part=part.grown(self.margin, self.lr))
        low, rest = self._take_low(read, frame) if self.net.settings.presplit else (None, read)
        grid = resize_part(rest, self.hr, frame.grid, frame.part.times(frame.factor))
        parts = self._parts(self.net.encode(low, grid, frame), latent=False)
        return self.embed(parts.lr, parts.planes)[..., *part.within(frame.part).slices], None

    def upscale_part(
        self, read: Reader, part: Part, *, payload: Reader | None = None, latent: Reader | None = None
    ) -> Tensor:
        """See `Placed`; `part` may be any. Raises TypeError for a payload, for there is none."""
        if payload is not None:
            raise TypeError("a network of any scale makes no payload")
        around = undo_reads(self.frame.grid, self.hr, part).over(self.frame.factor).grown(self.margin, self.lr)
        frame = self.frame._replace(part=around)
        small = read(around)
        state = self._state(Split(small, planes=self.extract(small)), None if latent is None else latent(around))
        low, detail = self.net.decode(state, frame)
        rest = undo_resize_part(reader(detail, around.times(frame.factor)), frame.grid, self.hr, part)
        return rest if low is None else resize_part(reader(low, around), self.lr, self.hr, part) + rest

    def _parts(self, state: Tensor, *, latent: bool) -> Split:
        """A state's channels by what becomes of them."""
        left_out = state[:, self.low :] if latent else None
        if self.symbols is None:
            return Split(state[:, :LR_CHANNELS], latent=left_out)
        low = read_low(state[:, : self.low])
        return Split(low.lr, None, left_out, low.planes)

    def _state(self, parts: Split, latent: Tensor | None) -> Tensor:
        """The inverse of `_parts`, with `latent`, zero for None."""
        low = parts.lr if self.symbols is None else write_low(parts.lr, planes_of(parts))
        return with_zeros(low, self.latent_channels) if latent is None else torch.cat([low, latent], dim=1)

    def _take_apart(self, hr: Tensor) -> tuple[Tensor | None, Tensor]:
        """The low band (B, 3, h, w), None without `presplit`, and the rest on the grid."""
        if not self.net.settings.presplit:
            return None, resize(hr, self.frame.grid)
        low = resize(hr, self.lr)
        return low, resize(hr - resize(low, self.hr), self.frame.grid)

    def _take_low(self, read: Reader, frame: Frame) -> tuple[Tensor, Reader]:
        """A part of the low band, and how to read what is left of the picture without it."""

        def low(part: Part) -> Tensor:
            return resize_part(read, frame.hr, frame.lr, part)

        def rest(part: Part) -> Tensor:
            return read(part) - resize_part(low, frame.lr, frame.hr, part)

        return low(frame.part), rest


def _forward(stage: nn.ModuleList, state: Tensor, planes: Tensor | None) -> Tensor:
    """Overwrites `state` where gradients are off."""
    for coupling in stage:
        state = coupling(state, planes) if torch.is_grad_enabled() else coupling.forward_(state, planes)  # type: ignore[operator]
    return state


def _inverse(stage: nn.ModuleList, state: Tensor, planes: Tensor | None) -> Tensor:
    """Undo `_forward`; overwrites `state` where gradients are off."""
    for coupling in reversed(stage):
        undo = coupling.inverse if torch.is_grad_enabled() else coupling.inverse_
        state = undo(state, planes)  # type: ignore[operator]
    return state


def _join(low: Tensor | None, detail: Tensor) -> Tensor:
    return detail if low is None else torch.cat([low, detail], dim=1)
