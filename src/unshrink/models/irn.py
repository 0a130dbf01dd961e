"""IRN, the invertible rescaling network (Xiao et al., ECCV 2020 and IJCV 2022)."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

import torch
from torch import Tensor

from unshrink.models.chain import ChainRescaler
from unshrink.models.planes import LR_CHANNELS
from unshrink.nn.augment import Augment
from unshrink.nn.coupling import COUPLINGS
from unshrink.nn.haar import Haar, Mixing
from unshrink.nn.invertible import Chain, Invertible
from unshrink.nn.latent import LatentUnit
from unshrink.nn.subnets import build_subnet


@dataclass(frozen=True)
class LevelSettings:
    """One level of the network: a decomposition and the couplings after it."""

    factor: int = 2
    """2 is the Haar transform; 3 the learnable mixing."""
    blocks: int = 8
    """How many couplings."""
    width: int = 32
    """Channels inside a sub-network (a dense block's growth)."""
    depth: int = 4
    """A dense block's hidden convolutions, or a residual sub-network's pairs."""
    subnet: str = "dense"
    """Sub-network kind: "dense" is the paper's, "residual" ours."""
    coupling: str = "affine"
    """Coupling kind: "affine" is the paper's, "twin" ours."""
    augment: int = 0
    """Channels of downscaling latent that join after the decomposition (DLV-IRN); see `nn.augment`."""


@dataclass(frozen=True)
class IRNSettings:
    """Everything that decides the shape of an IRN."""

    levels: tuple[LevelSettings, ...] = (LevelSettings(),)
    """Finest first; the scale is the product of their factors."""
    clamp: float = 1.0
    """The largest log-scale of a coupling."""
    latent_unit: float = 0.0
    """Above 0, z is measured in learnt units that start at this size (see `nn.latent`), and the augmented channels tell
    the network sigma (see `IRN.draw`). For networks that draw z."""
    dial_end: float = 1.0
    """What `up --sigma 1` is to the network: less than 1 where it is most lifelike before (docs/dial.md). Trained
    weights bring it; training itself does not know it."""

    @property
    def scale(self) -> int:
        """HR pixels per LR pixel along each axis."""
        return prod(level.factor for level in self.levels)


class IRN(ChainRescaler):
    """A bijection between an HR picture and an LR picture with a latent z.

        x (B, 3, H, W) --forward--> y (B, 3, H/s, W/s), z (B, 3 * (s*s - 1), H/s, W/s) --inverse--> x

    Downscaling keeps y and drops z; upscaling takes z = 0, its mean. Source: Xiao et al., ECCV 2020; z = 0 as in
    DLV-IRN (arXiv 2207.11844), since a drawn z only adds noise to what should be restored. With augmented levels z
    holds the downscaling latent of DLV-IRN too: channels that are zero at either end, and working memory in between.
    That they enter there and so is our design; docs/ablations.md measures it.
    """

    def __init__(self, settings: IRNSettings) -> None:
        chain = Chain([*build_links(settings.levels, settings.clamp), *_unit(settings)])
        super().__init__(chain, settings.scale, channels=count_channels(settings.levels))
        self.settings = settings
        self.dial_end = settings.dial_end

    def draw(self, noise: Tensor, sigma: float) -> Tensor:
        """noise (B, C, h, w) ~ N(0, 1) -> z at `sigma`: sigma times the noise, and sigma itself in augmented channels.

        The paper's z ~ N(0, sigma) leaves the network to guess sigma from how loud the noise is, which a small one
        learns slowly; that augmented channels tell it is our design.
        """
        z = noise * sigma
        z[:, dial_channels(self.settings)] = sigma
        return z


def build_links(
    levels: Sequence[LevelSettings], clamp: float, *, low: int = LR_CHANNELS, after_first: Sequence[Invertible] = ()
) -> list[Invertible]:
    """The network's modules, HR to LR; every coupling splits the state after its first `low` channels.

    `after_first` come right after the first decomposition, and keep the number of channels.
    """
    links: list[Invertible] = []
    channels = LR_CHANNELS
    for i, level in enumerate(levels):
        channels *= level.factor**2
        links.append(Haar() if level.factor == 2 else Mixing(level.factor))
        links += after_first if i == 0 else ()
        if level.augment:
            channels += level.augment
            links.append(Augment(level.augment))
        links += [_coupling(level, channels, low, clamp) for _ in range(level.blocks)]
    return links


def _unit(settings: IRNSettings) -> list[Invertible]:
    if not settings.latent_unit:
        return []
    channels, dial = count_channels(settings.levels), dial_channels(settings)
    return [LatentUnit(channels, split=LR_CHANNELS, unit=settings.latent_unit, whole=dial)]


def dial_channels(settings: IRNSettings) -> list[int]:
    """Channels of z whose value is sigma in a draw: what an augmented channel has for its mean in every level."""
    found: list[int] = []
    channels = LR_CHANNELS
    for level in settings.levels:
        channels *= level.factor**2  # band-major, so that the means keep the places of the level before
        found += range(channels, channels + level.augment)
        channels += level.augment
    return [at - LR_CHANNELS for at in found] if settings.latent_unit else []


def count_channels(levels: Sequence[LevelSettings]) -> int:
    """Channels of the state after the last level: those of the LR picture and all others."""
    channels = LR_CHANNELS
    for level in levels:
        channels = channels * level.factor**2 + level.augment
    return channels


def _coupling(level: LevelSettings, channels: int, low: int, clamp: float) -> Invertible:
    def subnet(inputs: int, outputs: int) -> torch.nn.Module:
        return build_subnet(level.subnet, inputs, outputs, width=level.width, depth=level.depth)

    return COUPLINGS[level.coupling](channels, split=low, subnet=subnet, clamp=clamp)
