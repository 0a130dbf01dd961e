"""Draws the pictures that the page of `unshrink serve` offers to try; none of them is from elsewhere.

`python -m lab.examples` writes them into the package. The circuit board is `examples/circuit.png`, smaller in bytes.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "src" / "unshrink" / "web" / "static" / "examples"
Plane = NDArray[np.float64]

WIDTH, HEIGHT = 720, 480
FACTOR = 2
"""Hills are painted so many times as large, and then reduced: edges come out smooth."""
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
INK, PAPER = (28, 36, 44), (252, 251, 247)
SERIES = ((11, 100, 112), (203, 75, 22), (108, 91, 176))


def hills(seed: int = 5) -> Image.Image:
    """Ridges behind each other in the light of a low sun, with trees on the near ones."""
    rng = np.random.default_rng(seed)
    height, width = HEIGHT * FACTOR, WIDTH * FACTOR
    picture = _sky(rng, height, width)
    y = np.arange(height)[:, None]
    for depth in range(6):
        near = depth / 5
        ridge = height * (0.42 + 0.09 * depth) - height * (0.10 + 0.05 * near) * _outline(rng, width, 3 + depth)
        ridge -= _trees(rng, width, near) if depth > 2 else 0
        colour = np.array([196, 148, 140]) * (1 - near) ** 1.3 + np.array([16, 34, 38])
        grain = 1 + (0.10 + 0.35 * near) * _noise(rng, height, width, 4 + 3 * depth)
        haze = np.clip((y - ridge[None, :]) / (height * 0.35), 0, 1)[..., None]
        body = (colour * (1 - 0.25 * haze) + np.array([226, 176, 140]) * 0.22 * (1 - near) * haze) * grain[..., None]
        picture = np.where((y >= ridge[None, :])[..., None], body, picture)
    image = Image.fromarray(np.clip(np.round(picture), 0, 255).astype(np.uint8))
    return image.resize((WIDTH, HEIGHT), Image.Resampling.LANCZOS)


def _sky(rng: np.random.Generator, height: int, width: int) -> NDArray[np.float64]:
    y, x = np.mgrid[:height, :width] / height
    share = np.clip(y / 0.62, 0, 1)[..., None]
    sky = np.array([58, 84, 128]) * (1 - share) + np.array([248, 190, 130]) * share
    clouds = np.clip(_noise(rng, height, width, 5, stretch=4) * 1.6 - 0.15, 0, 1)[..., None] * (0.35 + 0.5 * share)
    sky = sky * (1 - clouds) + np.array([255, 214, 178]) * clouds
    distance = np.hypot(x - 1.02, y - 0.40)[..., None]
    glow = np.exp(-((distance / 0.20) ** 2)) * 0.55
    sky = sky * (1 - glow) + np.array([255, 232, 190]) * glow
    return np.where(distance < 0.045, np.array([255, 246, 224]), sky)


def _noise(rng: np.random.Generator, height: int, width: int, cells: int, stretch: int = 1) -> Plane:
    """Fractal noise, about -1 to 1."""
    total: Plane = np.zeros((height, width))
    for octave in range(7):
        rows = cells * 2**octave
        if rows > height:
            break
        coarse = rng.normal(size=(rows, max(2, rows * width // height // stretch))).astype(np.float32)
        fine = Image.fromarray(coarse, "F").resize((width, height), Image.Resampling.BICUBIC)
        total += np.asarray(fine) * 0.55**octave
    scaled: Plane = total / np.abs(total).max()
    return scaled


def _outline(rng: np.random.Generator, width: int, cells: int) -> Plane:
    ends = np.linspace(0, width, cells * 2 + 1)
    outline: Plane = np.interp(np.arange(width), ends, rng.uniform(0, 1, len(ends)))
    outline += 0.4 * _noise(rng, 8, width, 1)[0]
    return outline


def _trees(rng: np.random.Generator, width: int, near: float) -> Plane:
    """How high firs stand above a ridge, in pixels along it."""
    top: Plane = np.zeros(width)
    for _ in range(int(width * 0.11)):
        centre, size = rng.integers(width), rng.uniform(10, 16 + 44 * near)
        reach = np.arange(max(0, int(centre - size * 0.22)), min(width, int(centre + size * 0.22)))
        steps = 1 - np.abs(reach - centre) / (size * 0.22)
        top[reach] = np.maximum(top[reach], size * np.clip(steps + 0.12 * np.sin(steps * 19), 0, 1))
    return top


def chart(size: tuple[int, int] = (600, 400), seed: int = 3) -> Image.Image:
    """Three measured curves with axes, a legend and small print: what photographs are not."""
    rng, image = np.random.default_rng(seed), Image.new("RGB", size, PAPER)
    pen = ImageDraw.Draw(image)
    left, top, right, bottom = 58, 54, 580, 350
    pen.text((left, 16), "Daily mean of three stations", INK, ImageFont.load_default(18))
    for step in range(9):
        y = bottom - step * (bottom - top) / 8
        pen.line([(left, y), (right, y)], (214, 210, 200))
        pen.text((left - 8, y), f"{step * 5}", INK, ImageFont.load_default(11), anchor="rm")
    for month, name in enumerate(MONTHS):
        x = left + (month + 0.5) * (right - left) / 12
        pen.text((x, bottom + 8), name, INK, ImageFont.load_default(11), anchor="ma")
    days = np.arange(365)
    for number, colour in enumerate(SERIES):
        season = 17 + number * 4 - (11 - 2 * number) * np.cos((days - 15 * number) / 58.1)
        values = season + np.convolve(rng.normal(size=371), np.ones(7) / 7, "valid") * 4
        points = [
            (left + day * (right - left) / 365, bottom - value / 40 * (bottom - top))
            for day, value in zip(days, values, strict=True)
        ]
        pen.line(points, colour, 2, joint="curve")
        pen.line([(left + 12, top + 10 + 18 * number), (left + 34, top + 10 + 18 * number)], colour, 3)
        name = ("Shore", "Valley", "Terrace")[number]
        pen.text((left + 42, top + 10 + 18 * number), name, INK, ImageFont.load_default(12), anchor="lm")
    pen.line([(left, top), (left, bottom), (right, bottom)], INK, 1)
    note = "Numbers made up by a program. Thin lines and small print are what downscaling spoils first."
    pen.text((left, 378), note, (90, 96, 104), ImageFont.load_default(10))
    return image


def main() -> None:
    """Write all three."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with Image.open(ROOT / "examples" / "circuit.png") as circuit:
        circuit.convert("RGB").save(FOLDER / "circuit.webp", quality=92, method=6)
    hills().save(FOLDER / "hills.webp", quality=92, method=6)
    chart().save(FOLDER / "chart.png", optimize=True)


if __name__ == "__main__":
    main()
