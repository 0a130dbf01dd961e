"""Synthetic HR pictures: text, screens, line art, one-pixel patterns, saturated colours - what rescalers spoil first.

Photographs hold little of this, so a net trained on them alone has never had to keep it. `synth_tile` draws one
training tile; the `*_page` functions and `checkerboard` are fixed renders for tests of artefacts.

Everything drawn is a function of the generator (or seed) alone, for a given NumPy, Pillow and set of fonts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.random import Generator
from PIL import Image, ImageDraw

from unshrink.data.drawing import (
    BLACK,
    WHITE,
    Box,
    Canvas,
    Colour,
    Pixels,
    any_colour,
    chance,
    checks,
    ink_and_paper,
    muted_colour,
    paste_pattern,
    pick_font,
    random_box,
    random_pattern,
    rows,
    saturated_colour,
    system_fonts,
    whole,
    words,
)
from unshrink.data.line_art import paint_line_art
from unshrink.errors import UnknownNameError

__all__ = [
    "KINDS",
    "Kind",
    "checkerboard",
    "saturated_page",
    "screenshot_page",
    "synth_tile",
    "system_fonts",
    "text_page",
]

Painter = Callable[[Canvas], None]
"""Paints the whole of a canvas; every choice comes from `canvas.rng`."""


@dataclass(frozen=True)
class Kind:
    """One kind of synthetic picture: its name, the share of tiles that it makes up (they sum to 1), its painter."""

    name: str
    share: float
    paint: Painter


def synth_tile(rng: Generator, size: int, *, kind: str | None = None, fonts: Sequence[Path] = ()) -> Pixels:
    """Draw one tile (size, size, 3), uint8; a kind from `KINDS` by its share unless `kind` names it.

    `fonts` are used beside Pillow's built-in one (see `system_fonts`); leave it empty for the same tiles on
    every machine. Raises `UnknownNameError` for a kind not in the table, `ValueError` for a size under 1.
    """
    if size < 1:
        raise ValueError(f"a tile needs at least one pixel per side, not {size}")
    canvas = Canvas.blank(rng, (size, size), tuple(str(path) for path in fonts))
    _kind(rng, kind).paint(canvas)
    return canvas.pixels()


def text_page(seed: int = 0, size: tuple[int, int] = (256, 256)) -> Pixels:
    """Black paragraphs on white in several sizes, (height, width, 3); the same picture for the same seed and size."""
    canvas = Canvas.blank(np.random.default_rng(seed), size)
    _paragraphs(canvas, canvas.box, BLACK, sizes=(9, 18))
    return canvas.pixels()


def screenshot_page(seed: int = 0, size: tuple[int, int] = (256, 384)) -> Pixels:
    """A page like a desktop application's: title bar, menu, buttons, a table, thin rules; (height, width, 3)."""
    canvas = Canvas.blank(np.random.default_rng(seed), size)
    _paint_screen(canvas)
    return canvas.pixels()


def saturated_page(seed: int = 0, size: tuple[int, int] = (256, 256)) -> Pixels:
    """Flat, fully saturated patches with sharp edges, (height, width, 3)."""
    canvas = Canvas.blank(np.random.default_rng(seed), size)
    _paint_patches(canvas)
    return canvas.pixels()


def checkerboard(size: int, *, cell: int = 1, on: Colour = WHITE, off: Colour = BLACK) -> Pixels:
    """Squares of `cell` pixels in two colours, (size, size, 3); `off` in the top left corner."""
    mask = checks((size, size), cell, (0, 0))
    return np.where(mask[..., None], np.array(on, np.uint8), np.array(off, np.uint8))


def _kind(rng: Generator, name: str | None) -> Kind:
    if name is None:
        return KINDS[int(rng.choice(len(KINDS), p=[kind.share for kind in KINDS]))]
    for kind in KINDS:
        if kind.name == name:
            return kind
    raise UnknownNameError("kind of synthetic picture", name, [kind.name for kind in KINDS])


# Text ---------------------------------------------------------------------------------------------------------------


def _paint_text(canvas: Canvas) -> None:
    ink, paper = ink_and_paper(canvas.rng)
    canvas.fill(paper)
    if chance(canvas.rng, 0.15):
        canvas.draw.fontmode = "1"  # hinted, without anti-aliasing, as on old screens and fax pages
    low = whole(canvas.rng, 7, 24)
    _paragraphs(canvas, canvas.box, ink, sizes=(low, low + whole(canvas.rng, 0, 24)))


