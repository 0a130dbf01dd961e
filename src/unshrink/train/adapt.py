"""Begin an IRN-A with what an IRN has learnt: a good start, though not the same function."""

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from unshrink.errors import WeightsError
from unshrink.models.auxiliary import IRNA
from unshrink.models.bijection import LR_CHANNELS
from unshrink.models.irn import IRN, IRNSettings
from unshrink.nn.augment import Augment
from unshrink.nn.coupling import TwinCoupling
from unshrink.nn.haar import Haar
from unshrink.nn.subnets import ResidualSubnet
from unshrink.train.grow import grow


@torch.no_grad()
def adapt(plain: IRN, auxiliary: IRNA) -> None:
    """Write the weights of `plain` into `auxiliary`, in place; its levels may be larger ones.

    With the split after the network both then compute the same, and the payload adds to it. With the split before it,
    what read or wrote the first high channel is lost, and the payload passes unchanged at first. Raises WeightsError
    where `plain` cannot grow to those levels, or its couplings are no twins of residual sub-networks.
    """
    grown = IRN(IRNSettings(auxiliary.settings.levels, auxiliary.settings.clamp)).to(next(plain.parameters()))
    if plain.settings == grown.settings:
        grown.load_state_dict(plain.state_dict())
    else:
        grow(plain, grown)
    if auxiliary.settings.split == "post":
        auxiliary.load_state_dict(grown.state_dict())
    else:
        _adapt_couplings(grown, auxiliary)


def _adapt_couplings(plain: IRN, auxiliary: IRNA) -> None:
    same = [True] * LR_CHANNELS
    new = [link for link in auxiliary.chain.links if isinstance(link, TwinCoupling)]
    for link in plain.chain.links:
        if isinstance(link, Haar):
            same = same * 4
            same[LR_CHANNELS] = False
        elif isinstance(link, Augment):
            same = same + [True] * link.extra
        elif isinstance(link, TwinCoupling):
            _adapt_coupling(link, new.pop(0), torch.tensor(same[LR_CHANNELS + 1 :]))
        else:
            raise WeightsError(
                f"Weights with a {type(link).__name__} cannot begin an IRN-A; take a lite or dlv model's."
            )


def _adapt_coupling(old: TwinCoupling, new: TwinCoupling, same: Tensor) -> None:
    """`same` (high channels but the first): which of them mean the same in both; the others start as if zero."""
    for subnet in (old.f, old.gh, new.f, new.gh):
        if not isinstance(subnet, ResidualSubnet):
            raise WeightsError(
                "Only residual sub-networks can begin an IRN-A; take the weights of a lite or dlv model."
            )
    keep = same.to(_weight(old.f, "head"))
    _write(new.f, "head", _weight(old.f, "head")[:, 1:] * keep[:, None, None], _bias(old.f, "head"))
    _write(new.f, "tail", pad(_weight(old.f, "tail"), (0, 0, 0, 0, 0, 0, 0, 1)), pad(_bias(old.f, "tail"), (0, 1)))
    _write(new.gh, "head", pad(_weight(old.gh, "head"), (0, 0, 0, 0, 0, 1)), _bias(old.gh, "head"))
    weights = [half[1:] * keep[:, None, None, None] for half in _weight(old.gh, "tail").chunk(2)]
    biases = [half[1:] * keep for half in _bias(old.gh, "tail").chunk(2)]
    _write(new.gh, "tail", torch.cat(weights), torch.cat(biases))
    for source, target in ((old.f, new.f), (old.gh, new.gh)):
        inner = {key: value for key, value in source.state_dict().items() if key.startswith("pairs.")}
        target.load_state_dict(inner, strict=False)


def _weight(subnet: nn.Module, end: str) -> Tensor:
    return subnet.get_parameter(f"{end}.weight")


def _bias(subnet: nn.Module, end: str) -> Tensor:
    return subnet.get_parameter(f"{end}.bias")


def _write(subnet: nn.Module, end: str, weight: Tensor, bias: Tensor) -> None:
    _weight(subnet, end).copy_(weight)
    _bias(subnet, end).copy_(bias)
