"""What bfloat16 sub-networks cost in quality: the protocol's Y-PSNR with each precision, and across the two.

    python -m lab.speed.precision FOLDER [--models lite-x2 irn-x2]

"Across" is a file made in one precision and restored in the other, as between two machines.
"""

import argparse
import tempfile
from pathlib import Path
from typing import Literal

from unshrink.evaluate.measure import Trip, measure_one
from unshrink.evaluate.protocol import find_pictures
from unshrink.files.picture import Picture, read_picture
from unshrink.models import registry
from unshrink.rescale import Engine

Precision = Literal["fast", "float32"]
PAIRS: tuple[tuple[Precision, Precision], ...] = (("float32", "float32"), ("fast", "fast"), ("fast", "float32"))
MODELS = ["irn-q-x2", "irn-q-x4", "lite-x2", "lite-x4", "dlv-x2", "dlv-x4", "irn-x2"]


def mean_psnr(name: str, folder: Path, makes: Engine, restores: Engine) -> float:
    """Mean Y-PSNR in dB of files that one engine makes and another restores."""

    def method(hr: Picture, target: Path) -> Trip:
        path = target.with_suffix(".png")
        makes.down(hr, model=name, exact_blocks=False).save(path)
        return Trip(restores.up(path), read_picture(path), path.stat().st_size)

    scale = registry.get(name).scale or 1
    with tempfile.TemporaryDirectory() as scratch:
        rows = [measure_one(method, scale, path, Path(scratch) / path.stem) for path in find_pictures(folder)]
    return float(sum(row["psnr_y"] for row in rows) / len(rows))


def main() -> None:
    """Print one row a model."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--models", nargs="+", default=MODELS, choices=registry.names())
    chosen = parser.parse_args()
    print("| model | float32 dB | fast, difference | across, difference |\n|---|---:|---:|---:|")
    for name in chosen.models:
        engines: dict[Precision, Engine] = {"float32": Engine(precision="float32"), "fast": Engine()}
        whole, fast, across = (mean_psnr(name, chosen.folder, engines[down], engines[up]) for down, up in PAIRS)
        print(f"| {name} | {whole:.3f} | {fast - whole:+.4f} | {across - whole:+.4f} |", flush=True)


if __name__ == "__main__":
    main()
