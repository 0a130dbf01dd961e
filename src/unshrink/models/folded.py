"""IRN-Q: an IRN that carries the best of what it leaves out in the residues of the LR picture's own pixels (ours)."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

import torch
from torch import Tensor, nn

from unshrink.models.auxiliary import store_plane
from unshrink.models.base import Rescaler, Size, Split
from unshrink.models.bijection import LR_CHANNELS, measure_reach, require_multiple, state_floats, with_zeros
from unshrink.models.irn import LevelSettings, build_links, count_channels
from unshrink.models.symbols import GAIN, Symbols, planes_of, read_low, write_low
from unshrink.nn.coupling import TwinCoupling
from unshrink.nn.invertible import Chain
from unshrink.nn.quantise import quantise


@dataclass(frozen=True)
class FoldedSettings:
    """Everything that decides the shape of an IRN-Q."""

    levels: tuple[LevelSettings, ...] = (LevelSettings(),)
    """Finest first; the scale is the product of their factors."""
    clamp: float = 1.0
    """The largest log-scale of a coupling."""
    planes: tuple[int, ...] = (64,)
    """For each plane that is carried, how many symbols it tells apart; their product is at most that of the steps."""
    steps: tuple[int, ...] = (4, 4, 4)
    """For red, green and blue, how many levels apart those are that mean the same; half of it is a pixel's error."""
    gain: float = GAIN
    """What the planes' channels are multiplied with before the sigmoid."""
    payload: bool = False
    """Whether a plane of 8 bits stands beside the picture too, as in IRN-A."""

    @property
    def scale(self) -> int:
        """HR pixels per LR pixel along each axis."""
        return prod(level.factor for level in self.levels)


class IRNQ(Rescaler):
    """A bijection between an HR picture and an LR picture, P planes of symbols, perhaps a payload, and a latent z.

        x (B, 3, H, W) <-> y (B, 3, H/s, W/s), planes (B, P, H/s, W/s), payload (B, 1, H/s, W/s), z (B, C, H/s, W/s)

    As IRN-A's plane (Yin et al., ICASSP 2023), the planes are low channels of every coupling, pass through a sigmoid
    and are rounded, here to few symbols. But no file carries them: each LR pixel moves to the nearest colour whose
    residues say its symbols (`nn.fold`). So an ordinary RGB picture is all there is, and the planes come back exactly,
    while detail that is added to pixels has to be told from their texture. With `payload` IRN-A's own plane of 8 bits
    comes on top ("IRN-QA"). z = 0 when restoring. All this but the couplings and IRN-A's plane is our design.
    """

    scale: int

    def __init__(self, settings: FoldedSettings) -> None:
        super().__init__()
        self.settings = settings
        self.scale: int = settings.scale
        self.symbols = Symbols(settings.planes, settings.steps)
        self.low = LR_CHANNELS + len(settings.planes) + int(settings.payload)
        """Channels that every coupling takes for low ones."""
        self.chain = Chain(build_links(settings.levels, settings.clamp, low=self.low))
        self.reach = measure_reach(self.chain)
        self.pitch = self.symbols.pitch
        self.floats = state_floats(count_channels(settings.levels), settings.scale)

    @property
    def latent_channels(self) -> int:
        """Channels of z, the downscaling latent's among them."""
        return count_channels(self.settings.levels) - self.low

    def split(self, hr: Tensor, size: Size | None = None) -> Split:
        """HR (B, 3, H, W) -> LR (B, 3, H/s, W/s) as it is before it carries anything, payload, z, planes in [0, 1]."""
        del size
        require_multiple(hr, self.scale)
        state = self.chain(hr)
        lr, planes, payload = self._read_low(state)
        return Split(lr, payload, state[:, self.low :], planes)

    def downscale(self, hr: Tensor, size: Size | None = None) -> tuple[Tensor, Tensor | None]:
        """HR -> the LR picture that carries the planes, in whole multiples of 1 / 255, and the payload."""
        del size
        require_multiple(hr, self.scale)
        lr, planes, payload = self._read_low(self.chain.head(hr, self.low))
        return self.symbols.carry(lr, planes), payload

    def upscale(
        self, lr: Tensor, payload: Tensor | None = None, *, latent: Tensor | None = None, size: Size | None = None
    ) -> Tensor:
        """LR (B, 3, h, w), in whole multiples of 1 / 255, payload and z -> HR (B, 3, h*s, w*s).

        None is 1/2 for the payload, where the sigmoid is centred, and zero for z.
        """
        del size
        return self._restore(lr, self.symbols.carried(lr), payload, latent)

    def rounded(self, parts: Split, size: Size | None = None) -> Split:
        """`parts` as a file gives them back: the LR picture carries the planes, and those are rounded to symbols."""
        del size
        planes = planes_of(parts)
        lr = quantise(self.symbols.carry(parts.lr, planes))
        return parts._replace(lr=lr, payload=self.stored(parts.payload), carried=self.symbols.rounded(planes))

    def join(self, parts: Split, *, latent: Tensor | None = None, size: Size | None = None) -> Tensor:
        """The inverse of `split`: takes the planes from `parts`, not from the pixels of the LR picture."""
        del size
        return self._restore(parts.lr, planes_of(parts), parts.payload, latent)

    def carry(self, lr: Tensor, planes: Tensor | None, size: Size | None = None) -> Tensor:
        """See `Symbols.carry`."""
        del size
        return lr if planes is None else self.symbols.carry(lr, planes)

    def carried(self, lr: Tensor, size: Size | None = None) -> Tensor:
        """See `Symbols.carried`."""
        del size
        return self.symbols.carried(lr)

    def precise(self) -> Sequence[nn.Module]:
        """At x2, what the last coupling adds to LR and planes: in bfloat16 it moves pixels to other symbols' values."""
        last = self.chain.links[-1]
        return [last.f] if self.scale == 2 and isinstance(last, TwinCoupling) else []

    def stored(self, payload: Tensor | None) -> Tensor | None:
        """The payload in 8 bits, as IRN-A's."""
        return None if payload is None else store_plane(payload)

    def _read_low(self, state: Tensor) -> tuple[Tensor, Tensor, Tensor | None]:
        """The state's low channels as LR, planes and payload."""
        lr, planes = read_low(state[:, : self.low], self.settings.gain)
        beside = planes[:, len(self.settings.planes) :] if self.settings.payload else None
        return lr, planes[:, : len(self.settings.planes)], beside

    def _restore(self, lr: Tensor, planes: Tensor, payload: Tensor | None, latent: Tensor | None) -> Tensor:
        every = planes if payload is None else torch.cat([planes, payload], dim=1)
        low = write_low(lr, every, self.settings.gain)
        low = with_zeros(low, self.low - low.shape[1])
        state = with_zeros(low, self.latent_channels) if latent is None else torch.cat([low, latent], dim=1)
        return self.chain.inverse_(state)
