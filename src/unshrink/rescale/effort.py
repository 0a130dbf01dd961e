"""Effort at the encoder: change the LR picture a little so that the frozen network restores the HR picture better.

The network's own LR is a good start, not the best one for the picture at hand. A few gradient steps on its pixels,
through the 8-bit rounding, lower the error of the restoration; whoever restores pays nothing and needs no new file
format. Test-time optimisation of the LR of a frozen rescaler: HCD, ICCV 2023; the losses and the tiling are our design.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from unshrink.errors import UsageError
from unshrink.models.placed import Placed, Split
from unshrink.models.rescaler import Rescaler
from unshrink.nn.parts import Part, squares
from unshrink.nn.quantise import from_levels, quantise
from unshrink.rescale.device import device_of
from unshrink.rescale.pixels import bicubic_lr

STEPS = (0, 1, 2, 3, 5, 8, 12, 18, 27, 40)
"""Gradient steps of each effort, 0 to 9."""
RATE = 2.5e-3
"""Adam's first rate, in [0, 1] of a channel: a little over half a level of 8 bits. It falls linearly to 0."""
FIRST_STEP = RATE / 4
"""Root mean square of the first step where what values may be is further apart, as many times that as the steps say."""
GROWTH = 1.2
"""What such steps grow by while they lead somewhere."""
LONGEST = 0.6
"""Of the way from a value to the next: no step moves a pixel by more."""
GUIDE_WEIGHT = 0.8
"""Of the LR's squared error against bicubic, beside the restoration's."""
GUIDE_WEIGHT_COARSE = 0.2
"""The same for models of wider steps: how near to bicubic their LR is hangs less on what effort can change."""
TILE = 256
"""HR pixels along each side of what is differentiated at once; bounds memory, not the result."""
MOST_MARGIN = 32
"""HR pixels; what lies further away hardly moves a gradient, and only gradients are cut."""
MOST_WHOLE = 1_500_000
"""HR pixels of a picture that is differentiated in one piece."""
GUIDE_ROWS = 64
"""LR rows of the guide that are made at once; bounds memory."""
GUIDE_HALO = 4
"""LR pixels; bicubic reads 2 around a pixel."""
LUMA = (0.299, 0.587, 0.114)
LUMA_WEIGHT = 30.0
"""Of the squared error of luma, beside that of the three channels. Networks are trained mostly on luma; with 1 their
own balance would be undone, at a loss in luma. Chosen on held-out training tiles, as `GUIDE_WEIGHT`."""


Tick = Callable[[float], None]
"""Called with the share of the work that is done, 0 to 1."""


@dataclass(frozen=True, eq=False)
class _Goal:
    """What is to be restored, and with what."""

    placed: Placed
    scale: int | None
    hr: Tensor
    """In [0, 1], or levels of 8 bits."""
    guide: Tensor
    """The bicubic LR."""
    kept: Tensor | None
    """The payload as the file has it, where it stays so: one number for each cell."""
    tick: Tick

    @property
    def steps(self) -> tuple[float, ...]:
        """See `Placed`."""
        return self.placed.steps

    def restored(self, window: Tensor, kept: Tensor | None) -> Tensor:
        """HR from the part `window` of the state and its part of the payload that is kept, rounded as a file rounds."""
        parts = self.placed.rounded(self.parted(window))
        return self.placed.join(parts if kept is None else parts._replace(payload=kept))

    def parted(self, state: Tensor) -> Split:
        """LR, what its pixels are to embed, and the payload, where a state holds them."""
        lr, planes, payload = state[:, :3], state[:, 3 : len(self.steps)], state[:, len(self.steps) :]
        return Split(lr, payload if payload.shape[1] else None, None, planes if planes.shape[1] else None)

    def embedded(self, state: Tensor) -> Tensor:
        """The LR picture of `state`, which embeds what the state has for it to embed."""
        parts = self.parted(state)
        return self.placed.embed(parts.lr, parts.planes)


