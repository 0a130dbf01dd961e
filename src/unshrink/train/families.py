"""What the training loop does otherwise for networks that are no rescalers: coded streams."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from math import ceil
from typing import Any

import torch
from torch import Tensor

from unshrink.data.pack import Pack
from unshrink.data.patches import draw_batch
from unshrink.models.stream import StreamNet
from unshrink.models.stream_grid import everything
from unshrink.nn.resample import resize
from unshrink.rescale.search import solve
from unshrink.rescale.stream import Shown, codec_of, encode_part
from unshrink.train.coded import TOP, embedded, fit_frequencies, measure_cost
from unshrink.train.objective import Losses, luma
from unshrink.train.recipe import ObjectiveSettings, Recipe
from unshrink.train.validate import ANY_SCALES, CROP, Validation, crop_of, psnr

FITTED = 40
"""Patches that tables of distributions are taken from."""
JUDGED = 6
"""Held-out pictures that a coded stream is judged on; each is coded several times."""
STEP = 8
"""Of the pixels that it is judged with."""


def coded_losses(
    net: StreamNet,
    hr: Tensor,
    guide: Tensor,
    settings: ObjectiveSettings,
    generator: torch.Generator,
    perceive: Callable[[Tensor, Tensor], Tensor] | None = None,
) -> Losses:
    """The losses of a coded stream in the loop's words: its error is the reconstruction's, its bits the latent's."""
    if perceive is not None:
        raise TypeError("a coded stream has no perceptual objective")
    cost = measure_cost(net, hr, guide, settings.coded, generator)
    none = hr.new_zeros(())
    return Losses(cost.total, cost.error, none, cost.bits, none, hr)


def fit_tables(net: StreamNet, pack: Pack, indices: Sequence[int], recipe: Recipe) -> None:
    """Set the tables of distributions from patches of training pictures."""
    settings = replace(recipe.data, batch=1, patch=2 * recipe.data.patch)
    seed = recipe.seed + 1
    drawn = (draw_batch(pack, indices, settings, scale=net.scale, seed=seed, step=step) for step in range(FITTED))
    fit_frequencies(net, list(drawn), recipe.objective.coded)


@torch.inference_mode()
def validate_coded(net: StreamNet, pack: Pack, indices: Sequence[int]) -> Validation:
    """Round trips of the central crops of a few pictures, in the bits that pixels of step 8 hold; not through files."""
    scales = ANY_SCALES[::2] if net.scale is None else ((float(net.scale), float(net.scale)),)
    crops = [crop for index in indices[:: max(1, len(indices) // JUDGED)] if (crop := crop_of(pack, index)) is not None]
    rows = [_measure(net, crop, scale) for crop in crops[:JUDGED] for scale in scales]
    return Validation(*(float(column) for column in torch.tensor(rows).mean(0))) if rows else Validation()


def _measure(net: StreamNet, hr: Tensor, scales: tuple[float, float]) -> tuple[float, float, float]:
    small = round(CROP / scales[0]), round(CROP / scales[1])
    wanted, codec = resize(hr, small) * TOP, codec_of(net)
    q = torch.full_like(wanted[:, :1], STEP)
    lr = embedded(wanted, q, torch.Generator().manual_seed(0))
    shown = Shown(lr, q, everything((CROP, CROP), small))
    room = 9.0 * small[0] * small[1]
    step = solve(lambda index: encode_part(codec, hr * TOP, shown, index)[0].bits, room, 1024)
    made = net.finish(encode_part(codec, hr * TOP, shown, step)[1]).div(TOP)
    edge = ceil(max(scales))
    error = (made.clamp(0, 1).mul(TOP).round().div(TOP) - hr)[..., edge:-edge, edge:-edge]
    return psnr(luma(error)), psnr(error), psnr(luma((lr - wanted.round().clamp(0, TOP)) / TOP))


OBJECTIVES: dict[type, Callable[..., Losses]] = {StreamNet: coded_losses}
"""What is minimised in place of `objective.measure_losses`, with the same arguments."""
FITS: dict[type, Callable[[Any, Pack, Sequence[int], Recipe], None]] = {StreamNet: fit_tables}
"""What is set from pictures, not learnt, before a network is judged or kept."""
VALIDATIONS: dict[type, Callable[[Any, Pack, Sequence[int]], Validation]] = {StreamNet: validate_coded}
"""How a network is judged in place of `validate.validate`."""
