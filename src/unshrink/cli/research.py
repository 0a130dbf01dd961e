"""`unshrink eval`, `train` and `export`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from unshrink.cli import complete, options
from unshrink.cli.quantities import read_duration, read_scale
from unshrink.cli.tasks import STREAM
from unshrink.cli.view import View, count_bytes, to_json

ModelName = Annotated[
    str, typer.Argument(metavar="NAME", help="A model; see `unshrink models`.", autocompletion=complete.models)
]
RecipeName = Annotated[
    str,
    typer.Argument(
        metavar="RECIPE", help="A recipe's name (`unshrink recipes`), or a YAML file.", autocompletion=complete.recipes
    ),
]


def evaluate(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="A model; see `unshrink models`.", autocompletion=complete.models)
    ],
    folders: Annotated[list[Path], typer.Argument(metavar="DIR...", help="Folders of pictures, one test set each.")],
    json: Annotated[
        str | None,
        typer.Option("--json", metavar="FILE", help="Write the whole report to FILE; - or nothing for stdout."),
    ] = None,
    scale: Annotated[
        Any,
        typer.Option(
            "--scale",
            "-s",
            parser=read_scale,
            metavar="N",
            help="For models of any scale: 2.5, or WIDTHxHEIGHT: 3x1.5.",
        ),
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
    recipe: RecipeName,
    data: Annotated[Path, typer.Option("--data", metavar="DIR", help="Folder of pictures to learn from.")],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="DIR", help="Folder for everything the run leaves.")],
    max_time: Annotated[
        str | None, typer.Option("--max-time", metavar="TIME", help="End after this long: 90m, 1h30m, 45s.")
    ] = None,
    start: Annotated[
        list[str] | None,
        typer.Option(
            "--start",
            metavar="NAME",
            help="Begin with the weights of this model, or in this folder; twice for iarn and iarn-q; none: from "
            "scratch. [default: what the recipe names]",
        ),
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the checkpoint in --out.")] = False,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> int:
    """Train a model by a recipe."""
    seconds = None if max_time is None else read_duration(max_time)
    from unshrink.train import run
    from unshrink.train.begin import starting_weights
    from unshrink.train.ranks import is_first
    from unshrink.train.recipe import read_recipe

    plan = read_recipe(recipe)
    begun = starting_weights(plan, start or ())
    view = View(json_mode=json and is_first(), quiet=quiet or not is_first())
    with view.progress(None):
        record = run(
            plan,
            data,
            out,
            max_time=seconds,
            resume=resume,
            start=begun,
            progress=lambda step, steps, text: view.step(text, done=step, total=steps),
        )
    if not is_first():
        return 0
    if record.lacking:
        view.note(record.lacking)
    result = {"recipe": recipe, "out": str(out), "weights": str(out / "weights"), "summary": record.summary()}
    view.document({"command": "train", "results": [result], "failed": [], "passed_over": []})
    view.result(f"{recipe}: {record.summary()}; weights in {out / 'weights'}")
    return 0


def export(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="A model; see `unshrink models`.", autocompletion=complete.models)
    ],
    format: Annotated[str, typer.Option("--format", "-f", metavar="NAME", help="onnx is the one there is.")] = "onnx",
    out: Annotated[Path, typer.Option("--out", "-o", metavar="FOLDER", help="Where to write.")] = Path(),
    weights: options.Weights = None,
    overwrite: options.Overwrite = False,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> int:
    """Write a network for other programs: NAME.down.onnx and NAME.up.onnx, checked against torch."""
    from unshrink.export import export_network
    from unshrink.models.weights import load

    view = View(json_mode=json, quiet=quiet)
    with view.progress(None):
        view.step(f"{name}: export")
        loaded = load(name, path=None if weights is None else Path(weights))
        files = export_network(loaded, out, format=format, overwrite=overwrite)
    digest = loaded.weights.digest
    results = [{"model": name, "weights": digest, **asdict(file), "path": str(file.path)} for file in files]
    view.document({"command": "export", "results": results, "failed": [], "passed_over": []})
    for file in files:
        view.result(f"{file.path} {count_bytes(file.bytes)}, {file.difference}")
    return 0


_SIDES = ("psnr_y", "psnr_rgb", "ssim_y", "lr_psnr_y", "lr_psnr_rgb")


def _print_report(view: View, report: dict[str, Any]) -> None:
    view.result(f"{report['model']}, scale {report['scale']}, {report['parameters']:,} parameters")
    heads = f"{'HR Y':>8} {'HR RGB':>8} {'SSIM Y':>8} {'LR Y':>8} {'LR RGB':>8} {'LR bytes':>13} {'HR PNG bytes':>13}"
    view.result(f"{'set':<14} {'images':>6} {heads}")
    for name, figures in report["sets"].items():
        columns = " ".join(f"{_number(figures[key], 4 if 'ssim' in key else 2):>8}" for key in _SIDES)
        view.result(
            f"{name:<14} {figures['images']:>6} {columns} {figures['lr_bytes']:>13,} {figures['hr_png_bytes']:>13,}"
        )
    for row in report.get("published", []):
        view.result(f"  published: {row['set']:<10} {row['system']}, PSNR-Y {_number(row['psnr_y'], 2)}")


def _number(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:.{digits}f}"