def _paragraphs(canvas: Canvas, box: Box, ink: Colour, *, sizes: tuple[int, int]) -> None:
    """Fill `box` with lines that run off its right edge; the font changes now and then."""
    left, top, _, bottom = box
    font = pick_font(canvas, *sizes)
    y = top - whole(canvas.rng, 0, 6)
    while y < bottom:
        x = left - whole(canvas.rng, 0, 8)
        canvas.draw.text((x, y), words(canvas.rng, 3 + (box[2] - left) // (3 * int(font.size))), fill=ink, font=font)
        y += int(font.size * canvas.rng.uniform(1.05, 1.5)) + 1
        if chance(canvas.rng, 0.25):
            font = pick_font(canvas, *sizes)
        if chance(canvas.rng, 0.1):
            canvas.draw.line((left, y - 1, left + whole(canvas.rng, 10, 200), y - 1), fill=ink)


# Screens ------------------------------------------------------------------------------------------------------------


def _paint_screen(canvas: Canvas) -> None:
    rng = canvas.rng
    ink, paper = ((20, 20, 24), (250, 250, 250)) if chance(rng, 0.6) else ((225, 228, 230), (30, 32, 36))
    canvas.fill(paper)
    width, height = canvas.image.size
    bar = whole(rng, 14, 22)
    canvas.draw.rectangle((0, 0, width, bar), fill=any_colour(rng))
    canvas.draw.text((6, 2), words(rng, 3), fill=WHITE, font=pick_font(canvas, 10, 13))
    canvas.draw.line((0, bar + 1, width, bar + 1), fill=ink)
    side = whole(rng, width // 6, width // 3)
    canvas.draw.line((side, bar + 1, side, height), fill=ink)
    _menu(canvas, (4, bar + 6, side - 4, height), ink)
    top = bar + 6
    while top < height:
        bottom = top + whole(rng, 18, 50)
        _SCREEN_PARTS[whole(rng, 0, len(_SCREEN_PARTS) - 1)](
            canvas, (side + 6, top, max(side + 6, width - 6), bottom), ink
        )
        top = bottom + whole(rng, 8, 20)


def _paint_screen_part(canvas: Canvas) -> None:
    """Somewhere inside a page half as large again, so that not every tile begins with a title bar."""
    rng = canvas.rng
    width, height = canvas.image.size
    page = Canvas.blank(rng, (height + height // 2, width + width // 2), canvas.fonts)
    _paint_screen(page)
    left, top = whole(rng, 0, width // 2), whole(rng, 0, height // 2)
    canvas.image.paste(page.image.crop((left, top, left + width, top + height)))


def _menu(canvas: Canvas, box: Box, ink: Colour) -> None:
    font = pick_font(canvas, 8, 11)
    for y in rows(canvas, box[1], box[3], 12, 15):
        canvas.draw.rectangle((box[0], y + 2, box[0] + 7, y + 9), outline=ink, fill=any_colour(canvas.rng))
        canvas.draw.text((box[0] + 11, y), words(canvas.rng, 1), fill=ink, font=font)


def _buttons(canvas: Canvas, box: Box, ink: Colour) -> None:
    font = pick_font(canvas, 9, 12)
    for x in rows(canvas, box[0], box[2] - 40, 50, 80):
        canvas.draw.rounded_rectangle((x, box[1], x + 44, box[1] + 17), 3, fill=any_colour(canvas.rng), outline=ink)
        canvas.draw.text((x + 5, box[1] + 2), words(canvas.rng, 1)[:6], fill=ink, font=font)


def _table_part(canvas: Canvas, box: Box, ink: Colour) -> None:
    font = pick_font(canvas, 7, 10)
    for y in range(box[1], box[3], 11):
        canvas.draw.line((box[0], y, box[2], y), fill=ink)
        for x in range(box[0], box[2], 37):
            canvas.draw.text((x + 2, y), str(whole(canvas.rng, 0, 99999)), fill=ink, font=font)
    for x in range(box[0], box[2], 37):
        canvas.draw.line((x, box[1], x, box[3]), fill=ink)


def _text_part(canvas: Canvas, box: Box, ink: Colour) -> None:
    _paragraphs(canvas, box, ink, sizes=(8, 14))


def _shaded_part(canvas: Canvas, box: Box, ink: Colour) -> None:
    shape = (box[3] - box[1] + 1, max(1, box[2] - box[0] + 1))
    paste_pattern(canvas, box, random_pattern(canvas.rng, shape), ink, any_colour(canvas.rng))


_SCREEN_PARTS: tuple[Callable[[Canvas, Box, Colour], None], ...] = (
    _buttons,
    _table_part,
    _text_part,
    _text_part,
    _shaded_part,
)


# Patterns, patches, gradients, facades ------------------------------------------------------------------------------


def _paint_pattern(canvas: Canvas) -> None:
    """One pattern over the whole tile (half of the time), or up to four of them on a flat ground."""
    rng = canvas.rng
    canvas.fill(any_colour(rng))
    everywhere = chance(rng, 0.5)
    for _ in range(1 if everywhere else whole(rng, 1, 4)):
        box = canvas.box if everywhere else random_box(canvas, 8, max(8, canvas.image.width // 2))
        on, off = ink_and_paper(rng) if chance(rng, 0.5) else (any_colour(rng), any_colour(rng))
        paste_pattern(canvas, box, random_pattern(rng, (box[3] - box[1] + 1, box[2] - box[0] + 1)), on, off)


def _paint_patches(canvas: Canvas) -> None:
    """Overlapping flat rectangles and discs in saturated colours, hard-edged."""
    rng = canvas.rng
    canvas.fill(saturated_colour(rng))
    largest = max(4, min(canvas.image.size) // 2)
    for _ in range(whole(rng, 6, 24)):
        colour = saturated_colour(rng) if chance(rng, 0.8) else any_colour(rng)
        pen = canvas.draw.rectangle if chance(rng, 0.75) else canvas.draw.ellipse
        pen(random_box(canvas, 3, largest), fill=colour)


def _paint_gradient(canvas: Canvas) -> None:
    """A linear or radial ramp between two or three colours, smooth or in visible steps."""
    rng = canvas.rng
    width, height = canvas.image.size
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    angle = rng.uniform(0, 2 * np.pi)
    flat = x * np.cos(angle) + y * np.sin(angle)
    ramp = flat if chance(rng, 0.6) else np.hypot(x - rng.uniform(-1, 1), y - rng.uniform(-1, 1))
    position = (ramp - ramp.min()) / max(float(np.ptp(ramp)), 1e-9)
    if chance(rng, 0.3):
        position = np.round(position * 12) / 12
    colours = np.array([any_colour(rng) for _ in range(whole(rng, 2, 3))], dtype=float)
    stops = np.linspace(0, 1, len(colours))
    pixels = np.stack([np.interp(position, stops, channel) for channel in colours.T], axis=-1)
    canvas.image.paste(Image.fromarray(np.round(pixels).astype(np.uint8)))


def _paint_facade(canvas: Canvas) -> None:
    """A wall of equal windows seen at a slight angle: drawn twice as large, turned, and reduced."""
    rng = canvas.rng
    side = 2 * max(canvas.image.size)
    wall = Canvas.blank(rng, (2 * side, 2 * side))
    _windows(wall)
    shear = rng.uniform(-0.25, 0.25, 2)
    corner = rng.uniform(0.2 * side, 0.5 * side, 2)
    affine = (1.0, float(shear[0]), float(corner[0]), float(shear[1]), 1.0, float(corner[1]))
    turned = wall.image.transform((side, side), Image.Transform.AFFINE, affine, Image.Resampling.BILINEAR)
    canvas.image.paste(turned.reduce(2).crop((0, 0, *canvas.image.size)))


def _windows(wall: Canvas) -> None:
    rng = wall.rng
    colour = muted_colour if chance(rng, 0.7) else any_colour
    period = [whole(rng, 8, 48), whole(rng, 8, 48)]
    pane = Image.new("RGB", (period[0], period[1]), colour(rng))
    pen = ImageDraw.Draw(pane)
    inset = whole(rng, 1, max(1, min(period) // 4))
    pen.rectangle((inset, inset, period[0] - inset, period[1] - inset), fill=colour(rng), outline=colour(rng))
    pen.line((period[0] // 2, 0, period[0] // 2, period[1]), fill=colour(rng), width=whole(rng, 1, 3))
    tile = np.asarray(pane)
    width, height = wall.image.size
    repeats = (height // period[1] + 1, width // period[0] + 1, 1)
    wall.image.paste(Image.fromarray(np.tile(tile, repeats)[:height, :width]))


KINDS: tuple[Kind, ...] = (
    Kind("text", 0.24, _paint_text),
    Kind("screen", 0.20, _paint_screen_part),
    Kind("line-art", 0.16, paint_line_art),
    Kind("pattern", 0.14, _paint_pattern),
    Kind("patches", 0.14, _paint_patches),
    Kind("gradient", 0.04, _paint_gradient),
    Kind("facade", 0.08, _paint_facade),
)
"""What a tile can be, how often, and the function that paints it."""
