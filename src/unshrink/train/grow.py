"""Begin a larger network with what a smaller one has learnt: the same function at first, with room to learn more."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from unshrink.errors import WeightsError
from unshrink.models.irn import IRN
from unshrink.nn.augment import Augment
from unshrink.nn.coupling import TwinCoupling
from unshrink.nn.subnets import ResidualSubnet


@torch.no_grad()
def grow(small: IRN, large: IRN) -> None:
    """Write `small`'s weights into `large`, in place, so that both compute the same.

    `large` may have more couplings a level, wider or deeper sub-networks and more augmented channels. What is new is
    fresh where it reads and zero where it is read, so that it changes nothing until it has learnt something. Both are made of
    twin couplings with residual sub-networks. Raises WeightsError where they are not, or `large` is the smaller one.
    """
    where = list(range(3))
    channels = 3
    for old, new in zip(_levels(small), _levels(large), strict=True):
        where = [band * channels + at for band in range(4) for at in where]
        channels = 4 * channels + new.extra
        if old.extra:
            raise WeightsError("A network with augmented channels cannot grow.")
        for i, coupling in enumerate(new.couplings):
            if i < len(old.couplings):
                _grow_coupling(old.couplings[i], coupling, where, channels)


class _Level:
    def __init__(self) -> None:
        self.extra = 0
        self.couplings: list[TwinCoupling] = []


def _levels(model: IRN) -> list[_Level]:
    levels: list[_Level] = []
    for link in model.chain.links:
        if getattr(link, "factor", 1) > 1:
            levels.append(_Level())
        elif isinstance(link, Augment):
            levels[-1].extra = link.extra
        elif isinstance(link, TwinCoupling):
            levels[-1].couplings.append(link)
    return levels


def _grow_coupling(old: TwinCoupling, new: TwinCoupling, where: Sequence[int], channels: int) -> None:
    low = list(range(old.split))
    high = [at - old.split for at in where[old.split :]]
    both = high + [at + channels - old.split for at in high]
    _grow_subnet(old.f, new.f, high, low)
    _grow_subnet(old.gh, new.gh, low, both)


def _grow_subnet(old: nn.Module, new: nn.Module, inputs: Sequence[int], outputs: Sequence[int]) -> None:
    if not (isinstance(old, ResidualSubnet) and isinstance(new, ResidualSubnet)):
        raise WeightsError("Only residual sub-networks can grow.")
    inside = list(range(old.head.out_channels))
    _embed(old.head, new.head, inputs, inside)
    _embed(old.tail, new.tail, inside, outputs)
    for i, pair in enumerate(new.pairs):
        if i < len(old.pairs):
            _embed(old.pairs[i].first, pair.first, inside, inside)
            _embed(old.pairs[i].second, pair.second, inside, inside)
        else:
            pair.second.weight.zero_()


def _embed(old: nn.Conv2d, new: nn.Conv2d, inputs: Sequence[int], outputs: Sequence[int]) -> None:
    """Old outputs read old inputs as before and new inputs not at all."""
    rows = torch.tensor(outputs)
    block: Tensor = new.weight.new_zeros(len(outputs), *new.weight.shape[1:])
    block[:, list(inputs)] = old.weight
    new.weight[rows] = block
    if old.bias is not None and new.bias is not None:
        new.bias[rows] = old.bias
