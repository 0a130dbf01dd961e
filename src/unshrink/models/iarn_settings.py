"""What shapes an IARN, and where a piece of its work lies."""

from dataclasses import dataclass
from math import prod
from typing import NamedTuple

from unshrink.errors import UsageError
from unshrink.models.planes import LR_CHANNELS
from unshrink.nn.parts import Part, Size


@dataclass(frozen=True)
class StageSettings:
    """The couplings after one Haar transform."""

    blocks: int = 3
    """How many couplings."""
    width: int = 40
    """Channels inside a sub-network."""
    depth: int = 1
    """Residual pairs of a sub-network."""


@dataclass(frozen=True)
class Layout:
    """What LR pixels carry from some scale on."""

    area: float
    """HR pixels for each LR pixel from which on it holds, up to the next layout's."""
    planes: tuple[int, ...]
    """See `Symbols`."""
    steps: tuple[int, ...]
    """See `Symbols`."""


@dataclass(frozen=True)
class IARNSettings:
    """Everything that decides the shape of an IARN."""

    near: StageSettings = StageSettings(blocks=3, width=40)
    """For LR pictures of at least half the HR size along both axes."""
    far: tuple[StageSettings, ...] = (StageSettings(blocks=2, width=32), StageSettings(blocks=2, width=64))
    """For smaller ones: two stages, finest first."""
    position: bool = True
    """Whether sub-networks read the planes of `nn.conditioning`."""
    presplit: bool = True
    """Whether the picture is split into bicubic LR and detail before it is resampled."""
    near_symbols: tuple[Layout, ...] = ()
    """What LR pixels carry in the near stage, by ascending area, as many planes in each; () for nothing."""
    far_symbols: tuple[Layout, ...] = ()
    """The same for the far stages."""
    clamp: float = 1.0
    """The largest log-scale of a coupling."""

    def __post_init__(self) -> None:
        _check(self)


class Frame(NamedTuple):
    """Where a piece of work lies."""

    hr: Size
    lr: Size
    part: Part
    """Of the LR picture."""

    @property
    def near(self) -> bool:
        """Whether one Haar transform is enough."""
        return 2 * self.lr[0] >= self.hr[0] and 2 * self.lr[1] >= self.hr[1]

    @property
    def factor(self) -> int:
        """Rows and columns of the grid for every LR pixel."""
        return 2 if self.near else 4

    @property
    def area(self) -> float:
        """HR pixels for each LR pixel."""
        return prod(self.hr) / prod(self.lr)

    @property
    def grid(self) -> Size:
        """Size of the grid that the picture is resampled to."""
        return self.factor * self.lr[0], self.factor * self.lr[1]


def _check(settings: IARNSettings) -> None:
    """Raise UsageError where `settings` contradict each other."""
    if len(settings.far) != 2:
        raise UsageError(f"An IARN has two far stages, not {len(settings.far)}.")
    if settings.presplit and (settings.near_symbols or settings.far_symbols):
        raise UsageError("An IARN that is split before it is resampled carries no symbols.")
    for layouts in (settings.near_symbols, settings.far_symbols):
        areas = [layout.area for layout in layouts]
        if areas != sorted(areas) or len({len(layout.planes) for layout in layouts}) > 1 or (areas and areas[0] > 1):
            raise UsageError("Layouts go by ascending area, the first from 1 or less, all with as many planes.")


def low_channels(layouts: tuple[Layout, ...]) -> int:
    """Channels that couplings take for low ones: the picture's, and a plane for each that its pixels carry."""
    return LR_CHANNELS + (len(layouts[0].planes) if layouts else 0)
