"""Draw training batches: HR patches and the bicubic LR pictures that guide the network's own."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from unshrink.data.pack import Pack
from unshrink.data.synthetic import synth_tile
from unshrink.errors import UsageError
from unshrink.nn.quantise import from_levels
from unshrink.nn.resample import bicubic_down, resize

LEAST_SCALE = 1.1
"""Of what networks of any scale are trained on."""


@dataclass(frozen=True)
class PatchSettings:
    """What a batch holds."""

    batch: int = 16
    """Patches a step."""
    patch: int = 144
    """HR pixels along each side of a patch; a multiple of the scale."""
    synthetic: float = 0.0
    """Share of patches that are rendered text, line art and patterns instead of photographs, 0 to 1."""
    shrink: float = 1.0
    """Photographs are first shrunk by a factor drawn from 1 to this: small pictures have more detail a pixel."""
    candidates: int = 1
    """Places looked at for each patch from a photograph; the one with the most detail is taken."""
    holdout: int = 16
    """About one picture in this many is kept for validation; 0 keeps none."""
    largest_scale: float = 4.0
    """For networks of any scale: scales are drawn from 1.1 to this. `patch` is then the side at scale 4; smaller scales
    have smaller patches, as many pixels fewer as the scale is less."""
    scale_power: float = 2.0
    """For networks of any scale: a scale is drawn with a probability as its value to this power; 0 for all alike."""
    asymmetric: float = 0.3
    """For networks of any scale: share of steps whose scales along height and width are drawn apart."""


def draw_batch(
    pack: Pack,
    indices: Sequence[int],
    settings: PatchSettings,
    *,
    scale: int | None,
    seed: int,
    step: int,
    own: range | None = None,
) -> tuple[Tensor, Tensor]:
    """HR (B, 3, P, P) in [0, 1] and its bicubic LR (B, 3, P/s, P/s), the same for the same seed and step.

    `own` are the patches to draw, all of the batch where it is None: each depends on seed, step and its number alone,
    so that processes that share a batch read no picture that is another's.

    Each patch is cut with a margin as wide as the bicubic kernel reaches, so that its LR is what the whole picture's
    would be. Where `scale` is None the step draws its own (see `PatchSettings`), and every patch counts as a whole
    picture: the LR is the patch's own, mirrored at its edges, as a network sees it. Flips and transposes with
    p = 0.5 each. Raises UsageError where no picture is large enough.
    """
    numbers = range(settings.batch) if own is None else own
    rngs = [np.random.default_rng((seed, step, 1 + number)) for number in numbers]  # 0 would be the step's own
    if scale is None:
        return _draw_any_scale(pack, indices, settings, np.random.default_rng((seed, step)), rngs)
    margin = 2 * scale
    size = settings.patch + 2 * margin
    wide = _draw_crops(pack, indices, size, scale, settings, rngs)
    guide = bicubic_down(wide, scale)[..., 2:-2, 2:-2]
    return wide[..., margin:-margin, margin:-margin].contiguous(), guide.contiguous()


def _draw_any_scale(
    pack: Pack,
    indices: Sequence[int],
    settings: PatchSettings,
    of_step: np.random.Generator,
    rngs: Sequence[np.random.Generator],
) -> tuple[Tensor, Tensor]:
    scales = draw_scales(settings, of_step)
    mean = (scales[0] * scales[1]) ** 0.5
    side = max(8, 8 * round(settings.patch * (mean / 4) ** 0.5 / 8))
    hr = _draw_crops(pack, indices, side, 1, settings, rngs)
    return hr.contiguous(), resize(hr, (round(side / scales[0]), round(side / scales[1]))).contiguous()


def draw_scales(settings: PatchSettings, rng: np.random.Generator) -> tuple[float, float]:
    """Scales along height and width, each from 1.1 to the largest, with a probability as its `scale_power`."""
    power = settings.scale_power + 1
    low, high = LEAST_SCALE**power, settings.largest_scale**power
    first, second = (float((low + u * (high - low)) ** (1 / power)) for u in rng.random(2))
    return (first, second) if rng.random() < settings.asymmetric else (first, first)


def _draw_crops(
    pack: Pack,
    indices: Sequence[int],
    size: int,
    scale: int,
    settings: PatchSettings,
    rngs: Sequence[np.random.Generator],
) -> Tensor:
    """(B, 3, size, size) in [0, 1], one for each generator."""
    crops = [_draw_crop(pack, indices, size, scale, settings, rng) for rng in rngs]
    return from_levels(torch.from_numpy(np.stack(crops)).permute(0, 3, 1, 2))


def _draw_crop(
    pack: Pack, indices: Sequence[int], size: int, scale: int, settings: PatchSettings, rng: np.random.Generator
) -> NDArray[np.uint8]:
    if rng.random() < settings.synthetic:
        return synth_tile(rng, size)
    candidates = [_draw_photograph(pack, indices, size, scale, settings, rng) for _ in range(settings.candidates)]
    return _augment(max(candidates, key=_measure_detail), rng)


def _draw_photograph(
    pack: Pack, indices: Sequence[int], size: int, scale: int, settings: PatchSettings, rng: np.random.Generator
) -> NDArray[np.uint8]:
    picture = _draw_picture(pack, indices, size, rng)
    factor = 1.0 if settings.shrink == 1 else min(rng.uniform(1, settings.shrink), min(picture.shape[:2]) / size)
    side = round(size * factor)
    top, left = (scale * int(rng.integers((length - side) // scale + 1)) for length in picture.shape[:2])
    crop = picture[top : top + side, left : left + side]
    if side == size:
        return crop
    return np.asarray(Image.fromarray(np.ascontiguousarray(crop)).resize((size, size), Image.Resampling.LANCZOS))


def _measure_detail(crop: NDArray[np.uint8]) -> float:
    """Mean difference between neighbours of green, in levels."""
    green = crop[..., 1].astype(np.int16)
    return float(np.abs(np.diff(green, axis=0)).mean() + np.abs(np.diff(green, axis=1)).mean())


def _draw_picture(pack: Pack, indices: Sequence[int], size: int, rng: np.random.Generator) -> NDArray[np.uint8]:
    for _ in range(100):
        picture = pack.picture(indices[int(rng.integers(len(indices)))])
        if min(picture.shape[:2]) >= size:
            return picture
    raise UsageError(f"Hardly a training picture is {size} pixels wide and high; take smaller patches or other data.")


def _augment(crop: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    flip_rows, flip_columns, transpose = rng.random(3) < 0.5
    crop = crop[::-1] if flip_rows else crop
    crop = crop[:, ::-1] if flip_columns else crop
    return np.ascontiguousarray(crop.transpose(1, 0, 2) if transpose else crop)
