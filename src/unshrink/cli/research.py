"""`unshrink models`, `eval` and `train`."""

from __future__ import annotations

import re
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from unshrink.cli import options
from unshrink.cli.names import STREAM
from unshrink.cli.sizes import read_scale
from unshrink.cli.view import View, to_json
from unshrink.errors import UsageError

_UNITS = {"d": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0}


def models(json: options.Json = False) -> int:
    """List every model, the defaults marked, and whether its weights are installed."""
    from unshrink.rescale import list_models

    listed = list_models()
    view = View(json_mode=json)
    view.document({"command": "models", "models": [asdict(model) for model in listed]})
    view.result(f"{'name':<14} {'method':<10} {'scale':>5} {'payload':<8} {'parameters':>12}  weights")
    for model in listed:
        held = model.weights[-1][:12] if model.weights else "none"
        scale = "any" if model.scale is None else f"x{model.scale}"
        default = ", default" if model.default else ""
        shape = f"{scale:>5} {model.payload:<8} {model.parameters:>12,}"
        view.result(f"{model.name:<14} {model.method:<10} {shape}  {held}{default}")
    return 0


def evaluate(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A model; see `unshrink models`.")],
    folders: Annotated[list[Path], typer.Argument(metavar="DIR...", help="Folders of pictures, one test set each.")],
    json: Annotated[
        str | None,
        typer.Option("--json", metavar="FILE", help="Write the whole report to FILE; - or nothing for stdout."),
    ] = None,
    scale: Annotated[
        Any,
        typer.Option("--scale", "-s", parser=read_scale, metavar="N", help="For models of any scale: 2.5, 1.5x3."),
    ] = None,
    weights: options.Weights = None,
    effort: options.Effort = 0,
    exact_blocks: Annotated[
        bool, typer.Option("--exact-blocks", help="Measure what `down` really writes; papers have only the LR pixels.")
    ] = False,
    carrier: options.Carrier = "chunk",
    device: options.Device = "cpu",
    overwrite: options.Overwrite = False,
    quiet: options.Quiet = False,
) -> int:
    """Measure a model on folders of pictures by the published protocol, through written files."""
    from unshrink.evaluate import evaluate as measure
    from unshrink.files.disk import check_output, write_bytes

    if json is not None and json != STREAM:
        check_output(json, overwrite=overwrite)

    view = View(json_mode=json == STREAM, quiet=quiet)
    with view.progress(None):
        report = measure(
            name,
            folders,
            scale=scale,
            weights=None if weights is None else Path(weights),
            effort=effort,
            exact_blocks=exact_blocks,
            carrier=carrier,
            device=device,
            progress=lambda done, total, text: view.step(text, done=done, total=total),
        )
    if json is not None and json != STREAM:
        write_bytes(json, (to_json(report) + "\n").encode(), overwrite=overwrite)
    view.document(report)
    _print_report(view, report)
    return 0


def train(
    recipe: Annotated[str, typer.Argument(metavar="RECIPE", help="Name of a recipe, or a YAML file.")],
    data: Annotated[Path, typer.Option("--data", metavar="DIR", help="Folder of pictures to learn from.")],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="DIR", help="Folder for everything the run leaves.")],
    max_time: Annotated[
        str | None, typer.Option("--max-time", metavar="TIME", help="End after this long: 90m, 1h30m, 45s.")
    ] = None,
    start: Annotated[
        list[Path] | None,
        typer.Option("--start", metavar="DIR", help="Begin with the weights in this folder; for iarn and iarn-q two."),
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the checkpoint in --out.")] = False,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> int:
    """Train a model by a recipe."""
    seconds = None if max_time is None else parse_duration(max_time)
    from unshrink.train import run

    view = View(json_mode=json, quiet=quiet)
    with view.progress(None):
        record = run(
            recipe,
            data,
            out,
            max_time=seconds,
            resume=resume,
            start=start or (),
            progress=lambda step, steps, text: view.step(text, done=step, total=steps),
        )
    result = {"recipe": recipe, "out": str(out), "weights": str(out / "weights"), "summary": record.summary()}
    view.document({"command": "train", "results": [result], "failed": [], "passed_over": []})
    view.result(f"{recipe}: {record.summary()}; weights in {out / 'weights'}")
    return 0


def parse_duration(text: str) -> float:
    """Seconds in "90m", "1h30m", "45s", "2d", or a bare number of seconds; UsageError for anything else."""
    parts = re.findall(r"(\d+(?:\.\d+)?)([dhms])", text)
    if parts and "".join(number + unit for number, unit in parts) == text:
        seconds = sum(float(number) * _UNITS[unit] for number, unit in parts)
    elif re.fullmatch(r"\d+(\.\d+)?", text):
        seconds = float(text)
    else:
        raise UsageError(f"--max-time {text!r} is no length of time; write it like 90m, 1h30m or 45s.")
    if seconds <= 0:
        raise UsageError(f"--max-time {text!r} leaves no time to train.")
    return seconds


def _print_report(view: View, report: dict[str, Any]) -> None:
    view.result(f"{report['model']}, scale {report['scale']}, {report['parameters']:,} parameters")
    heads = f"{'PSNR-Y':>8} {'SSIM-Y':>8} {'LR PSNR':>8} {'LR bytes':>13} {'HR PNG bytes':>13}"
    view.result(f"{'set':<14} {'images':>6} {heads}")
    for name, figures in report["sets"].items():
        columns = [_number(figures[key], digits) for key, digits in (("psnr_y", 2), ("ssim_y", 4), ("lr_psnr_y", 2))]
        view.result(
            f"{name:<14} {figures['images']:>6} {columns[0]:>8} {columns[1]:>8} {columns[2]:>8} "
            f"{figures['lr_bytes']:>13,} {figures['hr_png_bytes']:>13,}"
        )
    for row in report.get("published", []):
        view.result(f"  published: {row['set']:<10} {row['system']}, PSNR-Y {_number(row['psnr_y'], 2)}")


def _number(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:.{digits}f}"
