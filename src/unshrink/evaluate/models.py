"""`unshrink eval`: a model's figures by the published protocol, through written LR files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from unshrink.errors import UsageError
from unshrink.evaluate.measure import Method, Progress, Report, Trip, measure
from unshrink.evaluate.protocol import plain_scale
from unshrink.files.lrfile import strip
from unshrink.files.picture import Picture, read_picture
from unshrink.metrics.quality import Pixels, psnr_rgb
from unshrink.models.registry import get, parameters
from unshrink.rescale import Engine
from unshrink.rescale.sizes import Scale

_LEFT_OUT = "left out: restored from the LR pixels alone, as the published figures are"
_CARRIED = "carried as `down` does by default; their bytes are in payload_bytes and lr_bytes"


def evaluate(
    name: str,
    folders: Sequence[Path],
    *,
    scale: Scale | None = None,
    weights: Path | None = None,
    effort: int = 0,
    exact_blocks: bool = False,
    carrier: str = "chunk",
    device: str = "cpu",
    progress: Progress | None = None,
) -> Report:
    """Measure model `name` on the pictures of each folder, by the protocol of docs/protocol.md.

    `weights` names weights to use instead of the newest that are installed; `effort` is that of `down`.
    Without `exact_blocks`, as in the papers, a picture is restored from its LR pixels alone; with them, from all
    that `down` writes by default. `carrier` is that of `down`; where it is the alpha channel, each picture's
    row has `white_psnr` and `black_psnr`: the small picture as viewers show it over white and over black,
    against its own colours, in dB. `device` is where networks run. The report is plain data, ready for JSON:
    `model`, `scale`, `weights` (SHA-256), `parameters`, `protocol`, `sets` keyed by the folder's name,
    and `published`, the papers' figures for the same scale and sets. `scale` is for models of any scale, along
    height and width where it is a pair. Raises UnknownNameError, WeightsError, UnreadableInputError, and UsageError
    for a scale that the model has not and for folders without pictures.
    """
    spec = get(name)
    engine = Engine(weights=weights, device=device)
    engine.choose(scale, name)
    chosen = scale or spec.scale
    if chosen is None:
        raise UsageError(f"{name} takes any scale; say at which to measure it.")
    digest = engine.load(name).weights.digest
    measured = measure(_through_file(engine, name, chosen, effort, exact_blocks, carrier), chosen, folders, progress)
    return {
        "kind": "model",
        "model": name,
        "method": spec.method,
        "scale": plain_scale(chosen),
        "weights": digest,
        "parameters": parameters(spec),
        "payload": spec.payload,
        **measured,
        "protocol": {
            **measured["protocol"],
            "exact_blocks": _CARRIED if exact_blocks else _LEFT_OUT,
            "effort": effort,
            "carrier": "none" if spec.payload == "none" else carrier,
        },
    }


def there_and_back(engine: Engine, hr: Picture, path: Path, scale: Scale | None = None, **options: Any) -> Picture:
    """The picture restored from the LR file written at `path`; `options` are those of `Engine.down`."""
    engine.down(hr, scale, **options).save(path)
    return engine.up(path)


def _through_file(engine: Engine, name: str, scale: Scale, effort: int, exact_blocks: bool, carrier: str) -> Method:
    def method(hr: Picture, target: Path) -> Trip:
        path = target.with_suffix(".png")
        options = {"model": name, "effort": effort, "exact_blocks": exact_blocks, "carrier": carrier}
        restored = there_and_back(engine, hr, path, scale, **options)
        data, lr = path.read_bytes(), read_picture(path)
        # What the file would weigh without us: the picture that `strip` leaves, without a payload in its alpha channel.
        bare = len(strip(data) if lr.alpha is None else replace(lr, alpha=None).encode("png"))
        return Trip(restored, lr, len(data), len(data) - bare, shown(lr))

    return method


def shown(lr: Picture) -> dict[str, float | None]:
    """`white_psnr` and `black_psnr` in dB: `lr` laid over white and black by its alpha, against its own colours.

    None where that changes nothing; empty where `lr` has no alpha.
    """
    if lr.alpha is None:
        return {}
    return {"white_psnr": _over(lr.rgb, lr.alpha, 255), "black_psnr": _over(lr.rgb, lr.alpha, 0)}


def _over(rgb: Pixels, alpha: Pixels, level: int) -> float | None:
    cover = 1 - alpha[..., None] / 255
    seen = np.rint(rgb + cover * (level - rgb.astype(np.float64))).astype(np.uint8)
    return None if np.array_equal(seen, rgb) else psnr_rgb(rgb, seen)
