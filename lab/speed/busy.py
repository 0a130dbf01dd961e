"""`down` on a machine at rest and on a busy one, as it was and as it is: threads that spin or sleep, several processes.

    python -m lab.speed.busy [--pictures 40] [--effort 2]

Prints seconds, and ratios to the old setting under the same load, all from one run. "Busy" is one process for each
processor that never sleeps.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import Image

OLD = {"OMP_WAIT_POLICY": "PASSIVE", "GOMP_SPINCOUNT": "300000"}
"""What libgomp does where nothing is said: its threads spin that often before they sleep."""
NEW = {"OMP_WAIT_POLICY": "PASSIVE"}


def main() -> None:
    """Run the comparison and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=int, default=40)
    parser.add_argument("--effort", type=int, default=2)
    given = parser.parse_args()
    cores = os.cpu_count() or 1
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        draw(folder / "one", 1, (321, 481))
        draw(folder / "many", given.pictures, (321, 481))
        print(f"{cores} processors; load of the last minute before it began: {os.getloadavg()[0]:.1f}\n")
        print("| load | what | as it was, s | as it is, s | with --jobs auto, s | times as fast |")
        print("|---|---|---:|---:|---:|---:|")
        for busy in (0, cores):
            with load(busy):
                for what, source, options in (
                    (f"one picture, effort {given.effort}", folder / "one", ["-e", str(given.effort)]),
                    (f"{given.pictures} pictures", folder / "many", []),
                ):
                    row(f"{busy} busy processes", what, source, options, cores)


def row(load: str, what: str, source: Path, options: list[str], cores: int) -> None:
    """Time the three settings on one folder and print them."""
    old = seconds(source, [*options, "--threads", str(cores)], OLD)
    new = seconds(source, options, NEW)
    jobs = seconds(source, [*options, "--jobs", "auto"], NEW)
    print(f"| {load} | {what} | {old:.1f} | {new:.1f} | {jobs:.1f} | {old / min(new, jobs):.1f} |", flush=True)


def seconds(source: Path, options: list[str], environment: dict[str, str]) -> float:
    """Of one command, start-up included."""
    variables = {key: value for key, value in os.environ.items() if key not in (*OLD, "OMP_NUM_THREADS")}
    with tempfile.TemporaryDirectory() as out:
        start = time.perf_counter()
        command = [sys.executable, "-m", "unshrink", "down", str(source), "-q", "-o", out + "/", *options]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=variables | environment)
        return time.perf_counter() - start


def draw(folder: Path, count: int, size: tuple[int, int]) -> None:
    """JPEGs of soft noise."""
    folder.mkdir()
    rng = np.random.default_rng(0)
    for number in range(count):
        coarse = Image.fromarray(rng.integers(0, 255, (size[0] // 8, size[1] // 8, 3), dtype=np.uint8))
        coarse.resize((size[1], size[0]), Image.Resampling.BICUBIC).save(folder / f"{number}.jpg", quality=90)


@contextmanager
def load(processes: int) -> Iterator[None]:
    """So many processes that never sleep, while the block runs, and the minute before it begins."""
    started = [multiprocessing.Process(target=_spin, daemon=True) for _ in range(processes)]
    for process in started:
        process.start()
    if started:
        time.sleep(60)  # until the load average tells of them
    try:
        yield
    finally:
        for process in started:
            process.kill()


def _spin() -> None:
    while True:
        pass


if __name__ == "__main__":
    main()
