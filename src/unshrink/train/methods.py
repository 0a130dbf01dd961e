"""What training does for one method and for no other: the only place that knows methods by name."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from unshrink.errors import WeightsError
from unshrink.models.iarn import IARN
from unshrink.models.irn import IRN
from unshrink.models.irn_a import IRNA
from unshrink.models.irn_m import IRNM
from unshrink.models.irn_q import IRNQ
from unshrink.models.irrm import IRRM
from unshrink.models.rescaler import Rescaler
from unshrink.nn.quantise import quantise
from unshrink.train.adapt import adapt
from unshrink.train.directions import aim
from unshrink.train.draws import randn
from unshrink.train.grow import grow, grow_any_scale, grow_modules


def begin(found: Rescaler, target: Rescaler) -> None:
    """Write what `found` has learnt into `target`, in place: the same network, or one that it can grow into.

    Raises WeightsError where it cannot.
    """
    if _same_tensors(found, target):
        target.load_state_dict(found.state_dict())
        return
    sources, write = BEGINNINGS[type(target)]
    if type(found) not in sources:
        raise WeightsError(f"Weights of {type(found).__name__} do not fit {type(target).__name__}; leave them out.")
    write(found, target)


def _begin_inner(found: IRN, target: IRNM) -> None:
    """An autoencoder that starts as zero leaves its network's restoration as it was."""
    begin(found, target.irn)


def _same_tensors(one: nn.Module, other: nn.Module) -> bool:
    """True where the two have tensors of the same names and shapes, whatever else their settings say."""
    shapes = [{key: tensor.shape for key, tensor in model.state_dict().items()} for model in (one, other)]
    return type(one) is type(other) and shapes[0] == shapes[1]


def autoencode(model: IRNM, hr: Tensor, generator: torch.Generator) -> Tensor:
    """Yin et al., ICASSP 2023: an autoencoder meets random z before it meets the network's."""
    with torch.no_grad():
        lr = quantise(model.irn.downscale(hr)[0])
    z = randn(lr.shape[0], model.irn.latent_channels, *lr.shape[-2:], generator=generator).to(lr.device)
    error: Tensor = (z - model.autoencoder.decode(model.autoencoder.encode(z, lr), lr)).square().mean()
    return error


BEGINNINGS: dict[type, tuple[tuple[type, ...], Callable[[Any, Any], None]]] = {
    IRN: ((IRN,), grow),
    IRNA: ((IRN, IRNA, IRNQ), adapt),
    IRNQ: ((IRN, IRNA, IRNQ), adapt),
    IRNM: ((IRN,), _begin_inner),
    IRRM: ((IRRM,), grow_modules),
    IARN: ((IRN, IRNQ), grow_any_scale),
}
"""For each method: whose weights it can begin with, and how."""
AIMS: dict[type, Callable[[Any, Any], bool]] = {IRNM: aim}
"""What looks at some pictures before training begins."""
LATENT_LOSSES: dict[type, Callable[[Any, Tensor, torch.Generator], Tensor]] = {IRNM: autoencode}
"""What `random_latent` trains."""
