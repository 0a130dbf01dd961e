"""Small tools to draw synthetic pictures with: a canvas with its random generator, colours, fonts, words, masks."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

Pixels = NDArray[np.uint8]
"""RGB, (H, W, 3), 0..255."""
Colour = tuple[int, int, int]
Box = tuple[int, int, int, int]
"""Left, top, right, bottom in pixels; the last two are inside the box."""

BLACK: Colour = (0, 0, 0)
WHITE: Colour = (255, 255, 255)
_FONT_FOLDERS = {
    "linux": ("/usr/share/fonts", "/usr/local/share/fonts", "~/.local/share/fonts", "~/.fonts"),
    "darwin": ("/System/Library/Fonts", "/Library/Fonts", "~/Library/Fonts"),
    "win32": ("C:/Windows/Fonts",),
}
_LETTERS = "eeeeetttaaaooiinnnsshhrrrddllcumwfgypbvkjxqzETAOINSHRDLCUMWFGYPBVKJXQZ0123456789"
_PUNCTUATION = ("", "", "", "", "", "", ",", ".", ":", ";", "!", "?", "-", "/", "%")


@dataclass(frozen=True, eq=False)
class Canvas:
    """A picture being drawn: `image` (RGB), a pen on it, the generator of every choice, the fonts to choose from."""

    image: Image.Image
    draw: ImageDraw.ImageDraw
    rng: Generator
    fonts: tuple[str, ...] = ()

    @classmethod
    def blank(cls, rng: Generator, size: tuple[int, int], fonts: tuple[str, ...] = ()) -> Canvas:
        """A white canvas of `size` = (height, width) pixels."""
        image = Image.new("RGB", size[::-1], WHITE)
        return cls(image, ImageDraw.Draw(image), rng, fonts)

    @property
    def box(self) -> Box:
        """The whole canvas as a box."""
        return 0, 0, self.image.width - 1, self.image.height - 1

    def fill(self, colour: Colour) -> None:
        """Paint everything in one colour."""
        self.image.paste(colour, (0, 0, *self.image.size))

    def pixels(self) -> Pixels:
        """A copy of the picture, (H, W, 3)."""
        return np.array(self.image, dtype=np.uint8)


def chance(rng: Generator, probability: float) -> bool:
    """True with `probability` 0..1."""
    return bool(rng.random() < probability)


def whole(rng: Generator, low: int, high: int) -> int:
    """A whole number from `low` to `high`, both included; `low` where the range is empty."""
    return int(rng.integers(low, max(low, high) + 1))


def any_colour(rng: Generator) -> Colour:
    """Saturated corner of the RGB cube, grey, or anything, about a third each."""
    kind = rng.integers(3)
    if kind == 0:
        return _triple(rng.integers(0, 2, 3) * 255)
    return _triple(np.repeat(rng.integers(256), 3) if kind == 1 else rng.integers(0, 256, 3))


def saturated_colour(rng: Generator) -> Colour:
    """A colour with one channel near 255 and one near 0."""
    return _triple(rng.permutation([rng.integers(225, 256), rng.integers(0, 256), rng.integers(0, 31)]))


def muted_colour(rng: Generator) -> Colour:
    """A grey with a slight tint, as of stone, plaster and glass."""
    return _triple(np.clip(rng.integers(10, 246) + rng.integers(-24, 25, 3), 0, 255))


def ink_and_paper(rng: Generator) -> tuple[Colour, Colour]:
    """Two colours to write with: dark on light (half), light on dark (a quarter), any two (a quarter)."""
    dark, light = _triple(rng.integers(0, 80, 3)), _triple(rng.integers(200, 256, 3))
    if chance(rng, 0.4):
        dark, light = BLACK, WHITE
    draw = rng.random()
    if draw < 0.75:
        return (dark, light) if draw < 0.5 else (light, dark)
    return any_colour(rng), any_colour(rng)


def random_box(canvas: Canvas, smallest: int, largest: int) -> Box:
    """A box inside the canvas whose sides are `smallest` to `largest` pixels, less where the canvas is smaller."""
    width, height = canvas.image.size
    w, h = (min(side, whole(canvas.rng, smallest, largest)) for side in (width, height))
    left, top = whole(canvas.rng, 0, width - w), whole(canvas.rng, 0, height - h)
    return left, top, left + w - 1, top + h - 1


def words(rng: Generator, count: int) -> str:
    """`count` made-up words of 1 to 11 letters, digits and capitals among them, with punctuation."""
    return " ".join(_word(rng) for _ in range(count))


def pick_font(canvas: Canvas, smallest: int, largest: int) -> ImageFont.FreeTypeFont:
    """A font of `smallest` to `largest` pixels: Pillow's own, or one of the canvas's (each equally likely)."""
    faces = ("", *canvas.fonts)
    return _font(faces[whole(canvas.rng, 0, len(faces) - 1)], whole(canvas.rng, smallest, largest))


def stamp(canvas: Canvas, colour: Colour, paint: Callable[[ImageDraw.ImageDraw, int], None], *, smooth: bool) -> None:
    """Paint shapes in one colour through a mask; `paint` gets a pen and the factor to multiply its coordinates by.

    The factor is 4 for `smooth` (anti-aliased) shapes and 1 for hard ones; the pen draws in 255.
    """
    factor = 4 if smooth else 1
    mask = Image.new("L", (canvas.image.width * factor, canvas.image.height * factor))
    paint(ImageDraw.Draw(mask), factor)
    canvas.image.paste(colour, mask=mask.reduce(factor) if smooth else mask)


def paste_pattern(canvas: Canvas, box: Box, mask: NDArray[np.bool_], on: Colour, off: Colour) -> None:
    """Lay a two-colour pattern, `mask` of the box's (height, width), into `box`."""
    pixels = np.where(mask[..., None], np.array(on, np.uint8), np.array(off, np.uint8))
    canvas.image.paste(Image.fromarray(pixels), box[:2])


