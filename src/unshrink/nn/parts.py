"""Parts of a picture: what a network works on at once where the whole would be too much.

All it computes is local, so a part with the pixels that it reads around it gives what the whole gives there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from torch import Tensor

Size: TypeAlias = tuple[int, int]
"""Height and width in pixels."""


class Part(NamedTuple):
    """A rectangle of a picture, in pixels; `bottom` and `right` are the first row and column outside."""

    top: int
    bottom: int
    left: int
    right: int

    @property
    def size(self) -> Size:
        """Height and width."""
        return self.bottom - self.top, self.right - self.left

    @property
    def slices(self) -> tuple[slice, slice]:
        """What cuts it out of an array: rows and columns."""
        return slice(self.top, self.bottom), slice(self.left, self.right)

    def grown(self, by: int, size: Size) -> Part:
        """With `by` more pixels on every side, as far as a picture of `size` goes."""
        top, left = max(self.top - by, 0), max(self.left - by, 0)
        return Part(top, min(self.bottom + by, size[0]), left, min(self.right + by, size[1]))

    def times(self, factor: int) -> Part:
        """The same rectangle where every pixel is `factor` pixels a side."""
        return Part(*(side * factor for side in self))

    def over(self, factor: int) -> Part:
        """The pixels of `factor` a side that it touches."""
        return Part(self.top // factor, -(-self.bottom // factor), self.left // factor, -(-self.right // factor))

    def within(self, outer: Part) -> Part:
        """Counted from the corner of `outer`."""
        top, left = outer.top, outer.left
        return Part(self.top - top, self.bottom - top, self.left - left, self.right - left)


def squares(size: Size, side: int) -> Iterator[Part]:
    """A picture of `size` in squares of `side`, in reading order; the last of a row and of a column may be smaller."""
    for top in range(0, size[0], side):
        for left in range(0, size[1], side):
            yield Part(top, min(top + side, size[0]), left, min(left + side, size[1]))


def whole(size: Size) -> Part:
    """All of a picture of `size`."""
    return Part(0, size[0], 0, size[1])


Reader: TypeAlias = Callable[[Part], "Tensor"]
"""Gives any part of a picture, (B, C, height, width)."""


def reader(x: Tensor, at: Part | None = None) -> Reader:
    """The parts of `x` (B, C, H, W), which is the part `at` of the picture, or all of it."""
    return lambda part: x[..., *(part if at is None else part.within(at)).slices]
