"""A network in its place: what it does from an HR picture of one size to an LR picture of another."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import NamedTuple

from torch import Tensor

from unshrink.models.payloads import PayloadKind
from unshrink.models.symbols import Symbols
from unshrink.nn.parts import Part, Reader, Size
from unshrink.nn.quantise import quantise


class Split(NamedTuple):
    """An HR picture taken apart."""

    lr: Tensor
    """(B, 3, h, w), not rounded, not clamped."""
    payload: Tensor | None = None
    """What a file holds beside the LR pixels, not rounded; None where the network makes nothing of the kind."""
    latent: Tensor | None = None
    """(B, C, h, w), what is left out, zero on average; None where it was not asked for."""
    planes: Tensor | None = None
    """(B, P, h, w) in [0, 1], what is to be embedded in the LR's own pixels; None for most methods."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Placed(ABC):
    """A network between pictures of two sizes.

    HR is (B, 3, H, W) in [0, 1]; LR is (B, 3, h, w). What `split` returns is not yet rounded to 8 bits: the file does
    that, and `upscale` is meant to read what the file holds.
    """

    hr: Size
    """Height and width of the HR picture, before it is padded to multiples of the scale."""
    lr: Size
    """Height and width of the LR picture."""
    halo: int
    """How far, in LR pixels, a pixel of either picture reads around itself; whole cells of the payload."""
    floats_per_pixel: float
    """Floats that stand side by side in memory for every HR pixel, at most, without gradients; what sub-networks hold
    for a tile is not counted."""
    latent_channels: int
    """Channels of what is left out."""
    symbols: Symbols | None = None
    """What the LR's pixels embed here; None for nothing."""
    payload: PayloadKind | None = None
    """What stands beside the LR pixels; None for nothing."""

    @abstractmethod
    def split(self, hr: Tensor, *, latent: bool = True) -> Split:
        """HR -> LR, payload, what is left out, planes. Without `latent`, what only that needs is not computed."""

    @abstractmethod
    def join(self, parts: Split, latent: Tensor | None = None) -> Tensor:
        """The inverse of `split` where `latent` is that of `parts`; None is its mean, zero. HR is not clamped."""

    @abstractmethod
    def downscale_part(self, read: Reader, part: Part) -> tuple[Tensor, Tensor | None]:
        """What `downscale` of the whole picture has in `part`, in LR pixels, and the payload of that.

        `read` gives any part of the HR picture, continued to multiples of the scale. `part` begins at whole cells of
        the payload. Equal to the whole's up to rounding.
        """

    @abstractmethod
    def upscale_part(
        self, read: Reader, part: Part, *, payload: Reader | None = None, latent: Reader | None = None
    ) -> Tensor:
        """What `upscale` of the whole picture has in `part`, in HR pixels.

        `read` gives any part of the LR picture, `payload` and `latent` of those, in their own pixels. `part` begins at
        whole cells of the payload.
        """

    @property
    def cell(self) -> int:
        """LR pixels along each axis that one number of the payload stands for."""
        return 1 if self.payload is None else self.payload.cell

    @property
    def steps(self) -> tuple[float, ...]:
        """Levels of 8 bits between neighbouring values of each LR channel, and then of each plane."""
        return (1.0, 1.0, 1.0) if self.symbols is None else self.symbols.pitch

    def downscale(self, hr: Tensor) -> tuple[Tensor, Tensor | None]:
        """HR -> LR, which embeds the planes where there are any, and the payload; neither is rounded otherwise."""
        parts = self.split(hr, latent=False)
        return self.embed(parts.lr, parts.planes), parts.payload

    def upscale(self, lr: Tensor, payload: Tensor | None = None, *, latent: Tensor | None = None) -> Tensor:
        """LR as a file gives it, and payload -> HR, not clamped. `latent` stands in for what was left out."""
        return self.join(Split(lr, payload, planes=self.extract(lr)), latent)

    def rounded(self, parts: Split) -> Split:
        """`parts` as a file gives them back, with the identity for the gradient of rounding."""
        lr = quantise(self.embed(parts.lr, parts.planes))
        payload = parts.payload
        if self.payload is not None and payload is not None:
            payload = self.payload.rounded(payload)
        planes = None if self.symbols is None else self.symbols.rounded(planes_of(parts))
        return parts._replace(lr=lr, payload=payload, planes=planes)

    def embed(self, lr: Tensor, planes: Tensor | None) -> Tensor:
        """The LR picture nearest to `lr` whose pixels hold `planes`; `lr` itself where there are none."""
        return lr if self.symbols is None or planes is None else self.symbols.embed(lr, planes)

    def extract(self, lr: Tensor) -> Tensor | None:
        """The inverse of `embed`: the planes that a rounded LR picture holds; None where networks embed none."""
        return None if self.symbols is None else self.symbols.extract(lr)


@dataclass(frozen=True, eq=False, kw_only=True)
class OnGrid(Placed):
    """A network of a whole-number scale: what it does to a picture it does to any part of one, whole pixels of LR."""

    scale: int

    def downscale_part(self, read: Reader, part: Part) -> tuple[Tensor, Tensor | None]:
        """See `Placed`."""
        around = part.grown(self.halo, self.lr)
        small, payload = self.downscale(read(around.times(self.scale)))
        inner = part.within(around)
        return small[..., *inner.slices], None if payload is None else payload[..., *inner.over(self.cell).slices]

    def upscale_part(
        self, read: Reader, part: Part, *, payload: Reader | None = None, latent: Reader | None = None
    ) -> Tensor:
        """See `Placed`."""
        inner = part.over(self.scale)
        around = inner.grown(self.halo, self.lr)
        made = self.upscale(
            read(around),
            None if payload is None else payload(around.over(self.cell)),
            latent=None if latent is None else latent(around),
        )
        at = inner.within(around).times(self.scale)
        return made[..., at.top : at.top + part.size[0], at.left : at.left + part.size[1]]


def planes_of(parts: Split) -> Tensor:
    """What the pixels of `parts` are to embed. Raises TypeError where that is nothing."""
    if parts.planes is None:
        raise TypeError("what embeds symbols is split into planes too")
    return parts.planes


def latent_of(parts: Split) -> Tensor:
    """What is left out of `parts`. Raises TypeError where it was not asked for."""
    if parts.latent is None:
        raise TypeError("what is left out was not asked for")
    return parts.latent
