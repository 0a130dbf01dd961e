"""Begin a larger network with what a smaller one has learnt: the same function at first, with room to learn more."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from unshrink.errors import WeightsError
from unshrink.models.chain import ChainRescaler
from unshrink.models.iarn import IARN
from unshrink.models.irrm import IRRM
from unshrink.models.planes import LR_CHANNELS
from unshrink.nn.augment import Augment
from unshrink.nn.coupling import Coupling, TwinCoupling
from unshrink.nn.haar import Haar
from unshrink.nn.invertible import Chain, Invertible
from unshrink.nn.latent import LatentUnit
from unshrink.nn.residual_block import ResidualDownscaling
from unshrink.nn.subnets import ResidualSubnet


@torch.no_grad()
def grow(small: ChainRescaler, large: ChainRescaler) -> None:
    """Write `small`'s weights into `large`, in place, so that both compute the same.

    `large` may have more couplings a level, wider or deeper sub-networks and augmented channels. What is new is fresh
    where it reads and zero where it is read, so that it changes nothing until it has learnt something. Both have
    the same levels of Haar transforms and couplings with residual sub-networks. Raises WeightsError otherwise, and
    where `large` is the smaller one in anything.
    """
    old_levels, new_levels = _levels(small.chain), _levels(large.chain)
    if len(old_levels) != len(new_levels):
        raise WeightsError("A network grows only into one of the same scale.")
    where, channels = list(range(LR_CHANNELS)), LR_CHANNELS
    for old, new in zip(old_levels, new_levels, strict=True):
        _require_room(old, len(new.couplings))
        where = [band * channels + at for band in range(4) for at in where]
        channels = 4 * channels + new.extra
        for i, coupling in enumerate(old.couplings):
            _grow_coupling(coupling, new.couplings[i], where, channels)


@torch.no_grad()
def grow_modules(small: IRRM, large: IRRM) -> None:
    """`grow` for residual downscaling modules: more blocks in each, or wider or deeper enhanced blocks."""
    same_skips = small.settings.short_skip and large.settings.short_skip
    if len(small.chain.links) != len(large.chain.links) or not same_skips:
        raise WeightsError("An IRRM grows only into one of the same scale, both with short skips.")
    for old, new in zip(small.chain.links, large.chain.links, strict=True):
        _grow_module(_residual_module(old), _residual_module(new))


def _residual_module(link: nn.Module) -> ResidualDownscaling:
    if not isinstance(link, ResidualDownscaling):
        raise WeightsError(f"A network with {type(link).__name__} cannot grow.")
    return link


def _grow_module(old: ResidualDownscaling, new: ResidualDownscaling) -> None:
    if len(old.blocks) > len(new.blocks) or (old.predict is None) != (new.predict is None):
        raise WeightsError("These weights are of a network with more blocks or another long skip; take others.")
    pairs = [
        pair for both in zip(old.blocks, new.blocks, strict=False) for pair in zip(*map(_subnets, both), strict=True)
    ]
    if old.predict is not None and new.predict is not None:
        pairs.append((old.predict, new.predict))
    for source, target in pairs:
        _grow_subnet(source, target, range(source.head.in_channels), range(source.tail.out_channels))


def _subnets(block: nn.Module) -> list[ResidualSubnet]:
    return [net for net in block.children() if isinstance(net, ResidualSubnet)]


@torch.no_grad()
def grow_any_scale(plain: ChainRescaler, target: IARN) -> None:
    """Give `target` what an IRN or IRN-Q of x2 (its near stage) or x4 (its far stages) has learnt, in place.

    At that scale, where the grid is the picture, `target` then computes the same. Planes are read with weights of zero
    at first. Raises WeightsError for other scales, for networks with more couplings, wider or with other low channels,
    and for a `target` that splits the picture before it is resampled, whose couplings know other channels.
    """
    if target.settings.presplit or plain.scale not in (2, 4):
        raise WeightsError("An IARN without preemptive splitting can begin with a network of x2 or x4, no other.")
    near = plain.scale == 2
    if plain.low != (target.near_low if near else target.far_low):
        raise WeightsError("These weights are of a network with other low channels; take others.")
    stages = [target.near] if near else [target.fine, target.coarse]
    for level, stage in zip(_levels(plain.chain), stages, strict=True):
        _require_room(level, len(stage))
        for old, new in zip(level.couplings, stage, strict=False):
            if not (isinstance(old, TwinCoupling) and isinstance(new, TwinCoupling)):
                raise WeightsError("Only twin couplings can begin an IARN.")
            low, high = range(old.split), range(old.f.head.in_channels)  # type: ignore[union-attr,arg-type]
            _grow_subnet(old.f, new.f, high, low)
            _grow_subnet(old.gh, new.gh, low, range(2 * len(high)))


@dataclass
class _Level:
    extra: int = 0
    couplings: list[Invertible] = field(default_factory=list)


def _levels(chain: Chain) -> list[_Level]:
    levels: list[_Level] = []
    for link in chain.links:
        if isinstance(link, Haar):
            levels.append(_Level())
        elif isinstance(link, Augment):
            levels[-1].extra = link.extra
        elif isinstance(link, Coupling | TwinCoupling) and levels:
            levels[-1].couplings.append(link)
        elif isinstance(link, LatentUnit):
            continue  # of no effect while z is 0
        else:
            raise WeightsError(f"A network with {type(link).__name__} cannot grow.")
    return levels


def _require_room(old: _Level, couplings: int) -> None:
    """Raise WeightsError where `old` has more than so many couplings, or channels that the larger one may not have."""
    if old.extra or len(old.couplings) > couplings:
        raise WeightsError("These weights are of a network with more couplings or augmented channels; take others.")


def _grow_coupling(old: Invertible, new: Invertible, where: Sequence[int], channels: int) -> None:
    """`where` are the places of the old state's channels among the new one's `channels`."""
    low = list(range(LR_CHANNELS))
    high = [at - LR_CHANNELS for at in where[LR_CHANNELS:]]
    both = high + [at + channels - LR_CHANNELS for at in high]
    if isinstance(old, TwinCoupling) and isinstance(new, TwinCoupling):
        _grow_subnet(old.f, new.f, high, low)
        _grow_subnet(old.gh, new.gh, low, both)
    elif isinstance(old, Coupling) and isinstance(new, Coupling):
        _grow_subnet(old.f, new.f, high, low)
        _grow_subnet(old.g, new.g, low, high)
        _grow_subnet(old.h, new.h, low, high)
    else:
        raise WeightsError(f"A {type(old).__name__} cannot grow into a {type(new).__name__}.")


def _grow_subnet(old: nn.Module, new: nn.Module, inputs: Sequence[int], outputs: Sequence[int]) -> None:
    if not (isinstance(old, ResidualSubnet) and isinstance(new, ResidualSubnet)):
        raise WeightsError("Only residual sub-networks can grow.")
    if old.head.out_channels > new.head.out_channels or len(old.pairs) > len(new.pairs):
        raise WeightsError("These weights are of wider or deeper sub-networks; take others.")
    inside = range(old.head.out_channels)
    _embed(old.head, new.head, inputs, inside)
    _embed(old.tail, new.tail, inside, outputs)
    for pair, source in zip(new.pairs, old.pairs, strict=False):
        for conv, conv_source in zip(pair.children(), source.children(), strict=True):
            _embed(conv_source, conv, inside, inside)
    for pair in list(new.pairs)[len(old.pairs) :]:
        list(pair.parameters())[-2].zero_()  # the second convolution's kernel: the pair starts as the identity


def _embed(old: nn.Module, new: nn.Module, inputs: Sequence[int], outputs: Sequence[int]) -> None:
    """Old outputs read old inputs as before and new inputs not at all."""
    weight, bias = (parameter.data for parameter in new.parameters())
    old_weight, old_bias = old.parameters()
    block: Tensor = weight.new_zeros(len(outputs), *weight.shape[1:])
    block[:, list(inputs)] = old_weight
    weight[list(outputs)] = block
    bias[list(outputs)] = old_bias
