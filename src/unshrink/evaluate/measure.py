"""The loop of the protocol: crop, round trip through a written file, score.

A *method* is whatever turns an HR picture into a file and that file into a restored picture. Models and baselines are
measured by the same loop and reported in the same JSON schema.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from unshrink import __version__
from unshrink.errors import UsageError
from unshrink.evaluate.protocol import PROTOCOL, bicubic_lr, border_of, crop_to_multiple, find_pictures, multiple_of
from unshrink.evaluate.published import published_rows
from unshrink.evaluate.scores import score
from unshrink.files.picture import Picture, read_picture
from unshrink.rescale.sizes import Scale

SCHEMA = 1
"""Raised when a field changes its meaning; new fields leave it as it is."""
Progress = Callable[[int, int, str], None]
"""Called before each picture with how many are done, how many there are, and "set/file"."""
Report = dict[str, Any]
"""What becomes the JSON file."""
Row = dict[str, Any]
"""The figures of one picture."""


@dataclass(frozen=True, eq=False)
class Trip:
    """One picture there and back: what was restored, the LR that was read back (None where there is none), bytes."""

    restored: Picture
    lr: Picture | None
    file_bytes: int
    payload_bytes: int = 0
    extra: Mapping[str, Any] | None = None
    """Fields to add to the picture's row, such as a codec's quality setting."""


Method = Callable[[Picture, Path], Trip]
"""Takes the cropped HR picture and the path, without an ending, to write its file at."""


def measure(method: Method, scale: Scale, folders: Sequence[Path], progress: Progress | None = None) -> Report:
    """Scores of `method` on every picture of every folder: `protocol`, `sets` and `published` of a report."""
    listed = {folder.resolve().name: find_pictures(folder) for folder in folders}
    if len(listed) < len(folders):
        raise UsageError("Two folders have the same name, by which results are keyed; measure them one at a time.")
    total, done = sum(len(paths) for paths in listed.values()), 0
    sets: dict[str, Report] = {}
    with tempfile.TemporaryDirectory(prefix="unshrink-") as scratch:
        for name, paths in listed.items():
            rows = []
            for path in paths:
                if progress:
                    progress(done, total, f"{name}/{path.name}")
                rows.append(measure_one(method, scale, path, Path(scratch) / str(done)))
                done += 1
            sets[name] = summarise(rows)
    return {
        "schema": SCHEMA,
        "writer": f"unshrink {__version__}",
        "protocol": {**PROTOCOL, "border_pixels": border_of(scale), "crop_multiple": multiple_of(scale)},
        "sets": sets,
        "published": published_rows(scale, listed) if isinstance(scale, int | float) else [],
    }


def measure_one(method: Method, scale: Scale, path: Path, target: Path) -> Row:
    """The figures of the picture at `path`; its file is written beside `target`."""
    hr = crop_to_multiple(read_picture(path), multiple_of(scale))
    trip = method(hr, target)
    return {
        "name": path.name,
        "height": hr.height,
        "width": hr.width,
        **score(hr, trip.restored, trip.lr, bicubic_lr(hr, scale), border_of(scale)),
        "lr_bytes": trip.file_bytes,
        "payload_bytes": trip.payload_bytes,
        "hr_png_bytes": len(hr.encode("png")),
        **(trip.extra or {}),
    }


def summarise(rows: Sequence[Row]) -> Report:
    """Figures of a set from those of its pictures: means of quality, totals of bytes, and the rows themselves."""
    quality = (
        "psnr_y", "ssim_y", "psnr_rgb", "lr_psnr_y", "lr_psnr_rgb", "lr_ssim_y", "lr_ciede_mean", "lr_ciede_p99",
    )  # fmt: skip
    shown = ("white_psnr", "black_psnr")  # only of small pictures with an alpha channel
    sums = {name: sum(row[name] for row in rows) for name in ("lr_bytes", "payload_bytes", "hr_png_bytes")}
    pixels = sum(row["height"] * row["width"] for row in rows)
    return {
        "images": len(rows),
        **{name: _mean([row[name] for row in rows]) for name in quality},
        **{name: _mean([row[name] for row in rows]) for name in shown if all(name in row for row in rows)},
        **sums,
        "lr_bits_per_hr_pixel": 8 * sums["lr_bytes"] / pixels,
        "per_image": list(rows),
    }


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known and len(known) == len(values) else None
