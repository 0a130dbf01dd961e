"""`unshrink export`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from unshrink.cli import options
from unshrink.cli.view import View, count_bytes


def export(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A model; see `unshrink models`.")],
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
