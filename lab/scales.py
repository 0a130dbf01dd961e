"""PSNR over scale: a model of any scale, bicubic both ways, and models of one scale, on folders of pictures.

`python -m lab.scales OUT.json DIR...` measures and writes the curve as JSON, and as OUT.png where
matplotlib is installed.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lab.baselines import evaluate_bicubic
from lab.command import run_command
from unshrink.evaluate.measure import SCHEMA, Report
from unshrink.evaluate.models import evaluate
from unshrink.models.registry import default_for, default_scales, get
from unshrink.rescale.sizes import Scale

SCALES: tuple[Scale, ...] = (
    1.1,
    1.25,
    1.5,
    1.75,
    2.0,
    2.25,
    2.5,
    2.75,
    3.0,
    3.25,
    3.5,
    3.75,
    4.0,
    (1.5, 3.0),
    (3.0, 1.5),
)
"""Where the curve is measured, and two pairs along height and width."""


def measure_curve(
    name: str, folders: Sequence[Path], *, scales: Sequence[Scale] = SCALES, weights: Path | None = None
) -> Report:
    """Mean Y-PSNR in dB by set of model `name`, of bicubic both ways and of the default models of one scale.

    Returns plain data: `kind` "scales", `model`, and `points`, one for each system and scale, with `system`,
    `scale`, `lr_psnr_y` and `psnr_y` keyed by set. All through written files, as `evaluate`.
    """
    points = [_point(evaluate(name, folders, scale=scale, weights=weights)) for scale in scales]
    points += [_point(evaluate_bicubic(scale, folders)) for scale in scales]
    points += [_point(evaluate(default_for(scale).name, folders)) for scale in default_scales()]
    return {"schema": SCHEMA, "kind": "scales", "model": get(name).name, "points": points}


def plot_curve(report: Report, target: Path) -> None:
    """The curve of the first set as a PNG: lines over symmetric scales, marks for models of one scale."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(7, 4), layout="constrained")
    for system in dict.fromkeys(point["system"] for point in report["points"]):
        known = [point for point in report["points"] if point["system"] == system and _is_number(point["scale"])]
        pairs = sorted((point["scale"], next(iter(point["psnr_y"].values()))) for point in known)
        axes.plot(*zip(*pairs, strict=True), "o" if len(pairs) == 1 else "o-", markersize=4, label=system)
    axes.set(xlabel="scale", ylabel="Y-PSNR (dB)")
    axes.legend()
    figure.savefig(target, dpi=110)
    pyplot.close(figure)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; 0, or the error's exit code."""
    return run_command(arguments, measure_curve, plot_curve, __doc__)


def _point(report: Report) -> dict[str, Any]:
    sets = report["sets"].items()
    return {
        "system": report["model"],
        "scale": report["scale"],
        "psnr_y": {name: figures["psnr_y"] for name, figures in sets},
        "lr_psnr_y": {name: figures["lr_psnr_y"] for name, figures in sets},
    }


def _is_number(scale: object) -> bool:
    return isinstance(scale, int | float)


if __name__ == "__main__":
    sys.exit(main())
