"""Draw a picture's way down and up, side by side: `python -m lab.figure IN OUT`."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from lab.baselines import bicubic_both_ways
from lab.command import answer
from unshrink.evaluate.models import there_and_back
from unshrink.evaluate.protocol import crop_to_multiple
from unshrink.files.disk import write_bytes
from unshrink.files.picture import Picture, read_picture
from unshrink.metrics.quality import psnr_y
from unshrink.rescale import Engine

WINDOW = 160
ZOOM = 2
CAPTION = 44
GAP = 8


@dataclass(frozen=True)
class Panel:
    """One picture of the figure with what is written below it."""

    image: Image.Image
    caption: str


def draw(source: Path, *, scale: int, model: str | None = None, corner: tuple[int, int] = (0, 0)) -> Image.Image:
    """Original, small file, restored, and bicubic both ways, each cut to the same window and enlarged twice.

    `corner` (x, y) is the window's top left in HR pixels. The small picture is shown at its true size, whole. Every
    figure in a caption is measured through a written file, on the whole picture.
    """
    hr = crop_to_multiple(read_picture(source), scale)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "small.png"
        restored = there_and_back(Engine(), hr, path, scale, model=model)
        small, size = read_picture(path), path.stat().st_size
        bicubic = bicubic_both_ways(hr, scale)
    panels = [
        Panel(_window(hr, corner), f"original\n{len(hr.encode('png')):,} bytes as PNG"),
        Panel(_on_canvas(small), f"small picture x{scale}, true size\n{size:,} bytes, detail included"),
        Panel(_window(restored, corner), f"restored from it alone\nY-PSNR {_psnr(hr, restored, scale):.2f} dB"),
        Panel(_window(bicubic, corner), f"bicubic down and up\nY-PSNR {_psnr(hr, bicubic, scale):.2f} dB"),
    ]
    return _side_by_side(panels)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; 0, or the error's exit code."""
    parser = argparse.ArgumentParser(prog="python -m lab.figure", description=__doc__)
    parser.add_argument("source", type=Path, metavar="IN")
    parser.add_argument("target", type=Path, metavar="OUT")
    parser.add_argument("--scale", type=int, default=4)
    parser.add_argument("--model")
    parser.add_argument("--corner", type=int, nargs=2, default=(0, 0), metavar=("X", "Y"))
    chosen = parser.parse_args(arguments)

    def work() -> None:
        figure = draw(chosen.source, scale=chosen.scale, model=chosen.model, corner=tuple(chosen.corner))
        write_bytes(chosen.target, Picture.from_pil(figure).encode("png"), overwrite=True)

    return answer(work)


def _psnr(hr: Picture, other: Picture, scale: int) -> float:
    return float(psnr_y(hr.rgb, other.rgb, scale))


def _window(picture: Picture, corner: tuple[int, int]) -> Image.Image:
    x, y = corner
    crop = picture.to_pil().convert("RGB").crop((x, y, x + WINDOW, y + WINDOW))
    return crop.resize((WINDOW * ZOOM, WINDOW * ZOOM), Image.Resampling.NEAREST)


def _on_canvas(picture: Picture) -> Image.Image:
    canvas = Image.new("RGB", (WINDOW * ZOOM, WINDOW * ZOOM), "white")
    small = picture.to_pil().convert("RGB")
    canvas.paste(small, ((canvas.width - small.width) // 2, (canvas.height - small.height) // 2))
    return canvas


def _side_by_side(panels: Sequence[Panel]) -> Image.Image:
    side = WINDOW * ZOOM
    sheet = Image.new("RGB", (len(panels) * (side + GAP) - GAP, side + CAPTION), "white")
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(15)
    for index, panel in enumerate(panels):
        left = index * (side + GAP)
        sheet.paste(panel.image, (left, 0))
        pen.multiline_text((left + side / 2, side + 4), panel.caption, "black", font, anchor="ma", align="center")
    return sheet


if __name__ == "__main__":
    sys.exit(main())
