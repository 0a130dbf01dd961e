"""IRN-M: an IRN whose latent travels beside the LR picture, condensed (Yin et al., ICASSP 2023)."""

from dataclasses import dataclass, field
from typing import Literal

import torch
from torch import Tensor, nn

from unshrink.errors import UsageError
from unshrink.models.base import Rescaler, Size, Split
from unshrink.models.irn import IRN, IRNSettings
from unshrink.nn.autoencoder import (
    FACTOR,
    HALO,
    AdaptiveDecoder,
    AdaptiveEncoder,
    PlainDecoder,
    PlainEncoder,
    in_strips,
)

MOST = 127
"""The largest whole number, up or down, that a file stores for a number of S."""
GAIN = 32.0
"""Steps of S that the encoder's 1.0 is worth."""


@dataclass(frozen=True)
class MetadataSettings:
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

    settings: MetadataSettings
    grain = FACTOR

    def __init__(self, settings: MetadataSettings) -> None:
        super().__init__()
        if settings.layers not in (2, 4):
            raise UsageError(f"An autoencoder of IRN-M has 2 or 4 layers, not {settings.layers}.")
        self.settings = settings
        self.irn = IRN(settings.irn)
        self.scale: int = settings.irn.scale
        self.autoencoder = Autoencoder(settings, self.irn.latent_channels)
        self.floats = self.irn.floats + 2 * self.irn.latent_channels / self.scale**2  # z, and what S tells of it
        self.reach = self.irn.reach + self.scale * FACTOR * HALO

    @property
    def latent_channels(self) -> int:
        """Channels of z."""
        return self.irn.latent_channels

    def split(self, hr: Tensor, size: Size | None = None) -> Split:
        """HR (B, 3, H, W) -> LR, S and what S does not hold, z - z'. Raises UsageError for other sizes."""
        del size
        y, z = self.irn(hr)
        s = self.autoencoder.encode(z, y)
        return Split(y, s, z - self.autoencoder.decode(s, y))

    def downscale(self, hr: Tensor, size: Size | None = None) -> tuple[Tensor, Tensor]:
        """HR (B, 3, H, W) -> LR (B, 3, h, w) and S; spares what `split` computes besides."""
        del size
        y, z = self.irn(hr)
        return y, self.autoencoder.encode(z, y)

    def upscale(
        self, lr: Tensor, payload: Tensor | None = None, *, latent: Tensor | None = None, size: Size | None = None
    ) -> Tensor:
        """LR (B, 3, h, w), S and what it does not hold -> HR (B, 3, h*s, w*s); None is zero for either."""
        del size
        if payload is None:
            payload = lr.new_zeros(lr.shape[0], *self.payload_shape((lr.shape[-2], lr.shape[-1])))
        z = self.autoencoder.decode(payload, lr)
        return self.irn.inverse(lr, z if latent is None else z + latent)

    def stored(self, payload: Tensor | None) -> Tensor | None:
        """S rounded to steps, -127 to 127, with the identity for its gradient within; see `coarser` for training."""
        if payload is None:
            return None
        clamped = payload.clamp(-MOST, MOST)
        step = self._steps(payload) if self.training else 1.0
        return clamped + ((clamped / step).round() * step - clamped).detach()

    def _steps(self, payload: Tensor) -> Tensor:
        coarser = self.settings.coarser
        return payload.new_tensor([coarser[i % len(coarser)] for i in range(payload.shape[0])]).view(-1, 1, 1, 1)

    def payload_shape(self, size: Size) -> tuple[int, int, int]:
        """Shape of S, without the batch, for an LR picture of `size` (h, w)."""
        return self.settings.channels, -(-size[0] // FACTOR), -(-size[1] // FACTOR)

    def penalty(self, parts: Split) -> Tensor | None:
        """`error` times MSE(z, AE(z)), and `rate` times about the bits that a number of S costs."""
        error: Tensor = parts.latent.square().mean() * self.settings.error
        if parts.payload is None or not self.settings.rate:
            return error
        bits: Tensor = torch.log2(1 + parts.payload.abs()).mean()
        return error + bits * self.settings.rate


class Autoencoder(nn.Module):
    """z (B, C, h, w) <-> S (B, channels, ceil(h/4), ceil(w/4)), given y (B, 3, h, w), of any size."""

    def __init__(self, settings: MetadataSettings, latent_channels: int) -> None:
        super().__init__()
        width, layers, channels = settings.width, settings.layers, settings.channels
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