def refine(
    model: Rescaler,
    hr: Tensor,
    lr: Tensor,
    effort: int,
    *,
    payload: Tensor | None = None,
    kept: Tensor | None = None,
    tick: Tick = lambda share: None,
) -> tuple[Tensor, Tensor | None]:
    """Better than `lr` (1, 3, h, w) and `payload` for restoring `hr` (1, 3, h*s, w*s); all in [0, 1], not yet rounded.

    `hr` may also be levels, uint8, which spares memory. `payload`, planes in [0, 1] of the LR's size, is refined too;
    `kept` is one that stays as it is, rounded. `effort` is 0, all as it is, to 9; a step costs
    about three restorations. Raises UsageError for any other effort, and for large pictures with a network of any
    scale.
    """
    check_effort(effort)
    if not STEPS[effort]:
        return lr, payload
    _require_whole(model, hr)
    place = device_of(model)
    with torch.inference_mode(False), torch.enable_grad():
        hr, lr = hr.to(place), lr.to(place)
        payload, kept = (None if x is None else x.to(place).clone() for x in (payload, kept))
        placed = model.at(_size(hr), _size(lr))
        goal = _Goal(placed, model.scale, hr, _guide(hr, model.scale, _size(lr)), kept, tick)
        refined = (lr, placed.extract(quantise(lr)), payload)
        state = torch.cat([part for part in refined if part is not None], 1)
        _descend(state.clamp_(0, 1), goal, STEPS[effort])
        chosen = goal.parted(state).payload
        return goal.embedded(state).cpu(), None if chosen is None else chosen.cpu()


def _require_whole(model: Rescaler, hr: Tensor) -> None:
    if model.scale is None and hr.shape[-2] * hr.shape[-1] > MOST_WHOLE:
        raise UsageError(f"Effort with a model of any scale is for pictures of up to {MOST_WHOLE:,} pixels.")


def _guide(hr: Tensor, scale: int | None, size: tuple[int, int]) -> Tensor:
    """The bicubic LR of `size`, from a strip of the HR picture at a time."""
    if scale is None:
        return bicubic_lr(_floats(hr).clone(), None, size)
    strips = []
    for top in range(0, size[0], GUIDE_ROWS):
        part = Part(top, min(top + GUIDE_ROWS, size[0]), 0, size[1])
        around = part.grown(GUIDE_HALO, size)
        strip = bicubic_lr(_floats(hr[..., *around.times(scale).slices]), scale)
        strips.append(strip[..., *part.within(around).slices])
    return torch.cat(strips, dim=-2)


def _floats(hr: Tensor) -> Tensor:
    return hr if hr.is_floating_point() else from_levels(hr)


def _descend(state: Tensor, goal: _Goal, steps: int) -> None:
    """Change `state` (1, 3 + planes of payload, h, w) in place, to the best of what it was and the steps lead to."""
    if _is_coarse(goal):
        _descend_carefully(state, goal, steps)
        return
    momentum, power = torch.zeros_like(state), torch.zeros_like(state)
    best, least = state.clone(), math.inf
    for step in range(steps + 1):
        loss, gradient = _gradient(state, goal)
        goal.tick(step / (steps + 1))
        if loss < least:
            least = loss
            best.copy_(state)
        if step < steps:
            _adam(state, gradient, momentum, power, step + 1, RATE * (1 - step / steps))
    state.copy_(best)


def _is_coarse(goal: _Goal) -> bool:
    return max(goal.steps) > 1


def _guide_weight(goal: _Goal) -> float:
    return GUIDE_WEIGHT_COARSE if _is_coarse(goal) else GUIDE_WEIGHT


