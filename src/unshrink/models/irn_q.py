"""IRN-Q: an IRN that carries the best of what it leaves out in the residues of the LR picture's own pixels (ours)."""

from dataclasses import dataclass
from math import prod

from unshrink.models.chain import ChainRescaler
from unshrink.models.irn import LevelSettings, build_links, count_channels
from unshrink.models.payloads import Plane
from unshrink.models.planes import GAIN, LR_CHANNELS
from unshrink.models.symbols import Symbols
from unshrink.nn.coupling import TwinCoupling
from unshrink.nn.invertible import Chain


@dataclass(frozen=True)
class IRNQSettings:
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


class IRNQ(ChainRescaler):
    """A bijection between an HR picture and an LR picture, P planes of symbols, perhaps a payload, and a latent z.

        x (B, 3, H, W) <-> y (B, 3, H/s, W/s), planes (B, P, H/s, W/s), payload (B, 1, H/s, W/s), z (B, C, H/s, W/s)

    As IRN-A's plane (Yin et al., ICASSP 2023), the planes are low channels of every coupling, pass through a sigmoid
    and are rounded, here to few symbols. But nothing stands beside the picture: each LR pixel moves to the nearest
    colour whose residues say its symbols (`nn.residues`). So an ordinary RGB picture is all there is, and the planes
    come back exactly, while detail that is added to pixels has to be told from their texture. With `payload` IRN-A's
    own plane of 8 bits comes on top ("IRN-QA"). z = 0 when restoring. All this but the couplings and IRN-A's plane is
    our design.
    """

    def __init__(self, settings: IRNQSettings) -> None:
        low = LR_CHANNELS + len(settings.planes) + int(settings.payload)
        super().__init__(
            Chain(build_links(settings.levels, settings.clamp, low=low)),
            settings.scale,
            channels=count_channels(settings.levels),
            low=low,
            symbols=Symbols(settings.planes, settings.steps),
            payload=Plane() if settings.payload else None,
            gain=settings.gain,
        )
        self.settings = settings
        last = self.chain.links[-1]
        if settings.scale == 2 and isinstance(last, TwinCoupling):
            # What it adds to LR and planes in bfloat16 moves pixels to other symbols' values.
            last.f.precise = True  # type: ignore[assignment]
