"""What `down` is asked, as one value: how small, with which model, and how the file is to be made. Needs no torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass, fields
from functools import cached_property
from typing import Any

from unshrink.errors import UsageError
from unshrink.rescale.carriers import DEFAULT, Carrier, parse_carrier
from unshrink.rescale.quality import DEFAULT as DEFAULT_QUALITY
from unshrink.rescale.quality import read_floor
from unshrink.rescale.sizes import Scale, Size, Wish

MOST_EFFORT = 9


@dataclass(frozen=True)
class PayloadOptions:
    """How `down` keeps a payload."""

    carrier: Carrier = DEFAULT
    """A section that no viewer sees, the alpha channel of the LR picture, or another place."""
    budget: int | None = None
    """Bytes that a payload which can be coarser may take at most; where its coarsest form is over, none is kept. None
    for no bound."""


@dataclass(frozen=True)
class Order:
    """What `down` is asked. Raises UsageError where a value is out of range or two do not go together.

    How small: `scale`, `size` or `max_side`, at most one of them. Whether the model can do it is not known here.
    """

    scale: Scale | None = None
    """HR over LR along each axis, 1.1 to 4: one number, or a pair (along the height, along the width)."""
    _: KW_ONLY
    size: Size | None = None
    """Height and width of the LR picture."""
    max_side: int | None = None
    """The longer side of the LR picture."""
    model: str | None = None
    """By default the best there is for the scale."""
    effort: int = 0
    """0 to 9: how long to improve the LR pixels for what will be restored (`unshrink.rescale.effort`)."""
    exact_blocks: bool = True
    """Whether the picture is restored on the spot and blocks that the network spoils are kept without loss."""
    carrier: str = "chunk"
    """Where the payload is kept; see `rescale.carriers`."""
    payload_budget: int | None = None
    """Bytes that a latent payload may take at most; None for no bound."""
    keep_hidden: bool = False
    """Whether colours that alpha hides wholly are kept; else they are filled in from around, to keep edges clean."""
    strip_metadata: bool = False
    """Whether EXIF, XMP and resolution are left out; the colour profile stays."""
    check: bool = False
    """Whether the file is restored at once, and mended with exact blocks where bicubic's round trip is better."""
    min_psnr: float | None = None
    """Decibels, over all samples, that the round trip has to reach; implies `check`."""

    lr_quality: str = DEFAULT_QUALITY
    """For models that code the rest in the pixels: how near to plain bicubic these stay; see `quality.read_floor`."""

    def __post_init__(self) -> None:
        if not 0 <= self.effort <= MOST_EFFORT:
            raise UsageError(f"Effort goes from 0 to {MOST_EFFORT}; {self.effort} is outside.")
        if self.payload_budget is not None and self.payload_budget < 0:
            raise UsageError(f"A payload budget is 0 bytes or more, not {self.payload_budget}.")
        _ = self.wish, self.payload, self.floor  # what they refuse is refused now

    @cached_property
    def wish(self) -> Wish:
        """How small."""
        return Wish(self.scale, self.size, self.max_side)

    @cached_property
    def floor(self) -> float:
        """How near the LR picture stays to plain bicubic, in dB."""
        return read_floor(self.lr_quality)

    @cached_property
    def payload(self) -> PayloadOptions:
        """How the payload is kept."""
        return PayloadOptions(parse_carrier(self.carrier), self.payload_budget)


def kept_options(order: Order) -> dict[str, Any]:
    """What was asked beside size and model, where it is not the default: files of one picture may differ in that."""
    default, size = Order(), ("scale", "size", "max_side", "model")
    values = {option.name: getattr(order, option.name) for option in fields(order) if option.name not in size}
    return {name: value for name, value in values.items() if value != getattr(default, name)}


def as_order(order: Order | Scale | None, options: Mapping[str, Any]) -> Order:
    """An order as it stands, or one made of a scale and further `options`; TypeError where both are given."""
    if isinstance(order, Order):
        if options:
            raise TypeError(f"An Order holds all options; {', '.join(options)} cannot be given beside it.")
        return order
    return Order(**options) if order is None else Order(order, **options)
