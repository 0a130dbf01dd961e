"""The protocol at any scale: what is cropped, what is left out, how large the LR picture is."""

from __future__ import annotations

import math

from unshrink.rescale.sizes import Scale, both_axes, scaled, whole

MULTIPLE = 12
"""Pictures are cropped to multiples of it at scales that are not whole, as the authors of AIDN do."""


def multiple_of(scale: Scale) -> int:
    """What both sides of an HR picture are cropped to a multiple of: the scale where it is whole, else 12."""
    return whole(scale) or MULTIPLE


def border_of(scale: Scale) -> int:
    """Pixels that are left out on every side of a restored picture: the larger scale, rounded up."""
    return math.ceil(max(both_axes(scale)))


def lr_size_at(hr: tuple[int, int], scale: Scale) -> tuple[int, int]:
    """Height and width of the LR picture of a cropped HR picture."""
    return scaled(hr, both_axes(scale))


def plain_scale(scale: Scale) -> int | float | list[float]:
    """The scale as a report has it: a whole number, a number, or those along height and width."""
    axes = both_axes(scale)
    return whole(scale) or (axes[0] if axes[0] == axes[1] else list(axes))
