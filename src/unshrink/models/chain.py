"""What networks have in common that are one chain of bijections."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from unshrink.errors import UsageError
from unshrink.models.payloads import PayloadKind
from unshrink.models.placed import OnGrid, Split, planes_of
from unshrink.models.planes import LR_CHANNELS, read_low, with_zeros, write_low
from unshrink.models.rescaler import Rescaler, check_sizes
from unshrink.models.symbols import Symbols
from unshrink.nn.invertible import Chain
from unshrink.nn.parts import Size


@dataclass(frozen=True, eq=False, kw_only=True)
class OnChain(OnGrid):
    """x (B, 3, H, W) <-> y, planes, payload and z, each over (H/s, W/s), which are the chain's channels in that order.

    Planes and payload pass through a sigmoid. Going back, what is not there is zero ahead of it.
    """

    chain: Chain
    gain: float
    """What planes and payload are multiplied with before the sigmoid."""

    @property
    def kept(self) -> int:
        """Channels of everything but z."""
        return LR_CHANNELS + self._embedded + (self.payload is not None)

    @property
    def _embedded(self) -> int:
        return 0 if self.symbols is None else len(self.symbols.planes)

    def split(self, hr: Tensor, *, latent: bool = True) -> Split:
        """See `Placed`. Raises UsageError where H or W is no multiple of s."""
        require_multiple(hr, self.scale)
        state = self.chain(hr) if latent else self.chain.head(hr, self.kept)
        left_out = state[:, self.kept :] if latent else None
        if self.kept == LR_CHANNELS:
            return Split(state[:, :LR_CHANNELS], latent=left_out)
        lr, beside = read_low(state[:, : self.kept], self.gain)
        planes = None if self.symbols is None else beside[:, : self._embedded]
        payload = None if self.payload is None else beside[:, self._embedded :]
        return Split(lr, payload, left_out, planes)

    def join(self, parts: Split, latent: Tensor | None = None) -> Tensor:
        """See `Placed`. No payload is one of 1/2, where the sigmoid is centred."""
        beside = [] if self.symbols is None else [planes_of(parts)]
        beside += [] if parts.payload is None else [parts.payload]
        low = write_low(parts.lr, torch.cat(beside, dim=1), self.gain) if beside else parts.lr
        missing = self.kept - low.shape[1]
        low = with_zeros(low, missing) if missing else low
        state = with_zeros(low, self.latent_channels) if latent is None else torch.cat([low, latent], dim=1)
        return self.chain.inverse_(state)


class ChainRescaler(Rescaler):
    """A network that is one chain; see `OnChain`."""

    scale: int

    def __init__(
        self,
        chain: Chain,
        scale: int,
        *,
        channels: int,
        low: int = LR_CHANNELS,
        symbols: Symbols | None = None,
        payload: PayloadKind | None = None,
        gain: float = 1.0,
        floats: float | None = None,
    ) -> None:
        """`channels` of the last state; `low` that every coupling takes for low ones; `floats` as in `Placed`."""
        super().__init__()
        self.chain = chain
        self.scale = scale
        self.low = low
        self.symbols = symbols
        self.payload = payload
        self.gain = gain
        planes = 0 if symbols is None else len(symbols.planes)
        self.latent_channels = channels - LR_CHANNELS - planes - (payload is not None)
        self.reach = measure_reach(chain)
        self.floats = state_floats(channels, scale) if floats is None else floats

    def at(self, hr: Size, lr: Size) -> OnChain:
        """See `Rescaler`."""
        check_sizes(hr, lr, self.scale)
        return OnChain(
            hr=hr,
            lr=lr,
            scale=self.scale,
            halo=-(-self.reach // self.scale),
            floats_per_pixel=self.floats,
            latent_channels=self.latent_channels,
            symbols=self.symbols,
            payload=self.payload,
            chain=self.chain,
            gain=self.gain,
        )


def measure_reach(chain: Chain) -> int:
    """How far, in HR pixels, the inverse of `chain` reads around a pixel."""
    total, area = 0, 1
    for link in chain.links:
        area *= getattr(link, "factor", 1)
        total += area * getattr(link, "reach", 0)
    return total


def state_floats(channels: int, scale: int) -> float:
    """`Placed.floats_per_pixel` of a chain that changes its state in place: the picture, two states of `channels`.

    Two, because a transform makes a new state of the old one.
    """
    return LR_CHANNELS + 2 * channels / scale**2


def require_multiple(x: Tensor, scale: int) -> None:
    """Raise UsageError where a side of x (B, C, H, W) is no multiple of `scale`."""
    if x.shape[-2] % scale or x.shape[-1] % scale:
        raise UsageError(f"A size of {x.shape[-1]}x{x.shape[-2]} is no multiple of {scale}; pad the picture.")
