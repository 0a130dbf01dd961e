"""Judge a network on held-out pictures while it trains, without files: quick, for choices, never for reports."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

import numpy as np
import torch
from torch import Tensor

from unshrink.data.pack import Pack
from unshrink.models.rescaler import Rescaler
from unshrink.nn.quantise import quantise
from unshrink.nn.resample import resize
from unshrink.rescale.pixels import to_tensor
from unshrink.train.objective import luma

CROP = 240  # a multiple of 2, 3, 4, 6, 8
MOST = 24
ANY_SCALES = ((1.5, 1.5), (2.0, 2.0), (2.5, 2.5), (3.0, 3.0), (4.0, 4.0), (1.5, 3.0))
"""Scales along height and width at which networks of any scale are judged; their figures are averaged."""


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
    scales = ANY_SCALES if model.scale is None else ((model.scale, model.scale),)
    most = MOST if model.scale else MOST // 3
    crops = (crop for index in indices[:most] if (crop := crop_of(pack, index)) is not None)
    rows = [_measure(model, crop, scale) for crop in crops for scale in scales]
    if not rows:
        return Validation()
    return Validation(*(float(column) for column in torch.tensor(rows).mean(0)))


def _measure(model: Rescaler, hr: Tensor, scales: tuple[float, float]) -> tuple[float, float, float]:
    hr = hr.to(next(model.parameters()).device)
    small = round(CROP / scales[0]), round(CROP / scales[1])
    placed = model.at((CROP, CROP), small)
    kept = placed.rounded(placed.split(hr, latent=False))
    restored = quantise(placed.join(kept))
    edge = ceil(max(scales))
    inner = (..., slice(edge, -edge), slice(edge, -edge))
    guide = quantise(resize(hr, small))
    return (
        psnr(luma(restored - hr)[inner]),
        psnr((restored - hr)[inner]),
        psnr(luma(kept.lr - guide)),
    )


def psnr(error: Tensor) -> float:
    """PSNR in dB of an error in [-1, 1], at most 120."""
    return float(-10 * error.double().square().mean().clamp_min(1e-12).log10())


def crop_of(pack: Pack, index: int) -> Tensor | None:
    """The central crop of a picture, (1, 3, CROP, CROP) in [0, 1]; None where it is smaller."""
    picture = pack.picture(index)
    top, left = ((side - CROP) // 2 for side in picture.shape[:2])
    if top < 0 or left < 0:
        return None
    return to_tensor(np.array(picture[top : top + CROP, left : left + CROP]))
