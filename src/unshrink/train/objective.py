"""The training objective: how far the restoration is from HR, LR from its guide, and z from its distribution."""

from dataclasses import dataclass

import torch
from torch import Tensor

from unshrink.models.base import Rescaler
from unshrink.nn.quantise import quantise
from unshrink.train.recipe import ObjectiveSettings

LUMA = (65.481 / 255, 128.553 / 255, 24.966 / 255)
CHARBONNIER = 1e-6


@dataclass(frozen=True)
class Losses:
    """The terms of one step, each a scalar before its weight."""

    total: Tensor
    """The weighted sum; what is minimised."""
    reconstruction: Tensor
    guide: Tensor
    latent: Tensor


def measure_losses(
    model: Rescaler, hr: Tensor, guide: Tensor, settings: ObjectiveSettings, generator: torch.Generator
) -> Losses:
    """Down, quantise, up, and compare. hr (B, 3, H, W) and guide (B, 3, H/s, W/s), both in [0, 1].

    The inverse sees the quantised LR and a fresh z of standard deviation `latent_noise`. Source of the terms: Xiao et
    al., ECCV 2020; the mean reduction and the luma share are our design.
    """
    parts = model.split(hr, _size(guide))
    drawn = _draw(parts.latent, settings.latent_noise, generator)
    restored = model.upscale(quantise(parts.lr), model.stored(parts.payload), latent=drawn, size=_size(hr))
    reconstruction = _reconstruction(hr, restored, settings)
    guided = _guide(parts.lr - guide, settings)
    prior = _reduce(parts.latent.square(), settings) if settings.latent_weight else hr.new_zeros(())
    total = reconstruction + settings.guide_weight * guided + settings.latent_weight * prior
    penalty = model.penalty(parts) if settings.penalty_weight else None
    if penalty is not None:
        total = total + settings.penalty_weight * penalty
    return Losses(total, reconstruction.detach(), guided.detach(), prior.detach())


def _draw(latent: Tensor, deviation: float, generator: torch.Generator) -> Tensor | None:
    if not deviation:
        return None
    return torch.randn(latent.shape, generator=generator, device="cpu").to(latent.device) * deviation


def _guide(error: Tensor, settings: ObjectiveSettings) -> Tensor:
    return _reduce(error.abs() if settings.guide == "l1" else error.square(), settings)


def _size(x: Tensor) -> tuple[int, int]:
    return x.shape[-2], x.shape[-1]


def luma(x: Tensor) -> Tensor:
    """The luma of x (B, 3, H, W), without its offset, as (B, 1, H, W); BT.601 studio range, as the protocol's Y."""
    return (x * x.new_tensor(LUMA).view(3, 1, 1)).sum(1, keepdim=True)


def _reconstruction(hr: Tensor, restored: Tensor, settings: ObjectiveSettings) -> Tensor:
    error = hr - restored
    loss = _reduce(_distance(error, settings.reconstruction), settings)
    if not settings.luma_weight:
        return loss
    on_luma = _reduce(_distance(luma(error), settings.reconstruction), settings)
    return (1 - settings.luma_weight) * loss + settings.luma_weight * on_luma


def _distance(error: Tensor, kind: str) -> Tensor:
    if kind == "charbonnier":
        return (error.square() + CHARBONNIER).sqrt()
    return error.abs() if kind == "l1" else error.square()


def _reduce(values: Tensor, settings: ObjectiveSettings) -> Tensor:
    return values.sum() / values.shape[0] if settings.reduction == "sum" else values.mean()
