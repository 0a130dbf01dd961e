"""Begin a network with more low channels with what one with fewer has learnt: a good start, not the same function."""

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from unshrink.errors import WeightsError
from unshrink.models.chain import ChainRescaler
from unshrink.models.irn import IRN, IRNSettings
from unshrink.models.planes import LR_CHANNELS
from unshrink.nn.augment import Augment
from unshrink.nn.coupling import TwinCoupling
from unshrink.nn.haar import Haar
from unshrink.nn.invertible import Chain
from unshrink.nn.subnets import ResidualSubnet
from unshrink.train.grow import grow


@torch.no_grad()
def adapt(plain: ChainRescaler, target: ChainRescaler) -> None:
    """Write the weights of `plain` into `target`, in place; of an IRN, the levels of `target` may be larger ones.

    With IRN-A's split after the network both then compute the same, and the payload adds to it. Else what read or wrote
    the high channels that are low ones now is lost, and they pass unchanged at first; with as many low channels in
    both, nothing is lost. Raises WeightsError where `plain` cannot grow to those levels, or its couplings are no twins
    of residual sub-networks.
    """
    bare = plain.symbols is None and plain.payload is None
    source = _grown(plain, target) if bare else plain
    if source.settings.levels != target.settings.levels:
        raise WeightsError("These weights are of a network of other levels; take those of an IRN, which may grow.")
    moved = target.low - source.low
    if moved < 0:
        raise WeightsError("These weights are of a network with more low channels; take others.")
    if moved == 0:
        target.chain.load_state_dict(source.chain.state_dict())
    else:
        _adapt_couplings(source.chain, target.chain, source.low, moved)


def _grown(plain: ChainRescaler, target: ChainRescaler) -> IRN:
    grown = IRN(IRNSettings(target.settings.levels, target.settings.clamp)).to(next(plain.parameters()))
    if plain.settings == grown.settings:
        grown.load_state_dict(plain.state_dict())
    else:
        grow(plain, grown)
    return grown


def _adapt_couplings(old: Chain, new: Chain, low: int, moved: int) -> None:
    """The first `moved` channels after the old's `low` ones are low ones in the new, too."""
    same = [True] * LR_CHANNELS
    left = [link for link in new.links if isinstance(link, TwinCoupling)]
    for link in old.links:
        if isinstance(link, Haar):
            same = same * 4
            same[low : low + moved] = [False] * moved
        elif isinstance(link, Augment):
            same = same + [True] * link.extra
        elif isinstance(link, TwinCoupling):
            _adapt_coupling(link, left.pop(0), torch.tensor(same[low + moved :]), moved)
        else:
            raise WeightsError(f"Weights with a {type(link).__name__} cannot begin it; take a lite or dlv model's.")


def _adapt_coupling(old: TwinCoupling, new: TwinCoupling, same: Tensor, moved: int) -> None:
    """`same` (high channels of the new): which of them mean the same in both; the others start as if zero."""
    for subnet in (old.f, old.gh, new.f, new.gh):
        if not isinstance(subnet, ResidualSubnet):
            raise WeightsError("Only residual sub-networks can begin it; take the weights of a lite or dlv model.")
    keep = same.to(_weight(old.f, "head"))
    _write(new.f, "head", _weight(old.f, "head")[:, moved:] * keep[:, None, None], _bias(old.f, "head"))
    _write(new.f, "tail", _more(_weight(old.f, "tail"), 0, moved), _more(_bias(old.f, "tail"), 0, moved))
    _write(new.gh, "head", _more(_weight(old.gh, "head"), 1, moved), _bias(old.gh, "head"))
    weights = [half[moved:] * keep[:, None, None, None] for half in _weight(old.gh, "tail").chunk(2)]
    biases = [half[moved:] * keep for half in _bias(old.gh, "tail").chunk(2)]
    _write(new.gh, "tail", torch.cat(weights), torch.cat(biases))
    for source, target in ((old.f, new.f), (old.gh, new.gh)):
        inner = {key: value for key, value in source.state_dict().items() if key.startswith("pairs.")}
        target.load_state_dict(inner, strict=False)


def _more(x: Tensor, axis: int, channels: int) -> Tensor:
    """x with so many more channels along `axis`, all zero."""
    return pad(x, (0, 0) * (x.ndim - 1 - axis) + (0, channels))


def _weight(subnet: nn.Module, end: str) -> Tensor:
    return subnet.get_parameter(f"{end}.weight")


def _bias(subnet: nn.Module, end: str) -> Tensor:
    return subnet.get_parameter(f"{end}.bias")


def _write(subnet: nn.Module, end: str, weight: Tensor, bias: Tensor) -> None:
    _weight(subnet, end).copy_(weight)
    _bias(subnet, end).copy_(bias)
