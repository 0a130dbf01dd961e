"""Seconds and peak memory over picture sizes: whole commands, and the network alone in three ways.

    python -m lab.speed.sizes [--megapixels 0.25 1 4 12 48] [--model irn-q-x4] [--json FILE] [--plot FILE.png]

The network goes down and up once: in tiles as the engine runs it ("tiles"), and written straightforwardly, the whole
picture at once in float32 with nothing in place ("plain"), where that fits in --most-plain megapixels. Beside them
stands what its multiplications would take at the rate of a large matrix product ("ceiling"). Every figure is of a
process of its own; memory is its peak resident memory, torch's libraries included. About 8 minutes on 2 cores.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

from lab.speed.commands import Cost, make_picture, run

# No torch in this process: a child's peak memory begins with what its parent held.
ONE_PASS = "lab.speed.one_pass"
CURVES = {
    "command_down": "unshrink down",
    "command_up": "unshrink up",
    "tiles": "network in tiles",
    "plain": "network, plain PyTorch",
}


@dataclass(frozen=True)
class Row:
    """What one size costs; seconds of the network are of both directions together."""

    megapixels: float
    command_down: Cost
    command_up: Cost
    tiles: Cost
    plain: Cost | None
    ceiling_seconds: float


def network_cost(way: str, name: str, side: int) -> Cost:
    """One way of `one_pass.py`."""
    command = [sys.executable, "-m", ONE_PASS, way, name, str(side)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    printed = process.stdout.read()  # type: ignore[union-attr]
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = status
    if status:
        raise SystemExit(f"{' '.join(command)} failed")
    return Cost(float(printed), usage.ru_maxrss / 1024)


def measure(megapixels: float, name: str, most_plain: float, folder: Path) -> Row:
    """Everything about one size; sides are multiples of 24."""
    side = round((megapixels * 1e6) ** 0.5 / 24) * 24
    source, small, restored = folder / "in.jpg", folder / "small.png", folder / "restored.png"
    make_picture(source, side)
    tool = [sys.executable, "-m", "unshrink"]
    return Row(
        megapixels,
        run([*tool, "down", str(source), str(small), "-m", name, "--overwrite", "--quiet"]),
        run([*tool, "up", str(small), str(restored), "--overwrite", "--quiet"]),
        network_cost("tiles", name, side),
        network_cost("plain", name, side) if megapixels <= most_plain else None,
        network_cost("ceiling", name, side).seconds,
    )


def table(rows: list[Row]) -> str:
    """Markdown: absolute figures, and the ratios they are for."""
    lines = [
        "| megapixels | down s | up s | network s | plain s | faster | share of ceiling | down MB | up MB | network MB "
        "| plain MB |",
        "|---:|" + "---:|" * 10,
    ]
    for row in rows:
        plain, net = row.plain, row.tiles
        ratio = f"{plain.seconds / net.seconds:.1f}x" if plain else "-"
        cells = [f"{row.megapixels:g}", f"{row.command_down.seconds:.2f}", f"{row.command_up.seconds:.2f}"]
        cells += [f"{net.seconds:.2f}", f"{plain.seconds:.2f}" if plain else "-", ratio]
        cells += [f"{row.ceiling_seconds / net.seconds:.0%}", f"{row.command_down.megabytes:.0f}"]
        cells += [f"{row.command_up.megabytes:.0f}", f"{net.megabytes:.0f}", f"{plain.megabytes:.0f}" if plain else "-"]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def plot(rows: list[Row], path: Path) -> None:
    """Two panels with logarithmic axes: seconds and memory over megapixels."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, panels = pyplot.subplots(1, 2, figsize=(10, 4), layout="constrained")
    for panel, unit, title in zip(panels, ("seconds", "megabytes"), ("seconds", "peak memory, MB"), strict=True):
        for key, label in CURVES.items():
            costs = [(row.megapixels, getattr(row, key)) for row in rows]
            points = [(size, getattr(cost, unit)) for size, cost in costs if cost is not None]
            panel.plot(*zip(*points, strict=True), marker="o", label=label)
        panel.set(xscale="log", yscale="log", xlabel="megapixels", ylabel=title)
        panel.grid(True, which="both", alpha=0.3)
    panels[0].plot([row.megapixels for row in rows], [row.ceiling_seconds for row in rows], "k--", label="ceiling")
    panels[0].legend()
    figure.savefig(path, dpi=120)


def read_arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megapixels", type=float, nargs="+", default=[0.25, 1, 4, 12, 48])
    parser.add_argument("--model", default="irn-q-x4")
    parser.add_argument("--most-plain", type=float, default=12, help="megapixels up to which the plain way is run")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--plot", type=Path)
    return parser.parse_args()


def main() -> None:
    """Measure each size, print a table, and write what was asked for."""
    chosen = read_arguments()
    with tempfile.TemporaryDirectory() as folder:
        rows = [measure(size, chosen.model, chosen.most_plain, Path(folder)) for size in chosen.megapixels]
    print(table(rows))
    if chosen.json:
        about = {"model": chosen.model, "cores": os.cpu_count()}
        chosen.json.write_text(json.dumps({**about, "rows": [asdict(row) for row in rows]}, indent=1) + "\n")
    if chosen.plot:
        plot(rows, chosen.plot)


if __name__ == "__main__":
    main()
