"""Draw a training curve."""

import csv
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

from matplotlib import pyplot


def plot_curve(curve: Path, target: Path) -> None:
    """Loss and held-out PSNR over training time, from the CSV that `Record` writes, as a PNG."""
    with curve.open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    figure, (left, right) = pyplot.subplots(1, 2, figsize=(10, 4), layout="constrained")
    left.set(title="Loss", xlabel="step", yscale="log")
    left.plot(*_columns(rows, "step", "loss"), linewidth=0.8)
    right.set(title="Held-out pictures", xlabel="step", ylabel="PSNR (dB)")
    right.plot(*_columns(rows, "step", "psnr_y"), label="restored, Y")
    right.plot(*_columns(rows, "step", "lr_psnr_y"), label="LR against bicubic, Y")
    right.legend()
    figure.savefig(target, dpi=110)
    pyplot.close(figure)


def _columns(rows: list[dict[str, str]], *names: str) -> list[list[float]]:
    full = [row for row in rows if all(row[name] for name in names)]
    return [[float(row[name]) for row in full] for name in names]
