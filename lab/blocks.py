"""What exact blocks cost and bring: `python -m lab.blocks irn-q-x2 irn-q-x4 --photos DIR`, into docs/exact-blocks.md.

Each picture is shrunk twice through written files, with exact blocks and without. Photographs are those of DIR that the
recipes hold out of training (one in 16, by name). Synthetic pictures are drawn by `unshrink.data.synthetic`, a few
of each kind.
"""

from __future__ import annotations

import argparse
import math
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lab.baselines import bicubic_both_ways
from lab.command import answer
from lab.pages import fill, markdown_table
from unshrink.data import synthetic
from unshrink.data.pack import held_out
from unshrink.errors import UsageError
from unshrink.evaluate.models import there_and_back
from unshrink.evaluate.protocol import crop_to_multiple
from unshrink.files.picture import Picture, read_picture
from unshrink.metrics.quality import Pixels, psnr_rgb
from unshrink.models import registry
from unshrink.models.zoo import find
from unshrink.rescale import Engine

HOLDOUT = 16
PAGE = Path("docs/exact-blocks.md")
_TILE = 256
_TILES = 4
_PAGE = (240, 320)


@dataclass(frozen=True, kw_only=True)
class Row:
    """One picture: bytes of the LR file, PSNR over RGB in dB and the worst pixel, without blocks, with, and bicubic."""

    bytes_without: int
    bytes_with: int
    psnr: tuple[float, float, float]
    worst: tuple[int, int, int]


def measure_blocks(engine: Engine, model: str, hr: Pixels) -> Row:
    """Shrink and restore `hr` (H, W, 3) with `model`, with exact blocks and without, through written files."""
    scale = registry.get(model).scale
    if scale is None:
        raise UsageError(f"{model} has no scale of its own; name a model that has.")
    hr = crop_to_multiple(Picture(rgb=hr), scale).rgb
    plain, exact = (_through_file(engine, model, hr, exact_blocks) for exact_blocks in (False, True))
    restored = (plain[0], exact[0], bicubic_both_ways(Picture(rgb=hr), scale).rgb)
    off = [int(np.abs(hr.astype(np.int16) - pixels).max()) for pixels in restored]
    psnr = [psnr_rgb(hr, pixels, 0) for pixels in restored]
    return Row(
        bytes_without=plain[1],
        bytes_with=exact[1],
        psnr=(psnr[0], psnr[1], psnr[2]),
        worst=(off[0], off[1], off[2]),
    )


def renders() -> dict[str, Callable[[], Iterator[Pixels]]]:
    """Synthetic pictures by kind: three pages of each sort, a checkerboard, and tiles of every kind that trains."""
    kinds: dict[str, Callable[[], Iterator[Pixels]]] = {
        "page of text": lambda: (synthetic.text_page(seed, _PAGE) for seed in range(3)),
        "page like a screenshot": lambda: (synthetic.screenshot_page(seed, _PAGE) for seed in range(3)),
        "saturated colours": lambda: (synthetic.saturated_page(seed, _PAGE) for seed in range(3)),
        "one-pixel checkerboard": lambda: iter([synthetic.checkerboard(_PAGE[0])]),
    }
    for kind in synthetic.KINDS:
        kinds[f"tiles: {kind.name}"] = lambda name=kind.name: _tiles(name)  # type: ignore[misc]
    return kinds


def table(rows: Mapping[str, Sequence[Row]]) -> str:
    """A Markdown table, a line for each kind of pictures: mean bytes and PSNR, and the worst pixel of all."""
    heads = ["pictures", "number", "bytes", "with blocks", "more"]
    heads += ["PSNR bicubic", "without", "with", "worst bicubic", "without", "with"]
    lines = []
    for kind, measured in rows.items():
        without, with_ = sum(row.bytes_without for row in measured), sum(row.bytes_with for row in measured)
        more = sum(row.bytes_with / row.bytes_without - 1 for row in measured) / len(measured)
        cells = [kind, str(len(measured)), f"{without // len(measured):,}", f"{with_ // len(measured):,}"]
        cells += [f"{100 * more:.2f} %"]
        cells += [_decibels([row.psnr[i] for row in measured]) for i in (2, 0, 1)]
        cells += [str(max(row.worst[i] for row in measured)) for i in (2, 0, 1)]
        lines.append(cells)
    return markdown_table(heads, lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command: a table for each model; 0, or the error's exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+")
    parser.add_argument("--photos", type=Path, metavar="DIR", help="folder of training pictures; the held-out are used")
    parser.add_argument("--most", type=int, metavar="N", help="at most N photographs, spread over the folder")
    parser.add_argument("--page", type=Path, default=PAGE)
    chosen = parser.parse_args(arguments)

    def work() -> None:
        tables = [_measured(model, chosen.photos, chosen.most) for model in chosen.models]
        fill(chosen.page, "blocks", "\n\n".join(tables))

    return answer(work)


def _measured(model: str, photos: Path | None, most: int | None) -> str:
    engine = Engine()
    rows = {kind: [measure_blocks(engine, model, hr) for hr in pictures()] for kind, pictures in _all(photos, most)}
    weights = find(model)
    return f"`{model}` {weights.version}, weights {weights.digest[:12]}:\n\n{table(rows)}"


def _all(photos: Path | None, most: int | None) -> Iterator[tuple[str, Callable[[], Iterator[Pixels]]]]:
    if photos is not None:
        paths = held_out(photos, HOLDOUT)
        if not paths:
            raise UsageError(
                f"No picture in {photos} is one of those that training leaves out, 1 in {HOLDOUT}; give more."
            )
        paths = paths[:: -(-len(paths) // most)] if most else paths
        yield "photographs, held out", lambda: (read_picture(path).rgb for path in paths)
        yield "the same in grey", lambda: (_grey(read_picture(path)) for path in paths)
    yield from renders().items()


def _grey(picture: Picture) -> Pixels:
    mean: Pixels = np.round(picture.rgb.mean(axis=2)).astype(np.uint8)
    return mean[..., None].repeat(3, axis=2)


def _tiles(kind: str) -> Iterator[Pixels]:
    return (synthetic.synth_tile(np.random.default_rng(seed), _TILE, kind=kind) for seed in range(_TILES))


def _through_file(engine: Engine, model: str, hr: Pixels, exact_blocks: bool) -> tuple[Pixels, int]:
    with tempfile.TemporaryDirectory(prefix="unshrink-") as folder:
        path = Path(folder) / "small.png"
        restored = there_and_back(engine, Picture(rgb=hr), path, model=model, exact_blocks=exact_blocks)
        return restored.rgb, path.stat().st_size


def _decibels(values: Sequence[float]) -> str:
    """The mean over the pictures that did not come back exactly, and how many did."""
    finite = [value for value in values if math.isfinite(value)]
    exact = len(values) - len(finite)
    if not finite:
        return "exact"
    return f"{sum(finite) / len(finite):.2f}" + (f" ({exact} exact)" if exact else "")


if __name__ == "__main__":
    raise SystemExit(main())
