"""Reversible back-propagation: a chain's gradients without keeping what its links computed on the way.

A bijection's input follows from its output. So going forward only the last output is kept; going back, each link's
input is recomputed from its output and the link is run once more to get its gradients. Memory is that of one link
whatever the depth; the cost is one more pass in each direction. Source of the idea: Gomez et al., "The Reversible
Residual Network", NeurIPS 2017.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

Map = Callable[[Tensor], Tensor]


class Step(NamedTuple):
    """One link of a chain, in the direction in which it is run."""

    do: Map
    undo: Map
    parameters: tuple[nn.Parameter, ...]


def run_recomputed(steps: Sequence[Step], x: Tensor) -> Tensor:
    """The steps one after the other on x, with autograd's gradients up to rounding, for x and for all parameters."""
    return _Recomputed.apply(steps, x, *(parameter for step in steps for parameter in step.parameters))  # type: ignore[no-any-return,no-untyped-call]


class _Recomputed(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, steps: Sequence[Step], x: Tensor, *parameters: Tensor) -> Tensor:
        del parameters
        ctx.steps = steps
        kind = x.device.type
        ctx.autocast = (kind, torch.get_autocast_dtype(kind), torch.is_autocast_enabled(kind))
        for step in steps:
            x = step.do(x)
        ctx.save_for_backward(x)
        return x

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        (y,), gradient = ctx.saved_tensors, gradients[0]
        kind, dtype, enabled = ctx.autocast
        found: list[Tensor | None] = []
        with torch.autocast(kind, dtype, enabled=enabled):
            for step in reversed(ctx.steps):
                with torch.no_grad():
                    x = step.undo(y)
                gradient, *own = _gradients(step, x, gradient)
                found = [*own, *found]
                y = x.detach()
        return None, gradient, *found


def _gradients(step: Step, x: Tensor, gradient: Tensor) -> tuple[Tensor, ...]:
    """Of x and of the step's parameters, from that of its output."""
    with torch.enable_grad():
        x.requires_grad_()
        return torch.autograd.grad(step.do(x), (x, *step.parameters), gradient)