def checks(shape: tuple[int, int], cell: int, phase: tuple[int, int]) -> NDArray[np.bool_]:
    """Squares of `cell` pixels, shifted by `phase` = (down, right) pixels; the first is False at phase 0."""
    y, x = np.ogrid[: shape[0], : shape[1]]
    return np.asarray(((y + phase[0]) // cell + (x + phase[1]) // cell) % 2 == 1)


def stripes(rng: Generator, shape: tuple[int, int], direction: tuple[int, int]) -> NDArray[np.bool_]:
    """Lines and gaps of one to three pixels each; `direction` = how fast (down, right) crosses them."""
    on, off, phase = whole(rng, 1, 3), whole(rng, 1, 3), whole(rng, 0, 5)
    y, x = np.ogrid[: shape[0], : shape[1]]
    return np.broadcast_to((direction[0] * y + direction[1] * x + phase) % (on + off) < on, shape)


def random_pattern(rng: Generator, shape: tuple[int, int]) -> NDArray[np.bool_]:
    """Checks (0.4), stripes along or across (0.3) or aslant (0.15), a grid (0.15); lines of one to three pixels."""
    draw = rng.random()
    if draw < 0.4:
        return checks(shape, int(rng.choice([1, 1, 1, 2, 3])), (whole(rng, 0, 5), whole(rng, 0, 5)))
    if draw < 0.7:
        return stripes(rng, shape, (1, 0) if chance(rng, 0.5) else (0, 1))
    if draw < 0.85:
        return stripes(rng, shape, (1, int(rng.choice([-2, -1, 1, 2]))))
    return np.asarray(stripes(rng, shape, (1, 0)) | stripes(rng, shape, (0, 1)))


def system_fonts() -> tuple[Path, ...]:
    """TrueType and OpenType fonts installed here that Pillow can use, sorted by path; empty where there are none."""
    folders = _FONT_FOLDERS.get(sys.platform, _FONT_FOLDERS["linux"])
    found = (path for folder in folders for path in Path(folder).expanduser().rglob("*.[ot]tf"))
    return tuple(sorted(path for path in found if _usable(path)))


def rows(canvas: Canvas, start: int, stop: int, low: int, high: int) -> Iterator[int]:
    """Positions from `start` to before `stop`, `low` to `high` pixels apart (a new step each time)."""
    while start < stop:
        yield start
        start += whole(canvas.rng, low, high)


def _word(rng: Generator) -> str:
    letters = "".join(_LETTERS[index] for index in rng.integers(0, len(_LETTERS), rng.integers(1, 12)))
    return letters + _PUNCTUATION[rng.integers(len(_PUNCTUATION))]


def _triple(values: NDArray[np.int64]) -> Colour:
    red, green, blue = (int(value) for value in values)
    return red, green, blue


def _usable(path: Path) -> bool:
    try:
        ImageFont.truetype(str(path), 12).getbbox("ag")
    except OSError:
        return False
    return True


@lru_cache(maxsize=512)
def _font(face: str, size: int) -> ImageFont.FreeTypeFont:
    if face:
        return ImageFont.truetype(face, size)
    font = ImageFont.load_default(float(size))
    if isinstance(font, ImageFont.FreeTypeFont):
        return font
    raise RuntimeError("this Pillow was built without FreeType, which synthetic text needs; install Pillow's own wheel")
