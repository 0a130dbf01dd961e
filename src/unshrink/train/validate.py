"""Judge a network on held-out pictures while it trains, without files: quick, for choices, never for reports."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from unshrink.data.pack import Pack
from unshrink.models.base import Rescaler
from unshrink.nn.quantise import quantise
from unshrink.nn.resample import bicubic_down
from unshrink.train.objective import luma

CROP = 240  # a multiple of 2, 3, 4, 6, 8
MOST = 24


@dataclass(frozen=True)
class Validation:
    """Mean over the held-out pictures, in dB; 0 where none are held out."""

    psnr_y: float = 0.0
    """Restoration against HR, luma."""
    psnr_rgb: float = 0.0
    lr_psnr_y: float = 0.0
    """LR against bicubic, luma."""


@torch.inference_mode()
def validate(model: Rescaler, pack: Pack, indices: Sequence[int]) -> Validation:
    """Round trips of the central crop of up to 24 of the given pictures, LR and result rounded to 8 bits."""
    rows = [_measure(model, crop) for index in indices[:MOST] if (crop := _crop(pack, index)) is not None]
    if not rows:
        return Validation()
    return Validation(*(float(column) for column in torch.tensor(rows).mean(0)))


def _measure(model: Rescaler, hr: Tensor) -> tuple[float, float, float]:
    hr = hr.to(next(model.parameters()).device)
    lr, payload = model.downscale(hr)
    lr = quantise(lr)
    restored = quantise(model.upscale(lr, model.stored(payload)))
    scale = model.scale
    inner = (..., slice(scale, -scale), slice(scale, -scale))
    guide = quantise(bicubic_down(hr, scale))
    return (
        _psnr(luma(restored - hr)[inner]),
        _psnr((restored - hr)[inner]),
        _psnr(luma(lr - guide)),
    )


def _psnr(error: Tensor) -> float:
    return float(-10 * error.double().square().mean().clamp_min(1e-12).log10())


def _crop(pack: Pack, index: int) -> Tensor | None:
    picture = pack.picture(index)
    top, left = ((side - CROP) // 2 for side in picture.shape[:2])
    if top < 0 or left < 0:
        return None
    crop = torch.tensor(picture[top : top + CROP, left : left + CROP])
    return crop.permute(2, 0, 1)[None].float().div_(255)
