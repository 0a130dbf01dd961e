"""Does averaging over eight flips and turns of the LR picture, which helps super-resolution, help a rescaler?"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lab.command import run_command
from unshrink.errors import UsageError
from unshrink.evaluate.measure import SCHEMA, Report
from unshrink.evaluate.protocol import crop_to_multiple, find_pictures
from unshrink.files.picture import read_picture
from unshrink.metrics.quality import psnr_y
from unshrink.models.registry import get
from unshrink.models.rescaler import Rescaler
from unshrink.models.weights import load
from unshrink.rescale import Engine

TURNS = tuple((flips, transposed) for transposed in (False, True) for flips in ((), (2,), (3,), (2, 3)))
"""Axes to flip, and whether to transpose after: the first is the picture as it is."""


def measure_ensemble(name: str, folders: Sequence[Path], *, weights: Path | None = None) -> Report:
    """Mean Y-PSNR in dB of the restoration from the LR picture as it is, flipped, and averaged over all eight.

    For models of one scale that keep all in the LR picture, which is written to a file and read back. Returns plain
    data: `kind` "ensemble", `model` and `sets` with "plain", "flipped" (left to right) and "averaged" each.
    Raises UsageError for other models.
    """
    spec = get(name)
    if spec.scale is None or spec.payload != "none":
        raise UsageError(f"{name} is not restored at one scale from the LR picture alone; name such a model.")
    model, engine = load(name, path=weights).model, Engine(weights=weights)
    sets = {folder.resolve().name: _mean(engine, model, name, folder) for folder in folders}
    return {"schema": SCHEMA, "kind": "ensemble", "model": name, "scale": spec.scale, "sets": sets}


def main(arguments: Sequence[str] | None = None) -> int:
    """`python -m lab.ensemble OUT.json DIR... --model NAME`; 0, or the error's exit code."""
    return run_command(arguments, measure_ensemble, None, __doc__)


def restore_turned(model: Rescaler, lr: Tensor, flips: tuple[int, ...], transposed: bool) -> Tensor:
    """LR (1, 3, h, w) -> HR, restored from LR flipped and transposed, and turned back."""
    turned = lr.flip(flips).transpose(2, 3) if transposed else lr.flip(flips)
    hr = model.upscale(turned.contiguous())
    return (hr.transpose(2, 3) if transposed else hr).flip(flips)


def _mean(engine: Engine, model: Rescaler, name: str, folder: Path) -> dict[str, float]:
    rows = [_judge(engine, model, name, path) for path in find_pictures(folder)]
    return {key: sum(row[key] for row in rows) / len(rows) for key in ("plain", "flipped", "averaged")}


def _judge(engine: Engine, model: Rescaler, name: str, path: Path) -> dict[str, float]:
    scale = get(name).scale or 1
    picture = crop_to_multiple(read_picture(path), scale)
    with tempfile.TemporaryDirectory(prefix="unshrink-") as scratch:
        target = Path(scratch) / "lr.png"
        engine.down(picture, scale, model=name, exact_blocks=False).save(target)
        small = np.ascontiguousarray(read_picture(target).rgb)
    lr = torch.from_numpy(small).permute(2, 0, 1)[None].float() / 255
    with torch.inference_mode():
        turned = [restore_turned(model, lr, *turn) for turn in TURNS]
    results = {"plain": turned[0], "flipped": turned[2], "averaged": torch.stack(turned).mean(0)}
    shown = (slice(None), slice(None), 0) if picture.grey else (...,)
    return {key: float(psnr_y(picture.rgb[shown], _levels(hr)[shown], scale)) for key, hr in results.items()}


def _levels(hr: Tensor) -> NDArray[np.uint8]:
    return np.asarray(hr[0].permute(1, 2, 0).clamp(0, 1).mul(255).round().to(torch.uint8))


if __name__ == "__main__":
    sys.exit(main())
