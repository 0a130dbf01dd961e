"""Muon: momentum whose update is orthogonalised, for matrices; here for convolution kernels as (out, in * 9)."""

from collections import defaultdict
from collections.abc import Iterable

import torch
from torch import Tensor

# Coefficients of the odd quintic whose five-fold iteration drives every singular value near 1 (K. Jordan, "Muon: an
# optimizer for hidden layers in neural networks", 2024).
QUINTIC = (3.4445, -4.7750, 2.0315)


def orthogonalise(matrices: Tensor, *, steps: int = 5) -> Tensor:
    """The nearest matrices with orthonormal rows (or columns), roughly: singular values end between 0.7 and 1.2.

    matrices: (N, rows, columns), any scale, float32; done by Newton-Schulz iterations, without a decomposition.
    """
    a, b, c = QUINTIC
    wide = matrices if matrices.shape[-2] <= matrices.shape[-1] else matrices.mT
    x: Tensor = wide / (wide.norm(dim=(-2, -1), keepdim=True) + 1e-12)
    for _ in range(steps):
        gram = x @ x.mT
        x = a * x + (b * gram + c * gram @ gram) @ x
    return x if matrices.shape[-2] <= matrices.shape[-1] else x.mT


class Muon(torch.optim.Optimizer):
    """Nesterov momentum, orthogonalised per kernel. Takes parameters of two or more dimensions only.

    The update of a kernel (out, in, kh, kw) is that of the matrix (out, in * kh * kw), times
    sqrt(max(1, rows / columns)), so that one rate serves all shapes. Kernels of one shape are updated together.
    """

    def __init__(self, params: Iterable[Tensor], *, lr: float, momentum: float = 0.95) -> None:
        super().__init__(params, {"lr": lr, "momentum": momentum})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """One update of every parameter that has a gradient."""
        for group in self.param_groups:
            shapes: dict[torch.Size, list[Tensor]] = defaultdict(list)
            for parameter in group["params"]:
                if parameter.grad is not None:
                    shapes[parameter.shape].append(parameter)
            for alike in shapes.values():
                self._step_alike(alike, group["lr"], group["momentum"])

    def _step_alike(self, parameters: list[Tensor], rate: float, momentum: float) -> None:
        updates = torch.stack([self._momentum(parameter, momentum).flatten(1) for parameter in parameters])
        rows, columns = updates.shape[-2:]
        scaled = orthogonalise(updates) * (-rate * max(1.0, rows / columns) ** 0.5)
        for parameter, update in zip(parameters, scaled, strict=True):
            parameter.add_(update.view(parameter.shape))

    def _momentum(self, parameter: Tensor, momentum: float) -> Tensor:
        state = self.state[parameter]
        if not state:
            state["momentum"] = torch.zeros_like(parameter)
        gradient = parameter.grad
        if gradient is None:
            raise RuntimeError("a parameter without a gradient reached Muon")
        state["momentum"].lerp_(gradient, 1 - momentum)
        return gradient.lerp(state["momentum"], momentum)
