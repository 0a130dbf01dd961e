"""What parts of a coded stream and their surroundings cost: `python -m lab.parts DATA`, into docs/coded-stream.md.

DATA is the folder of pictures that training takes its own from; those that it held out are cut to squares, shrunk and
restored from the pixels alone, with parts of several sizes that are shown more or less of what lies around them.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch

import numpy as np
from numpy.typing import NDArray

from lab.command import answer
from lab.pages import fill, markdown_table
from unshrink import Engine
from unshrink.data.pack import held_out
from unshrink.files.picture import read_picture
from unshrink.metrics.quality import psnr_rgb, psnr_y
from unshrink.rescale import board, surroundings
from unshrink.rescale.avif import bicubic

HOLDOUT = 16
"""As in the recipes."""
SIDE = 256
PAGE = Path("docs/coded-stream.md")
HEADS = ["parts of HR pixels", "shown around them", "HR Y", "HR RGB", "LR Y", "LR RGB"]


def measure_parts(model: str, scale: int, data: Path, sides: Sequence[int], halos: Sequence[int], most: int) -> str:
    """Markdown: a row for each size of parts and of surroundings, over up to `most` held-out pictures."""
    pictures = list(_squares(data, most))
    engine = Engine()
    rows = []
    for side in sides:
        for halo in halos:
            with _parts(side, halo):
                shown = np.mean([_sides(engine, model, scale, picture) for picture in pictures], axis=0)
            rows.append([f"{side}", f"{halo}", *(f"{value:.2f}" for value in shown)])
    return f"`{model}`, {len(pictures)} held-out squares of {SIDE} x {SIDE}:\n\n{markdown_table(HEADS, rows)}"


@contextmanager
def _parts(side: int, halo: int) -> Iterator[None]:
    with patch.object(board, "LEAST_SIDES", (side, side)), patch.object(surroundings, "HALO", halo):
        yield


def _squares(data: Path, most: int) -> Iterator[NDArray[np.uint8]]:
    """The centre of one held-out picture of each photograph, which may be several tiles."""
    seen: set[str] = set()
    for path in held_out(data, HOLDOUT):
        whole = path.stem.split(".")[0].rsplit("_", 1)[0]
        if whole in seen or len(seen) == most:
            continue
        seen.add(whole)
        rgb = read_picture(path.read_bytes()).rgb
        top, left = ((length - SIDE) // 2 for length in rgb.shape[:2])
        yield np.ascontiguousarray(rgb[top : top + SIDE, left : left + SIDE])


def _sides(engine: Engine, model: str, scale: int, hr: NDArray[np.uint8]) -> list[float]:
    lr = engine.down(hr, scale, model=model, exact_blocks=False)
    made, small = engine.up(lr).rgb, lr.lrfile.picture.rgb
    wanted = np.clip(np.rint(bicubic(hr, small.shape[:2])), 0, 255).astype(np.uint8)
    pairs = ((hr, made), (wanted, small))
    return [score(*pair, border=scale) for pair in pairs for score in (psnr_y, psnr_rgb)]


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; 0, or the error's exit code."""
    parser = argparse.ArgumentParser(prog="python -m lab.parts", description=__doc__)
    parser.add_argument("data", type=Path, metavar="DATA", help="the folder that training takes pictures from")
    parser.add_argument("--scale", type=int, choices=(2, 4), default=4)
    parser.add_argument("--sides", type=int, nargs="+", default=[64, 96, 128])
    parser.add_argument("--halos", type=int, nargs="+", default=[0, 16, 32])
    parser.add_argument("--most", type=int, default=12)
    parser.add_argument("--page", type=Path, default=PAGE)
    chosen = parser.parse_args(arguments)

    def work() -> None:
        name = f"stream-x{chosen.scale}"
        table = measure_parts(name, chosen.scale, chosen.data, chosen.sides, chosen.halos, chosen.most)
        fill(chosen.page, f"parts-x{chosen.scale}", table)

    return answer(work)


if __name__ == "__main__":
    sys.exit(main())
