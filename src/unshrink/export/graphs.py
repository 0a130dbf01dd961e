"""What is exported: either direction of a network as one function of tensors, rounding and clamping included."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn

from unshrink.models.rescaler import Rescaler
from unshrink.nn.haar import Mixing
from unshrink.nn.invertible import Invertible


class DownGraph(nn.Module):
    """HR (B, 3, H, W) in [0, 1] -> what a file holds, then the same as it was before rounding.

    Without a payload: LR and raw LR, both (B, 3, H/s, W/s). With one: LR, payload, raw LR, raw payload. LR is whole
    multiples of 1 / 255, the payload what its kind rounds it to. Where the LR's pixels embed planes, those are more
    channels of the raw LR.
    """

    def __init__(self, model: Rescaler) -> None:
        super().__init__()
        self.model = with_constants(model)

    def forward(self, hr: Tensor) -> tuple[Tensor, ...]:
        """Shrink a batch of pictures; H and W are multiples of the scale."""
        scale, (height, width) = self.model.scale or 1, hr.shape[-2:]
        placed = self.model.at((height, width), (height // scale, width // scale))
        parts = placed.split(hr, latent=False)
        kept = placed.rounded(parts)
        raw = parts.lr if parts.planes is None else torch.cat([parts.lr, parts.planes], dim=1)
        if parts.payload is None or kept.payload is None:
            return kept.lr, raw
        return kept.lr, kept.payload, raw, parts.payload


class UpGraph(nn.Module):
    """LR (B, 3, h, w) in [0, 1], and the payload where there is one, -> HR (B, 3, h*s, w*s), clamped to [0, 1]."""

    def __init__(self, model: Rescaler) -> None:
        super().__init__()
        self.model = with_constants(model)

    def forward(self, lr: Tensor, payload: Tensor | None = None) -> Tensor:
        """Restore a batch of pictures, with a latent of zero."""
        return self.model.upscale(lr, payload).clamp(0.0, 1.0)


class _ConstantMixing(Invertible):
    """`Mixing` with its matrix and the inverse of that as constants: no format for networks can invert a matrix."""

    def __init__(self, mixing: Mixing) -> None:
        super().__init__()
        self.factor = mixing.factor
        self.register_buffer("mix", mixing.matrix.detach().clone())
        self.register_buffer("unmix", torch.linalg.inv(mixing.matrix.detach().double()).float())

    def forward(self, x: Tensor) -> Tensor:
        squares = nn.functional.pixel_unshuffle(x, self.factor)
        squares = squares.reshape(x.shape[0], x.shape[1], self.factor**2, *squares.shape[-2:])
        return torch.einsum("ij,bcjhw->bichw", self.mix, squares).flatten(1, 2)

    def inverse(self, y: Tensor) -> Tensor:
        bands = y.reshape(y.shape[0], self.factor**2, -1, *y.shape[-2:])
        squares = torch.einsum("ij,bjchw->bcihw", self.unmix, bands).flatten(1, 2)
        return nn.functional.pixel_shuffle(squares, self.factor)


def with_constants(model: Rescaler) -> Rescaler:
    """A copy of `model` that computes nothing from its parameters alone at run time."""
    model = copy.deepcopy(model)
    for parent in list(model.modules()):
        for name, child in parent.named_children():
            if isinstance(child, Mixing):
                setattr(parent, name, _ConstantMixing(child))
    return model
