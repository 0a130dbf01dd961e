"""The training objective: how far the restoration is from HR, LR from its guide, and z from its distribution."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from unshrink.errors import UsageError
from unshrink.models.placed import Split, latent_of
from unshrink.models.rescaler import Rescaler
from unshrink.train.draws import randn
from unshrink.train.methods import LATENT_LOSSES
from unshrink.train.recipe import ObjectiveSettings

LUMA = (65.481 / 255, 128.553 / 255, 24.966 / 255)
CHARBONNIER = 1e-6
Perceive = Callable[[Tensor, Tensor], Tensor]
"""HR and restored -> how far they look apart, weighted, a scalar; see `train.perceptual`."""


@dataclass(frozen=True)
class Losses:
    """The terms of one step, each a scalar before its weight."""

    total: Tensor
    """The weighted sum; what is minimised."""
    reconstruction: Tensor
    guide: Tensor
    latent: Tensor
    perceptual: Tensor
    """With its weights already."""
    restored: Tensor
    """(B, 3, H, W), for a critic to learn from."""
    sigma: float | None = None
    """Where the dial stood; None where there is none."""

    def averaged(self, mean: Callable[[list[Tensor]], list[Tensor]]) -> Losses:
        """The same with the scalars that `mean` gives for them."""
        terms = [self.total, self.reconstruction, self.guide, self.latent, self.perceptual]
        total, reconstruction, guide, latent, perceptual = mean([term.detach() for term in terms])
        return Losses(total, reconstruction, guide, latent, perceptual, self.restored, self.sigma)


def measure_losses(
    model: Rescaler,
    hr: Tensor,
    guide: Tensor,
    settings: ObjectiveSettings,
    generator: torch.Generator,
    perceive: Perceive | None = None,
) -> Losses:
    """Down, quantise, up, and compare. hr (B, 3, H, W) and guide (B, 3, H/s, W/s), both in [0, 1].

    The inverse sees the quantised LR and a fresh z of standard deviation `latent_noise`. With `sigmas`, one is drawn:
    it multiplies z and what `perceive` gives, and 1 - sigma the reconstruction. Sources of the terms: Xiao et al., ECCV
    2020; sigma: Pan, ICASSP 2022; means, the root mean square and the luma share are our design.
    """
    if settings.random_latent:
        return _special(model, hr, generator)
    placed = model.at(_size(hr), _size(guide))
    parts = placed.split(hr)
    latent = latent_of(parts)
    sigma = _draw_sigma(settings, generator)
    drawn = _draw(model, latent, settings.latent_noise * (1 if sigma is None else sigma), generator)
    restored = placed.join(placed.rounded(parts), drawn)
    reconstruction = _reconstruction(hr, restored, settings)
    guided = _guide(parts.lr - guide, settings)
    prior = _reduce(latent.square(), settings) if settings.latent_weight else hr.new_zeros(())
    total = _fidelity(sigma, settings) * reconstruction
    total = total + settings.guide_weight * guided + settings.latent_weight * prior
    penalty, perceived = _penalty(model, parts, settings), _perceived(perceive, hr, restored, sigma)
    for term in (penalty, perceived):
        total = total if term is None else total + term
    seen = hr.new_zeros(()) if perceived is None else perceived.detach()
    return Losses(total, reconstruction.detach(), guided.detach(), prior.detach(), seen, restored.detach(), sigma)


def _special(model: Rescaler, hr: Tensor, generator: torch.Generator) -> Losses:
    """The loss that only networks with an autoencoder have."""
    loss = LATENT_LOSSES.get(type(model))
    if loss is None:
        raise UsageError(f"{type(model).__name__} has no autoencoder that random_latent could train.")
    error, none = loss(model, hr, generator), hr.new_zeros(())
    return Losses(error, none, none, error.detach(), none, hr)


def _draw_sigma(settings: ObjectiveSettings, generator: torch.Generator) -> float | None:
    if not settings.sigmas:
        return None
    return settings.sigmas[int(torch.randint(len(settings.sigmas), (1,), generator=generator))]


def _draw(model: Rescaler, latent: Tensor, deviation: float, generator: torch.Generator) -> Tensor | None:
    if not deviation:
        return None
    return model.draw(randn(*latent.shape, generator=generator).to(latent.device), deviation)


def _fidelity(sigma: float | None, settings: ObjectiveSettings) -> float:
    """The weight of the reconstruction."""
    return settings.reconstruction_weight * (1 if sigma is None else 1 - (1 - settings.sigma_floor) * sigma)


def _penalty(model: Rescaler, parts: Split, settings: ObjectiveSettings) -> Tensor | None:
    """What the method adds, weighted; None for nothing."""
    return settings.penalty_weight * model.penalty(parts) if settings.penalty_weight else None


def _perceived(perceive: Perceive | None, hr: Tensor, restored: Tensor, sigma: float | None) -> Tensor | None:
    """How far the two look apart, weighted; None where it does not count."""
    if perceive is None or sigma == 0:
        return None
    return (1 if sigma is None else sigma) * perceive(hr, restored)


def _guide(error: Tensor, settings: ObjectiveSettings) -> Tensor:
    return _reduce(error.abs() if settings.guide == "l1" else error.square(), settings)


def _size(x: Tensor) -> tuple[int, int]:
    return x.shape[-2], x.shape[-1]


def luma(x: Tensor) -> Tensor:
    """The luma of x (B, 3, H, W), without its offset, as (B, 1, H, W); BT.601 studio range, as the protocol's Y."""
    return (x * x.new_tensor(LUMA).view(3, 1, 1)).sum(1, keepdim=True)


def _reconstruction(hr: Tensor, restored: Tensor, settings: ObjectiveSettings) -> Tensor:
    error = hr - restored
    loss = _distance(error, settings)
    if not settings.luma_weight:
        return loss
    return (1 - settings.luma_weight) * loss + settings.luma_weight * _distance(luma(error), settings)


def _distance(error: Tensor, settings: ObjectiveSettings) -> Tensor:
    kind = settings.reconstruction
    if kind == "rms":
        return (error.square().mean((1, 2, 3)) + CHARBONNIER).sqrt().mean()
    if kind == "charbonnier":
        return _reduce((error.square() + CHARBONNIER).sqrt(), settings)
    return _reduce(error.abs() if kind == "l1" else error.square(), settings)


def _reduce(values: Tensor, settings: ObjectiveSettings) -> Tensor:
    return values.sum() / values.shape[0] if settings.reduction == "sum" else values.mean()
