"""A sheet of one picture: what several models, or codecs, bring back of it, side by side, where they differ most."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from unshrink.files.picture import Picture
from unshrink.metrics.quality import Pixels

Place = tuple[int, int]
"""Top and left of a crop, in HR pixels."""
Map = NDArray[np.float64]

GAP, MARGIN, LINE, HEAD = 14, 22, 19, 46
INK, SOFT, PAPER, FRAME = (24, 30, 36), (92, 100, 108), (255, 255, 255), (208, 206, 200)
MARKS = ((213, 94, 0), (0, 114, 178), (0, 158, 115), (204, 121, 167), (230, 159, 0), (86, 180, 233))
"""Of the crops: colours of Okabe and Ito, which those who see few colours tell apart, too."""


@dataclass(frozen=True, eq=False)
class Column:
    """One way there and back."""

    title: str
    lines: tuple[str, ...]
    """Figures, below the title."""
    rgb: Pixels
    """What came back, (H, W, 3)."""
    small: Pixels | None = None
    """The LR picture, (h, w, 3); None where there is none."""


@dataclass(frozen=True)
class Crops:
    """Which parts are shown."""

    count: int = 3
    side: int = 64
    """HR pixels."""
    zoom: int = 3

    @property
    def shown(self) -> int:
        """The side of a crop on the sheet."""
        return self.side * self.zoom


def find_places(original: Pixels, columns: Sequence[Column], crops: Crops) -> list[Place]:
    """Where what came back differs most, from one column to another or, for one column, from the original.

    The crops do not overlap, so there may be fewer than asked for.
    """
    shown = [column.rgb for column in columns]
    pairs = list(combinations(shown, 2)) or [(original, shown[0])]
    sums = _sums(sum((_squares(one, other) for one, other in pairs), np.zeros(original.shape[:2])), crops.side)
    found: list[Place] = []
    step = max(1, crops.side // 8)
    grid = sums[::step, ::step].copy()
    while len(found) < crops.count and grid.max() >= 0:
        row, column = np.unravel_index(int(grid.argmax()), grid.shape)
        top, left = int(row) * step, int(column) * step
        found.append((top, left))
        rows, columns_ = (
            slice(max(0, -(-(at - crops.side + 1) // step)), (at + crops.side - 1) // step + 1) for at in found[-1]
        )
        grid[rows, columns_] = -1
    return found


def _squares(one: Pixels, other: Pixels) -> Map:
    difference = one.astype(np.float64) - other
    return np.asarray((difference * difference).sum(axis=2))


def _sums(squares: Map, side: int) -> Map:
    """Of every square of that side, by its top left; of the whole where the picture is smaller along an axis."""
    total = np.pad(squares, ((1, 0), (1, 0))).cumsum(0).cumsum(1)
    high, wide = (min(side, length) for length in squares.shape)
    return np.asarray(total[high:, wide:] - total[:-high, wide:] - total[high:, :-wide] + total[:-high, :-wide])


def draw_sheet(
    name: str, original: Picture, columns: Sequence[Column], places: Sequence[Place], crops: Crops
) -> Image.Image:
    """The sheet: the original and a column for each way, with LR pictures at their size and the crops enlarged."""
    own = Column(
        "Original", (f"{original.width}x{original.height}", *("",) * (len(columns[0].lines) - 1)), original.rgb
    )
    every = [own, *columns]
    width = crops.shown
    top = HEAD + (len(own.lines) + 1) * LINE + GAP
    first = max(_overview(original.rgb, width).height, *(_small(column, width).height for column in columns)) + LINE
    height = top + first + GAP + len(places) * (crops.shown + GAP) + MARGIN - GAP
    sheet = Image.new("RGB", (2 * MARGIN + len(every) * (width + GAP) - GAP, height), PAPER)
    pen = ImageDraw.Draw(sheet)
    pen.text((MARGIN, 14), name, INK, ImageFont.load_default(18))
    for number, column in enumerate(every):
        left = MARGIN + number * (width + GAP)
        _write(pen, column, left)
        picture = _marked(original.rgb, places, crops) if column is own else _small(column, width)
        sheet.paste(picture, (left, top))
        pen.text((left, top + picture.height + 3), _said(column, own, width), SOFT, ImageFont.load_default(12))
        for index, crop in enumerate(_cut(column.rgb, places, crops)):
            sheet.paste(crop, (left, top + first + GAP + index * (crops.shown + GAP)))
    return sheet


def _write(pen: ImageDraw.ImageDraw, column: Column, left: int) -> None:
    pen.text((left, HEAD), column.title, INK, ImageFont.load_default(16))
    for number, line in enumerate(column.lines, 1):
        pen.text((left, HEAD + number * LINE + 2), line, SOFT, ImageFont.load_default(13))


def _said(column: Column, own: Column, width: int) -> str:
    if column is own:
        return "crops where they differ most"
    if column.small is None:
        return "no small picture"
    size = f"{column.small.shape[1]}x{column.small.shape[0]}"
    return f"small, {size}, at its size" if column.small.shape[1] <= width else f"small, {size}, its middle"


def _overview(rgb: Pixels, width: int) -> Image.Image:
    image = Image.fromarray(rgb)
    image.thumbnail((width, width), Image.Resampling.LANCZOS)
    return image


def _marked(rgb: Pixels, places: Sequence[Place], crops: Crops) -> Image.Image:
    """The whole original, with a frame around each crop in the colour that the crop has."""
    image = _overview(rgb, crops.shown)
    factor, pen = image.width / rgb.shape[1], ImageDraw.Draw(image)
    for index, (top, left) in enumerate(places):
        box = [factor * left, factor * top, factor * (left + crops.side), factor * (top + crops.side)]
        pen.rectangle([box[0] - 1, box[1] - 1, box[2] + 1, box[3] + 1], outline=PAPER, width=4)
        pen.rectangle(box, outline=MARKS[index % len(MARKS)], width=2)
    return image


def _small(column: Column, width: int) -> Image.Image:
    """The LR picture at its size, or its middle where it is wider than a column."""
    if column.small is None:
        return Image.new("RGB", (width, 1), PAPER)
    image = Image.fromarray(column.small)
    left, top = max(0, image.width - width) // 2, max(0, image.height - width) // 2
    return image.crop((left, top, left + min(width, image.width), top + min(width, image.height)))


def _cut(rgb: Pixels, places: Sequence[Place], crops: Crops) -> Iterator[Image.Image]:
    """The crops, enlarged pixel by pixel, each with its frame."""
    for index, (top, left) in enumerate(places):
        part = Image.fromarray(np.ascontiguousarray(rgb[top : top + crops.side, left : left + crops.side]))
        shown = part.resize((part.width * crops.zoom, part.height * crops.zoom), Image.Resampling.NEAREST)
        canvas = Image.new("RGB", (crops.shown, crops.shown), PAPER)
        canvas.paste(shown)
        box = [0, 0, shown.width - 1, shown.height - 1]
        ImageDraw.Draw(canvas).rectangle(box, outline=MARKS[index % len(MARKS)], width=3)
        yield canvas