def _descend_carefully(state: Tensor, goal: _Goal, steps: int) -> None:
    """`_descend` where values are far apart and few should change: those with the steepest gradients.

    So steps are as long as the gradient, and halved where they lead nowhere.
    """
    pitch = _pitch_of(state, goal.steps)
    rate, longest = FIRST_STEP * pitch, LONGEST / 255 * pitch
    best, least, slope = state.clone(), math.inf, torch.zeros_like(state)
    for step in range(steps + 1):
        loss, gradient = _gradient(state, goal)
        goal.tick(step / (steps + 1))
        if loss <= least:  # equal where no value has changed yet
            least, slope, rate = loss, gradient, rate * GROWTH
            best.copy_(state)
        else:
            rate = rate / 2
        size = slope.square().mean((-2, -1), keepdim=True).sqrt() + 1e-12
        state.copy_(best - (rate * slope / size).clamp(-longest, longest)).clamp_(0, 1)
    state.copy_(best)


def _pitch_of(state: Tensor, pitches: tuple[float, ...]) -> Tensor:
    """(1, channels of the state, 1, 1), in levels of 8 bits; a payload's values are one apart."""
    pitch = [*pitches, *[1.0] * state.shape[1]][: state.shape[1]]
    return state.new_tensor(pitch).view(1, -1, 1, 1)


def check_effort(effort: int) -> None:
    """Raise UsageError unless `effort` is 0 to 9."""
    if not 0 <= effort < len(STEPS):
        raise UsageError(f"Effort goes from 0 to {len(STEPS) - 1}; {effort} is outside.")


def _gradient(state: Tensor, goal: _Goal) -> tuple[float, Tensor]:
    """The whole picture's loss and its gradient, summed tile by tile."""
    scale = goal.scale
    if scale is None:
        return _gradient_of_whole(state, goal)
    total = torch.zeros_like(state)
    apart = goal.embedded(state) - goal.guide
    weight = _guide_weight(goal) * scale**2
    total[:, :3] = 2 * weight * apart
    sum_of_losses = weight * apart.square().sum().item()
    size, cell = _size(state), 1 if goal.kept is None else goal.placed.cell
    side, halo = max(cell, TILE // scale // cell * cell), min(goal.placed.halo, -(-MOST_MARGIN // scale))
    for tile in squares(size, side):
        around = tile.grown(-(-halo // cell) * cell, size)
        window = state[..., *around.slices].clone().requires_grad_()
        restored = goal.restored(window, None if goal.kept is None else goal.kept[..., *around.over(cell).slices])
        wanted = _floats(goal.hr[..., *tile.times(scale).slices])
        error = restored[..., *tile.within(around).times(scale).slices] - wanted
        loss = error.square().sum() + LUMA_WEIGHT * _luma(error).square().sum()
        total[..., *around.slices] += torch.autograd.grad(loss, window)[0]
        sum_of_losses += loss.item()
    return sum_of_losses, total


def _gradient_of_whole(state: Tensor, goal: _Goal) -> tuple[float, Tensor]:
    """As `_gradient`, of a picture that cannot be cut, because its scale is no whole number."""
    pixels = goal.hr[0, 0].numel() / state[0, 0].numel()
    window = state.clone().requires_grad_()
    error = goal.restored(window, goal.kept) - _floats(goal.hr)
    loss = error.square().sum() + LUMA_WEIGHT * _luma(error).square().sum()
    guided = _guide_weight(goal) * pixels * (window[:, :3] - goal.guide).square().sum()
    loss = loss + guided
    return loss.item(), torch.autograd.grad(loss, window)[0]


def _size(x: Tensor) -> tuple[int, int]:
    return x.shape[-2], x.shape[-1]


def _adam(x: Tensor, gradient: Tensor, momentum: Tensor, power: Tensor, step: int, rate: float) -> None:
    """One step in place, with the usual decays."""
    momentum.lerp_(gradient, 0.1)
    power.lerp_(gradient.square(), 0.01)
    mean, square = momentum / (1 - 0.9**step), power / (1 - 0.99**step)
    x.sub_(rate * mean / (square.sqrt() + 1e-8)).clamp_(0, 1)


def _luma(error: Tensor) -> Tensor:
    return (error * error.new_tensor(LUMA).view(3, 1, 1)).sum(1)
