"""What a trained IARN makes of its position planes: `python -m lab.position OUT.json DIR... --model NAME`.

The same weights, but that kernels read the phases, or the phases and the scales, with zeros. A network that has use for
where the pixels of its grid lie restores worse without.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import torch
from torch import nn

from lab.command import run_command
from unshrink.errors import UsageError
from unshrink.evaluate.measure import SCHEMA, Report
from unshrink.evaluate.models import evaluate
from unshrink.evaluate.protocol import plain_scale
from unshrink.models.iarn import IARN
from unshrink.models.weights import load, write_weights
from unshrink.nn.conditioning import PLANES
from unshrink.nn.coupling import TwinCoupling
from unshrink.rescale.sizes import Scale

SCALES: tuple[Scale, ...] = (1.25, 1.5, 1.75, 2.5, 3.5, (1.5, 3.0))
KNOWN = {"all": (), "no phases": (2, 3), "nothing": (0, 1, 2, 3)}
"""What the network is told, and which planes that leaves out."""


def measure_position(
    name: str, folders: Sequence[Path], *, scales: Sequence[Scale] = SCALES, weights: Path | None = None
) -> Report:
    """Mean Y-PSNR in dB of model `name`, by what it is told of position, scale and set, through written files.

    Returns plain data: `kind` "position", `model`, and `points` with `told`, `scale` and `psnr_y` keyed by
    set. Scales that are left out are taken for 1, so that biases stay what they are. Raises UsageError for a model that
    reads no planes.
    """
    points = []
    with tempfile.TemporaryDirectory() as folder:
        for told, planes in KNOWN.items():
            model = load(name, path=weights).model
            _leave_out(model, planes)
            write_weights(model, name, Path(folder))
            for scale in scales:
                sets = evaluate(name, folders, scale=scale, weights=Path(folder))["sets"]
                psnr = {key: figures["psnr_y"] for key, figures in sets.items()}
                points.append({"told": told, "scale": plain_scale(scale), "psnr_y": psnr})
    return {"schema": SCHEMA, "kind": "position", "model": name, "points": points}


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; 0, or the error's exit code."""
    return run_command(arguments, measure_position, None, __doc__)


@torch.no_grad()
def _leave_out(model: nn.Module, planes: Sequence[int]) -> None:
    """Let every sub-network read these position planes with zeros, in place; of scales, what it made of 1 is kept."""
    if not (isinstance(model, IARN) and model.settings.position) or model.settings.presplit:
        raise UsageError("Only an IARN that reads position planes, beside nothing else, can be told less of them.")
    for head in _heads(model):
        weight, bias = head.weight, head.bias
        for plane in planes:
            at = weight.shape[1] - PLANES + plane
            if bias is not None and plane < PLANES // 2:
                bias += weight[:, at].sum((1, 2))
            weight[:, at] = 0


def _heads(model: nn.Module) -> Iterator[nn.Conv2d]:
    for module in model.modules():
        if isinstance(module, TwinCoupling):
            for subnet in (module.f, module.gh):
                yield subnet.get_submodule("head")  # type: ignore[misc]


if __name__ == "__main__":
    sys.exit(main())
