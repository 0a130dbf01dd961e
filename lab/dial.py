"""Measure the dial of a model: `python -m lab.dial MODEL FOLDER... --out FILE.json [--plot FILE.png]`.

For each sigma, distortion (Y-PSNR) and perception (LPIPS) of pictures that were written, closed, read back and
restored. Several reports can be plotted in one figure, such as that of a model trained with two values of sigma.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lab.command import answer, write_json
from unshrink.errors import UsageError
from unshrink.evaluate.measure import Progress, Report
from unshrink.evaluate.protocol import crop_to_multiple, find_pictures
from unshrink.files.picture import Picture, read_picture
from unshrink.metrics.perceptual import SMALLEST, lpips, metric_name
from unshrink.metrics.quality import psnr_y
from unshrink.models import registry
from unshrink.rescale import Engine

SIGMAS = (0.0, 0.25, 0.5, 0.75, 1.0)
SEED = 7


def measure_dial(
    name: str,
    folders: Sequence[Path],
    *,
    weights: Path | None = None,
    sigmas: Sequence[float] = SIGMAS,
    seed: int = SEED,
    progress: Progress | None = None,
) -> Report:
    """Y-PSNR and LPIPS of model `name` at every sigma, means over all pictures of `folders` together, one a folder.

    LR files are written without exact blocks, and as many pixels as the scale are left out at each side, as in
    docs/protocol.md. The report is plain data: `model`, `weights` (SHA-256), `metric`, `seed`, and `sets`,
    keyed by the folder's name, each with `images` and `curve`, a list of `sigma`, `psnr_y`, `lpips`. Raises
    UnknownNameError, WeightsError, UnreadableInputError, and UsageError for a model without a dial, for folders without
    pictures, for pictures under 32 pixels a side inside the border, and without the extra "perceptual".
    """
    spec = registry.get(name)
    if not spec.dial or spec.scale is None:
        raise UsageError(f"{name} has no dial to measure.")
    trip = _Trip(Engine(weights=weights), name, spec.scale, sigmas, seed)
    metric = metric_name()
    sets = {folder.resolve().name: _measure_folder(trip, folder, progress) for folder in folders}
    digest = trip.engine.load(name).weights.digest
    return {"kind": "dial", "model": name, "weights": digest, "metric": metric, "seed": seed, "sets": sets}


def plot_dials(reports: Sequence[tuple[str, Report]], target: Path) -> None:
    """Draw the curves of (label, report) pairs, a panel for each set, as a PNG. Needs the extra "plots"."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    names = list(reports[0][1]["sets"])
    figure, axes = pyplot.subplots(1, len(names), figsize=(5 * len(names), 4), layout="constrained", squeeze=False)
    for axis, name in zip(axes[0], names, strict=True):
        axis.set(
            title=f"{name}, sigma {SIGMAS[0]:g} to {SIGMAS[-1]:g}",
            xlabel="Y-PSNR (dB)",
            ylabel="LPIPS, lower is better",
        )
        for label, report in reports:
            curve = report["sets"][name]["curve"]
            axis.plot([point["psnr_y"] for point in curve], [point["lpips"] for point in curve], "o-", label=label)
        axis.legend()
    figure.savefig(target, dpi=110)
    pyplot.close(figure)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; 0, or the error's exit code."""
    chosen = _parser().parse_args(arguments)

    def work() -> None:
        report = measure_dial(chosen.model, chosen.folders, weights=chosen.weights)
        write_json(chosen.out, report)
        if chosen.plot:
            others = [(path.stem, json.loads(path.read_text(encoding="utf-8"))) for path in chosen.beside]
            plot_dials([(chosen.out.stem, report), *others], chosen.plot)

    return answer(work)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m lab.dial", description=__doc__)
    parser.add_argument("model")
    parser.add_argument("folders", type=Path, nargs="+", metavar="FOLDER")
    parser.add_argument("--weights", type=Path, metavar="PATH", help="folder of weights to use instead")
    parser.add_argument("--out", type=Path, required=True, metavar="JSON")
    parser.add_argument("--plot", type=Path, metavar="PNG")
    parser.add_argument("--beside", type=Path, nargs="*", default=[], metavar="JSON", help="reports to plot beside it")
    return parser


@dataclass(frozen=True)
class _Trip:
    """What is done with each picture."""

    engine: Engine
    model: str
    scale: int
    sigmas: Sequence[float]
    seed: int

    def measure(self, path: Path) -> list[tuple[float, float]]:
        """(Y-PSNR, LPIPS) at every sigma, from one LR file."""
        hr = crop_to_multiple(read_picture(path), self.scale)
        if min(hr.size) < SMALLEST + 2 * self.scale:
            raise UsageError(f"{path} is too small for the perceptual metric; leave it out.")
        with tempfile.TemporaryDirectory(prefix="unshrink-") as scratch:
            small = Path(scratch) / "small.png"
            self.engine.down(hr, model=self.model, exact_blocks=False).save(small)
            restored = (self.engine.up(small, sigma=sigma, seed=self.seed) for sigma in self.sigmas)
            return [_score(hr, picture, self.scale) for picture in restored]


def _measure_folder(trip: _Trip, folder: Path, progress: Progress | None) -> Report:
    rows, paths = [], find_pictures(folder)
    for done, path in enumerate(paths):
        if progress:
            progress(done, len(paths), f"{folder.name}/{path.name}")
        rows.append(trip.measure(path))
    curve = [_mean_point(sigma, points) for sigma, points in zip(trip.sigmas, zip(*rows, strict=True), strict=True)]
    return {"images": len(rows), "curve": curve}


def _score(hr: Picture, restored: Picture, scale: int) -> tuple[float, float]:
    a, b = (picture.rgb[..., 0] if hr.grey else picture.rgb for picture in (hr, restored))
    return psnr_y(a, b, scale), lpips(a, b, border=scale)


def _mean_point(sigma: float, points: Sequence[tuple[float, float]]) -> dict[str, float]:
    psnr, distance = (sum(column) / len(points) for column in zip(*points, strict=True))
    return {"sigma": sigma, "psnr_y": psnr, "lpips": distance}


if __name__ == "__main__":
    sys.exit(main())
