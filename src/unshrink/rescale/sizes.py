"""How small: scales and sizes as people give them, brought to one form and checked against a model and a picture."""

from __future__ import annotations

import math
from dataclasses import dataclass

from unshrink.errors import SmallEnoughError, UsageError

Scales = tuple[float, float]
"""HR pixels per LR pixel along the height and along the width."""
Scale = float | Scales
"""One number where both axes have the same."""
Size = tuple[int, int]
"""Height and width in pixels."""

DEFAULT_SCALE = 4
"""Where nothing is said."""
LEAST = 1.1
MOST = 4.0
"""What a network of any scale is trained for; one axis may stay as it is."""


def both_axes(scale: Scale) -> Scales:
    """The scale along height and width; raises UsageError unless each is a number of at least 1."""
    vertical, horizontal = scale if isinstance(scale, tuple) else (scale, scale)
    if not all(math.isfinite(axis) and axis >= 1 for axis in (vertical, horizontal)):
        raise UsageError(f"A scale is at least 1 along each axis, not {spell(scale)}.")
    return float(vertical), float(horizontal)


def whole(scale: Scale | None) -> int | None:
    """The whole number that both axes have, None where there is no such number."""
    if scale is None:
        return None
    vertical, horizontal = both_axes(scale)
    return int(vertical) if vertical == horizontal and vertical.is_integer() else None


def spell(scale: Scale) -> str:
    """A scale as people write it, width first: 4, 2.5, 3.2x1.5."""
    axes = scale[::-1] if isinstance(scale, tuple) else (scale,)
    return "x".join(f"{axis:g}" for axis in dict.fromkeys(axes))


@dataclass(frozen=True)
class Wish:
    """How small the LR picture should be; at most one of the three. Raises UsageError for more than one."""

    scale: Scale | None = None
    size: Size | None = None
    """Height and width of the LR picture."""
    max_side: int | None = None
    """The longer side of the LR picture."""

    def __post_init__(self) -> None:
        if sum(value is not None for value in (self.scale, self.size, self.max_side)) > 1:
            raise UsageError("The small picture's size follows from a scale, a size or a longest side; give one.")
        if self.scale is not None:
            both_axes(self.scale)
        if min(*(self.size or (1, 1)), 1 if self.max_side is None else self.max_side) < 1:
            raise UsageError("A picture is at least one pixel high and wide.")

    @property
    def any_scale(self) -> bool:
        """Whether no whole-number scale can be meant."""
        return self.size is not None or self.max_side is not None or (self.scale is not None and not whole(self.scale))

    def mark(self, model_scale: int | None) -> str:
        """The wish in a file's name, for a model of that scale: x4, x2.5, x3.2x1.5, 800x600, max1024."""
        if self.size is not None:
            return f"{self.size[1]}x{self.size[0]}"
        if self.max_side is not None:
            return f"max{self.max_side}"
        return f"x{spell(self.scale or model_scale or DEFAULT_SCALE)}"


@dataclass(frozen=True)
class Target:
    """What is asked for a picture: its LR size, and the scales that the file states."""

    size: Size
    scales: Scales


def lr_size(size: Size, scale: int) -> Size:
    """The LR size that a model of a whole-number scale makes of `size`: each side divided and rounded up."""
    return -(-size[0] // scale), -(-size[1] // scale)


def target_for(wish: Wish, hr: Size, model_scale: int | None) -> Target:
    """The LR size of a picture of size `hr`, by a model of a whole-number scale or, for None, of any.

    Raises UsageError where the model cannot make it.
    """
    if model_scale is not None:
        return Target(lr_size(hr, model_scale), (float(model_scale), float(model_scale)))
    if wish.scale is not None:
        scales = both_axes(wish.scale)
        _check_range(scales)
        return Target(scaled(hr, scales), scales)
    size = wish.size or _with_longest(hr, wish.max_side)
    _check_size(size, hr)
    return Target(size, (hr[0] / size[0], hr[1] / size[1]))


def in_reach(wish: Wish, hr: Size) -> Size | None:
    """The size that a picture of size `hr` has to have first so that a longest side is in reach; None where it is."""
    if wish.max_side is None or wish.max_side * MOST >= max(hr):
        return None
    return scaled(hr, (max(hr) / (wish.max_side * MOST),) * 2)


def scaled(hr: Size, scales: Scales) -> Size:
    """The LR size at any scale: each side rounded half up, at least 1."""
    height, width = (max(1, math.floor(side / scale + 0.5)) for side, scale in zip(hr, scales, strict=True))
    return height, width


def grown(lr: Size, scales: Scales) -> Size:
    """The HR size that an LR picture of unknown origin is enlarged to."""
    height, width = (max(side, math.floor(side * scale + 0.5)) for side, scale in zip(lr, scales, strict=True))
    return height, width


def check_scale(scale: Scale) -> None:
    """Raise UsageError where a network of any scale is not made for `scale`."""
    _check_range(both_axes(scale))


def _check_range(scales: Scales) -> None:
    if max(scales) > MOST or max(scales) < LEAST:
        hint = "shrink in two steps" if max(scales) > MOST else "that saves hardly a pixel"
        raise UsageError(f"There is no model for scale {spell(scales)}: scales go from {LEAST:g} to {MOST:g}; {hint}.")


def _with_longest(hr: Size, longest: int | None) -> Size:
    if longest is None:
        raise UsageError("A model of any scale needs a scale, a size or a longest side.")
    if longest >= max(hr):
        raise SmallEnoughError(
            f"The picture is {hr[1]}x{hr[0]} already, so a longest side of {longest} would not shrink it; "
            "name a smaller one."
        )
    return scaled(hr, (max(hr) / longest,) * 2)


def _check_size(size: Size, hr: Size) -> None:
    asked, given = f"{size[1]}x{size[0]}", f"{hr[1]}x{hr[0]}"
    if size[0] > hr[0] or size[1] > hr[1]:
        raise SmallEnoughError(f"{asked} is larger than the picture, which is {given}; name a smaller size.")
    if max(hr[0] / size[0], hr[1] / size[1]) < LEAST:
        raise SmallEnoughError(f"{asked} is hardly smaller than the picture, {given}; shrink it by {LEAST:g} at least.")
    if any(MOST * small <= large - MOST for small, large in zip(size, hr, strict=True)):
        raise UsageError(f"{asked} is less than a quarter of the picture, {given}; shrink it in two steps.")
