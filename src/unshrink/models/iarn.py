"""IARN, one invertible network for rescaling by any factor (after Pan et al., WACV 2023)."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import torch
from torch import Tensor, nn

from unshrink.errors import UsageError
from unshrink.models.anyscale import Frame, IARNSettings, StageSettings, low_channels
from unshrink.models.base import Rescaler, Size, Split
from unshrink.models.bijection import LR_CHANNELS, with_zeros
from unshrink.models.symbols import Symbols, planes_of, read_low, write_low
from unshrink.nn.conditioning import PLANES, position_planes
from unshrink.nn.coupling import ConditionedCoupling
from unshrink.nn.haar import Haar
from unshrink.nn.parts import Part, Reader, reader, whole
from unshrink.nn.quantise import quantise
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
        self.pitch = max(
            (symbols.pitch for stage in self._layouts for _, symbols in stage), key=max, default=self.pitch
        )

    def split(self, hr: Tensor, size: Size | None = None) -> Split:
        """HR (B, 3, H, W) -> LR (B, 3, h, w) of `size`, no payload, what is left out, planes to carry if there are any.

        Raises UsageError without `size`.
        """
        if size is None:
            raise UsageError("A network of any scale needs the size of the LR picture.")
        frame = Frame(_size(hr), size, whole(size))
        return self._parts(self._encode(*self._take_apart(hr, size), frame), frame)

    def downscale(self, hr: Tensor, size: Size | None = None) -> tuple[Tensor, None]:
        """HR -> LR of `size`, which carries the planes where there are any. Raises UsageError without `size`."""
        parts = self.split(hr, size)
        return self.carry(parts.lr, parts.carried, _size(hr)), None

    def upscale(
        self, lr: Tensor, payload: Tensor | None = None, *, latent: Tensor | None = None, size: Size | None = None
    ) -> Tensor:
        """LR (B, 3, h, w) and what was left out (zero for None) -> HR (B, 3, H, W) of `size`. Raises UsageError."""
        del payload
        parts = Split(lr, None, lr[:, :0], self.carried(lr, size))
        return self.join(parts, latent=latent, size=size)

    def join(self, parts: Split, *, latent: Tensor | None = None, size: Size | None = None) -> Tensor:
        """The inverse of `split`. Raises UsageError without the HR's `size`."""
        frame = _frame_of(parts.lr, size)
        return self._put_together(*self._decode(self._state(parts, latent, frame), frame), frame.hr)

    def carry(self, lr: Tensor, planes: Tensor | None, size: Size | None = None) -> Tensor:
        """See `Symbols.carry`."""
        symbols = self._symbols(_frame_of(lr, size))
        return lr if symbols is None or planes is None else symbols.carry(lr, planes)

    def carried(self, lr: Tensor, size: Size | None = None) -> Tensor | None:
        """See `Symbols.carried`."""
        symbols = self._symbols(_frame_of(lr, size))
        return None if symbols is None else symbols.carried(lr)

    def rounded(self, parts: Split, size: Size | None = None) -> Split:
        """`parts` as a file gives them back."""
        symbols = self._symbols(_frame_of(parts.lr, size))
        if symbols is None:
            return super().rounded(parts)
        planes = planes_of(parts)
        return parts._replace(lr=quantise(symbols.carry(parts.lr, planes)), carried=symbols.rounded(planes))

    def pitch_at(self, lr: Size, size: Size) -> tuple[float, ...]:
        """See `Rescaler`."""
        symbols = self._symbols(Frame(size, lr, whole(lr)))
        return Rescaler.pitch if symbols is None else symbols.pitch

    def precise(self) -> Sequence[nn.Module]:
        """As IRN-Q's: what the near stage's last coupling adds to LR and planes."""
        return [self.near[-1].f] if self.settings.near_symbols else []  # type: ignore[list-item]

    def downscale_part(self, read: Reader, hr: Size, lr: Size, part: Part) -> tuple[Tensor, None]:
        """See `Rescaler`; here resampling reads further than the couplings do."""
        frame = Frame(hr, lr, part)
        frame = frame._replace(part=part.grown(self._margin(frame), lr))
        if not self.settings.presplit:
            low, rest = None, read
        else:
            low, rest = self._take_low(read, frame)
        grid = frame.part.times(frame.factor)
        parts = self._parts(self._encode(low, resize_part(rest, hr, frame.grid, grid), frame), frame)
        symbols = self._symbols(frame)
        small = parts.lr if symbols is None else symbols.carry(parts.lr, planes_of(parts))
        return small[..., *part.within(frame.part).slices], None

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
        frame = Frame(hr, lr, whole(lr))
        around = undo_reads(frame.grid, hr, part).over(frame.factor).grown(self._margin(frame), lr)
        frame = frame._replace(part=around)
        small, symbols = read(around), self._symbols(frame)
        parts = Split(small, None, small[:, :0], None if symbols is None else symbols.carried(small))
        drawn = None if latent is None else latent(around)
        low, detail = self._decode(self._state(parts, drawn, frame), frame)
        rest = undo_resize_part(reader(detail, around.times(frame.factor)), frame.grid, hr, part)
        return rest if low is None else resize_part(reader(low, around), lr, hr, part) + rest

    def working_floats(self, hr: Size, lr: Size) -> float:
        """See `Rescaler`; what counts is the grid, which has 1 to 8 pixels for every HR pixel."""
        planes = FLOATS_OF_PLANES if self.settings.position or self.settings.presplit else 0.0
        return (FLOATS_ON_GRID + planes) * prod(Frame(hr, lr, whole(lr)).grid) / prod(hr)

    def _stage(self, settings: StageSettings, channels: int, low: int, context: int = 0) -> nn.ModuleList:
        """Couplings whose sub-networks read position planes where there are any, and then `context` more."""
        planes = PLANES if self.settings.position else 0

        def subnet(inputs: int, outputs: int) -> nn.Module:
            return ResidualSubnet(inputs, outputs, width=settings.width, depth=settings.depth)

        return nn.ModuleList(
            ConditionedCoupling(channels, split=low, planes=planes + context, subnet=subnet, clamp=self.settings.clamp)
            for _ in range(settings.blocks)
        )

    def halo(self, hr: Size, lr: Size) -> int:
        """See `Rescaler`."""
        frame = Frame(hr, lr, whole(lr))
        return self._margin(frame) + -(-UNDO_REACH // frame.factor)

    def _margin(self, frame: Frame) -> int:
        """LR pixels that the stages read around a pixel, resampling of the picture left out."""
        near, fine, coarse = (sum(c.reach for c in stage) for stage in (self.near, self.fine, self.coarse))  # type: ignore[misc]
        context = CONTEXT_REACH if self.settings.presplit else 0
        return context + (int(near) if frame.near else int(coarse) + -(-int(fine) // 2))

    def _encode(self, low: Tensor | None, detail: Tensor, frame: Frame) -> Tensor:
        """What `_take_apart` gives -> LR and what is left out, for a part of the picture."""
        bands = self.haar(detail)
        del detail  # the largest there is
        if frame.near:
            return _forward(self.near, _join(low, bands), self._planes(frame, 1, bands))
        bands = self.haar(_forward(self.fine, bands, self._fine_planes(low, frame, bands)))
        return _forward(self.coarse, _join(low, bands), self._planes(frame, 1, bands))

    def _decode(self, state: Tensor, frame: Frame) -> tuple[Tensor | None, Tensor]:
        """Undo `_encode`."""
        stage = self.near if frame.near else self.coarse
        low, bands = self._unjoin(_inverse(stage, state, self._planes(frame, 1, state)))
        del state  # as large as the grid
        if not frame.near:
            bands = self.haar.inverse(bands)
            bands = _inverse(self.fine, bands, self._fine_planes(low, frame, bands))
        return low, self.haar.inverse(bands)

    def _parts(self, state: Tensor, frame: Frame) -> Split:
        """A state's channels by what becomes of them."""
        if self._symbols(frame) is None:
            return Split(state[:, :LR_CHANNELS], None, state[:, LR_CHANNELS:])
        count = self.near_low if frame.near else self.far_low
        low = read_low(state[:, :count])
        return Split(low.lr, None, state[:, count:], low.planes)

    def _state(self, parts: Split, latent: Tensor | None, frame: Frame) -> Tensor:
        """The inverse of `_parts`, with `latent`, zero for None."""
        low = parts.lr if parts.carried is None else write_low(parts.lr, parts.carried)
        every = LR_CHANNELS * frame.factor**2 + (LR_CHANNELS if self.settings.presplit else 0)
        return with_zeros(low, every - low.shape[1]) if latent is None else torch.cat([low, latent], dim=1)

    def _symbols(self, frame: Frame) -> Symbols | None:
        """What LR pixels carry; None for nothing."""
        layouts = self._layouts[0 if frame.near else 1]
        return next((symbols for area, symbols in reversed(layouts) if frame.area >= area), None)

    def _take_apart(self, hr: Tensor, size: Size) -> tuple[Tensor | None, Tensor]:
        """The low band (B, 3, h, w), None without `presplit`, and the rest on the grid."""
        grid = Frame(_size(hr), size, whole(size)).grid
        if not self.settings.presplit:
            return None, resize(hr, grid)
        low = resize(hr, size)
        return low, resize(hr - resize(low, _size(hr)), grid)

    def _put_together(self, low: Tensor | None, detail: Tensor, size: Size) -> Tensor:
        """Undo `_take_apart`."""
        rest = undo_resize(detail, size)
        return rest if low is None else resize(low, size) + rest

    def _take_low(self, read: Reader, frame: Frame) -> tuple[Tensor, Reader]:
        """A part of the low band, and how to read what is left of the picture without it."""

        def low(part: Part) -> Tensor:
            return resize_part(read, frame.hr, frame.lr, part)

        def rest(part: Part) -> Tensor:
            return read(part) - resize_part(low, frame.lr, frame.hr, part)

        return low(frame.part), rest

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


def _frame_of(lr: Tensor, size: Size | None) -> Frame:
    if size is None:
        raise UsageError("A network of any scale needs the size of the HR picture.")
    return Frame(size, _size(lr), whole(_size(lr)))


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


def _size(x: Tensor) -> Size:
    return x.shape[-2], x.shape[-1]
