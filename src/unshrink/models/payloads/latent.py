"""Planes of whole numbers of a quarter of the LR's size along each axis (Yin et al., ICASSP 2023; ours: the coding)."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from unshrink.files.latents import fit_latents, latents_decode, latents_encode
from unshrink.files.sections import LATENT_SECTION
from unshrink.models.payloads.kind import Coding, PayloadKind
from unshrink.nn.autoencoder import FACTOR
from unshrink.nn.parts import Size

MOST = 127
"""The largest whole number, up or down, that a file stores."""


@dataclass(frozen=True)
class Latent(PayloadKind):
    """(B, channels, ceil(h / 4), ceil(w / 4)), in steps."""

    channels: int
    coarser: tuple[int, ...] = (1,)
    """Picture i of a batch is rounded to multiples of `coarser[i]` steps, the list repeated: for training."""

    name: ClassVar[str] = "latent"
    section: ClassVar[str] = LATENT_SECTION
    cell: ClassVar[int] = FACTOR
    raw: ClassVar[bool] = False
    refined: ClassVar[bool] = False
    bounded: ClassVar[bool] = True
    step: ClassVar[float] = 1.0
    span: ClassVar[tuple[float, float]] = (-MOST, MOST)
    absent: ClassVar[float] = 0.0

    def rounded(self, payload: Tensor) -> Tensor:
        """Whole numbers of steps, -127 to 127, with the identity for the gradient within."""
        step = 1.0 if self.coarser == (1,) else self._steps(payload)
        clamped = payload.clamp(-MOST, MOST)
        return clamped + ((clamped / step).round() * step - clamped).detach()

    def _steps(self, payload: Tensor) -> Tensor:
        steps = [self.coarser[i % len(self.coarser)] for i in range(payload.shape[0])]
        return payload.new_tensor(steps).view(-1, 1, 1, 1)

    def encode(self, payload: Tensor, coding: Coding) -> bytes | None:
        """Entropy-coded; as finely as fits where there is a budget."""
        values = payload[0].detach().float().cpu().numpy()
        return latents_encode(values) if coding.budget is None else fit_latents(values, coding.budget)

    def decode(self, data: bytes, coding: Coding) -> Tensor:
        """See `PayloadKind`."""
        return torch.from_numpy(latents_decode(data, self.shape(coding.size), limits=coding.limits)).float()[None]

    def shape(self, size: Size) -> tuple[int, int, int]:
        """Without the batch, for an LR picture of `size` (h, w)."""
        # Of whole numbers of 0 or more only: what is exported rounds a quotient towards zero.
        return self.channels, (size[0] + FACTOR - 1) // FACTOR, (size[1] + FACTOR - 1) // FACTOR
