"""IRN-M: an IRN whose latent travels beside the LR picture, condensed (Yin et al., ICASSP 2023)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import torch
from torch import Tensor, nn

from unshrink.errors import UsageError
from unshrink.models.chain import OnChain
from unshrink.models.irn import IRN, IRNSettings
from unshrink.models.payloads import Latent
from unshrink.models.placed import OnGrid, Split, latent_of
from unshrink.models.rescaler import Rescaler
from unshrink.nn.autoencoder import (
    FACTOR,
    HALO,
    AdaptiveDecoder,
    AdaptiveEncoder,
    PlainDecoder,
    PlainEncoder,
    in_strips,
)
from unshrink.nn.parts import Size

GAIN = 32.0
"""Steps of S that the encoder's 1.0 is worth."""


@dataclass(frozen=True)
class IRNMSettings:
    """Everything that decides the shape of an IRN-M."""

    irn: IRNSettings = field(default_factory=IRNSettings)
    """The network whose latent is kept; with augmented levels that of DLV-IRN."""
    channels: int = 4
    """Numbers of S for every 4x4 LR pixels."""
    width: int = 48
    """Channels inside encoder and decoder."""
    layers: int = 4
    """Convolutions of the encoder, 2 or 4."""
    design: Literal["paper", "adaptive"] = "adaptive"
    """The autoencoder's: "paper" sees z and S only, "adaptive" (ours) the LR picture too; see `nn.autoencoder`."""
    coarser: tuple[int, ...] = (1,)
    """In training, picture i of a batch is stored with the step times `coarser[i]`, the list repeated."""
    error: float = 1.0
    """In training, weight of MSE(z, AE(z)) in the penalty."""
    rate: float = 0.0
    """In training, weight of log2(1 + |S|), about the bits that a number of S costs, in the penalty."""


class IRNM(Rescaler):
    """An IRN, and an autoencoder that condenses its latent z into S.

        x (B, 3, H, W) --IRN--> y (B, 3, h, w), z;    z --encoder--> S (B, 4, ceil(h/4), ceil(w/4))
        y, S --decoder--> z', y --inverse IRN--> x'

    S is the payload, in steps: a file stores it rounded to whole numbers of -127 to 127. What is left out, `latent`, is
    z - z', zero on average. Without a payload S = 0. Source: Yin et al., ICASSP 2023. Ours: the autoencoder's widths,
    the number format of S, and by default an encoder and a decoder that both look at y.
    """

    settings: IRNMSettings

    def __init__(self, settings: IRNMSettings) -> None:
        super().__init__()
        if settings.layers not in (2, 4):
            raise UsageError(f"An autoencoder of IRN-M has 2 or 4 layers, not {settings.layers}.")
        self.settings = settings
        self.irn = IRN(settings.irn)
        self.scale: int = settings.irn.scale
        self.payload: Latent = Latent(settings.channels)
        self.autoencoder = Autoencoder(settings, self.irn.latent_channels)

    def at(self, hr: Size, lr: Size) -> Condensed:
        """See `Rescaler`. In training, pictures of a batch are stored as the settings say in `coarser`."""
        inner = self.irn.at(hr, lr)
        held = 2 * inner.latent_channels / self.scale**2  # z, and what S tells of it
        return Condensed(
            hr=hr,
            lr=lr,
            scale=self.scale,
            halo=FACTOR * (-(-inner.halo // FACTOR) + HALO),
            floats_per_pixel=inner.floats_per_pixel + held,
            latent_channels=inner.latent_channels,
            payload=Latent(self.settings.channels, self.settings.coarser) if self.training else self.payload,
            inner=inner,
            autoencoder=self.autoencoder,
        )

    def penalty(self, parts: Split) -> Tensor:
        """`error` times MSE(z, AE(z)), and `rate` times about the bits that a number of S costs."""
        error: Tensor = latent_of(parts).square().mean() * self.settings.error
        if parts.payload is None or not self.settings.rate:
            return error
        bits: Tensor = torch.log2(1 + parts.payload.abs()).mean()
        return error + bits * self.settings.rate


@dataclass(frozen=True, eq=False, kw_only=True)
class Condensed(OnGrid):
    """An IRN-M in its place: `inner`, whose z goes through the autoencoder."""

    inner: OnChain
    autoencoder: Autoencoder

    def split(self, hr: Tensor, *, latent: bool = True) -> Split:
        """HR (B, 3, H, W) -> LR, S and what S does not hold, z - z'. Raises UsageError for other sizes."""
        inner = self.inner.split(hr)
        y, z = inner.lr, latent_of(inner)
        s = self.autoencoder.encode(z, y)
        return Split(y, s, z - self.autoencoder.decode(s, y) if latent else None)

    def join(self, parts: Split, latent: Tensor | None = None) -> Tensor:
        """LR, S and what it does not hold -> HR; None is zero for either."""
        lr, s = parts.lr, parts.payload
        if s is None:
            s = lr.new_zeros(lr.shape[0], self.autoencoder.channels, *_coarse_size(lr))
        z = self.autoencoder.decode(s, lr)
        return self.inner.join(Split(lr), z if latent is None else z + latent)


class Autoencoder(nn.Module):
    """z (B, C, h, w) <-> S (B, channels, ceil(h/4), ceil(w/4)), given y (B, 3, h, w), of any size."""

    def __init__(self, settings: IRNMSettings, latent_channels: int) -> None:
        super().__init__()
        width, layers, channels = settings.width, settings.layers, settings.channels
        self.channels = channels
        self.encoder: nn.Module
        self.decoder: nn.Module
        if settings.design == "adaptive":
            self.encoder = AdaptiveEncoder(latent_channels, channels, width=width, layers=layers)
            self.decoder = AdaptiveDecoder(channels, latent_channels, width=width)
        else:
            self.encoder = PlainEncoder(latent_channels, channels, width=width, layers=layers)
            self.decoder = PlainDecoder(channels, latent_channels, width=width, layers=layers)

    def encode(self, z: Tensor, y: Tensor) -> Tensor:
        """S, in steps, not rounded."""
        latent, lr = _pad(z), _pad(y)

        def code(part: slice) -> Tensor:
            rows = slice(FACTOR * part.start, FACTOR * part.stop)
            s: Tensor = self.encoder(latent[..., rows, :], lr[..., rows, :])
            return GAIN * s.to(z.dtype)

        return in_strips(code, *_coarse_size(y), per_row=1)

    def decode(self, s: Tensor, y: Tensor) -> Tensor:
        """What S and y tell of z."""
        padded = _pad(y)

        def code(part: slice) -> Tensor:
            lr = padded[..., FACTOR * part.start : FACTOR * part.stop, :]
            z: Tensor = self.decoder(s[..., part, :] / GAIN, lr)
            return z.to(y.dtype)

        restored = in_strips(code, *_coarse_size(y), per_row=FACTOR)
        return restored[..., : y.shape[-2], : y.shape[-1]]


def _coarse_size(y: Tensor) -> Size:
    # Of whole numbers of 0 or more only: what is exported rounds a quotient towards zero.
    return (y.shape[-2] + FACTOR - 1) // FACTOR, (y.shape[-1] + FACTOR - 1) // FACTOR


def _pad(x: Tensor) -> Tensor:
    """x (B, C, h, w) with zeros below and right of it, up to multiples of 4."""
    return nn.functional.pad(x, (0, -x.shape[-1] % FACTOR, 0, -x.shape[-2] % FACTOR))
