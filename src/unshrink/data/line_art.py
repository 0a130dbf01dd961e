"""Line art: strokes, polygons, rings and hatches, as in diagrams, maps and engravings."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.random import Generator
from PIL import ImageDraw

from unshrink.data.drawing import Canvas, any_colour, chance, ink_and_paper, stamp, whole


def paint_line_art(canvas: Canvas) -> None:
    """Lines, polygons, rings and hatches in one to three colours, anti-aliased (0.7 of the time) or hard-edged."""
    rng = canvas.rng
    ink, paper = ink_and_paper(rng)
    canvas.fill(paper)
    smooth = chance(rng, 0.7)
    for group in range(whole(rng, 1, 3)):
        colour = ink if group == 0 else any_colour(rng)
        stamp(canvas, colour, lambda pen, factor: _shapes(canvas, pen, factor), smooth=smooth)


def _shapes(canvas: Canvas, pen: ImageDraw.ImageDraw, factor: int) -> None:
    for _ in range(whole(canvas.rng, 2, 7)):
        _SHAPES[whole(canvas.rng, 0, len(_SHAPES) - 1)](canvas, pen, factor)


def _thickness(rng: Generator, factor: int) -> int:
    return max(1, round(factor * float(rng.choice([0.75, 1, 1, 1.5, 2, 3, 5]))))


def _points(canvas: Canvas, count: int, factor: int) -> list[tuple[float, float]]:
    size = np.array(canvas.image.size) * factor
    return [(float(x), float(y)) for x, y in canvas.rng.uniform(-0.2, 1.2, (count, 2)) * size]


def _polyline(canvas: Canvas, pen: ImageDraw.ImageDraw, factor: int) -> None:
    points = _points(canvas, whole(canvas.rng, 2, 5), factor)
    pen.line(points, fill=255, width=_thickness(canvas.rng, factor))


def _polygon(canvas: Canvas, pen: ImageDraw.ImageDraw, factor: int) -> None:
    points = _points(canvas, whole(canvas.rng, 3, 5), factor)
    if chance(canvas.rng, 0.3):
        pen.polygon(points, fill=255)
    else:
        pen.line([*points, points[0]], fill=255, width=_thickness(canvas.rng, factor))


def _circles(canvas: Canvas, pen: ImageDraw.ImageDraw, factor: int) -> None:
    """One circle, or rings around a centre as in a zone plate."""
    (x, y), *_ = _points(canvas, 1, factor)
    step = whole(canvas.rng, 3, 40) * factor
    width = min(_thickness(canvas.rng, factor), step)
    for ring in range(1, 1 + whole(canvas.rng, 1, 8)):
        pen.ellipse((x - ring * step, y - ring * step, x + ring * step, y + ring * step), outline=255, width=width)


def _hatching(canvas: Canvas, pen: ImageDraw.ImageDraw, factor: int) -> None:
    """A fan or a hatch of lines that nearly touch."""
    ends = np.array(_points(canvas, 4, factor)).reshape(2, 2, 2)
    for share in np.linspace(0, 1, whole(canvas.rng, 8, 40)):
        start, stop = ends[0] * (1 - share) + ends[1] * share
        pen.line((*map(float, start), *map(float, stop)), fill=255, width=factor)


_SHAPES: tuple[Callable[[Canvas, ImageDraw.ImageDraw, int], None], ...] = (_polyline, _polygon, _circles, _hatching)
