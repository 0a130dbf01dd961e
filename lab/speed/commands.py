"""Whole commands, file to file: seconds and peak memory of `unshrink down` and `up` over picture sizes.

    python -m lab.speed.commands [--megapixels 0.25 1 4 12] [--scale 4] [--runs 3]

Each command is a process of its own, so start-up, reading and writing are included. The picture is made from noise and
shapes, seed 0. Beside the seconds stands the ratio to the same command on a picture of 16x16 pixels: start-up alone.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image


@dataclass(frozen=True)
class Cost:
    """Medians over the runs of one command."""

    seconds: float
    megabytes: float


def make_picture(path: Path, side: int) -> None:
    """A square JPEG with smooth colour, edges and noise, made in a process of its own; see `run`."""
    subprocess.run([sys.executable, __file__, "--make", str(path), str(side)], check=True)


def _make_picture(path: str, side: int) -> None:
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 255, (max(2, side // 32), max(2, side // 32), 3), dtype=np.uint8)
    picture = np.asarray(Image.fromarray(coarse).resize((side, side), Image.Resampling.BICUBIC)).astype(np.int16)
    picture += rng.integers(-12, 12, picture.shape, dtype=np.int16)
    Image.fromarray(picture.clip(0, 255).astype(np.uint8)).save(path, quality=95)


def run(command: Sequence[str]) -> Cost:
    """Run once; wall-clock seconds and the process's own peak resident memory.

    That begins with what its parent holds when it starts it, so this process must stay small.
    """
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{' '.join(command)} failed")
    return Cost(time.perf_counter() - start, usage.ru_maxrss / 1024)


def median(command: Sequence[str], runs: int) -> Cost:
    """The median of some runs."""
    costs = [run(command) for _ in range(runs)]
    return Cost(statistics.median(c.seconds for c in costs), statistics.median(c.megabytes for c in costs))


def measure(side: int, scale: int, runs: int, folder: Path) -> tuple[Cost, Cost]:
    """Down and up of a picture of side x side pixels."""
    source, small, restored = folder / "in.jpg", folder / "small.png", folder / "restored.png"
    make_picture(source, side)
    tool = [sys.executable, "-m", "unshrink"]
    down = median([*tool, "down", str(source), str(small), "-s", str(scale), "--overwrite", "--quiet"], runs)
    up = median([*tool, "up", str(small), str(restored), "--overwrite", "--quiet"], runs)
    return down, up


def main() -> None:
    """Print one row a size."""
    if sys.argv[1:2] == ["--make"]:
        _make_picture(sys.argv[2], int(sys.argv[3]))
        return
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megapixels", type=float, nargs="+", default=[0.25, 1, 4, 12])
    parser.add_argument("--scale", type=int, default=4)
    parser.add_argument("--runs", type=int, default=3)
    chosen = parser.parse_args()
    print("| megapixels | down s | up s | down MB | up MB | down, of start-up | up, of start-up |")
    print("|---:|---:|---:|---:|---:|---:|---:|")
    with tempfile.TemporaryDirectory() as folder:
        least = measure(16, chosen.scale, chosen.runs, Path(folder))
        for size in chosen.megapixels:
            down, up = measure(round((size * 1e6) ** 0.5), chosen.scale, chosen.runs, Path(folder))
            ratios = f"{down.seconds / least[0].seconds:.1f} | {up.seconds / least[1].seconds:.1f}"
            memory = f"{down.megabytes:.0f} | {up.megabytes:.0f}"
            print(f"| {size:g} | {down.seconds:.2f} | {up.seconds:.2f} | {memory} | {ratios} |", flush=True)


if __name__ == "__main__":
    main()
