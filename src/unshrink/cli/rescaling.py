"""`unshrink down` and `unshrink up`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from unshrink.cli import options
from unshrink.cli.batch import Batch, Writer, view_for
from unshrink.cli.names import (
    PICTURE_ENDINGS,
    SMALL_ENDINGS,
    arrange,
    ending_for,
    expand,
    restored_name,
    small_name,
    split_names,
)
from unshrink.cli.shrinker import read_shrinker
from unshrink.errors import UsageError
from unshrink.imports import quick_imports

Names = Annotated[
    list[str],
    typer.Argument(
        metavar="IN... [OUT]",
        help="Files, folders or patterns, then perhaps the output file or folder; - for stdin or stdout.",
    ),
]


def down(
    names: Names,
    out: options.Out = None,
    scale: options.Scale = None,
    size: options.Size = None,
    max_side: options.MaxSide = None,
    model: options.Model = None,
    format: options.Format = None,
    weights: options.Weights = None,
    device: options.Device = "cpu",
    memory: options.Memory = None,
    effort: options.Effort = 0,
    exact_blocks: options.ExactBlocks = True,
    carrier: options.Carrier = "chunk",
    payload_budget: options.PayloadBudget = None,
    overwrite: options.Overwrite = False,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> int:
    """Shrink pictures: photo.jpg becomes photo.x4.png, which `up` restores.

    Several inputs, folders and patterns go to a folder, or beside the originals. In folders, what is no picture or was
    shrunk already is passed over.
    """
    with quick_imports():
        from unshrink.cli.jobs import Shrinking
        from unshrink.cli.pictures import is_small

    shrinker = read_shrinker(
        scale, size, max_side, model, weights, effort, exact_blocks, carrier, payload_budget, device, memory
    )
    mark = shrinker.mark()
    ending = ending_for(format, SMALL_ENDINGS)
    inputs, target = split_names(names, out, is_small)
    tasks = arrange(expand(inputs), target, lambda path: small_name(path, mark, ending), is_small)
    view = view_for(tasks, json_mode=json, quiet=quiet)
    job = Shrinking(view, shrinker, format or "png", Writer(overwrite=overwrite), several=len(tasks) > 1)
    return Batch("down", view).run(tasks, job.do)


def up(
    names: Names,
    out: options.Out = None,
    plain: Annotated[
        bool, typer.Option("--plain", help="Enlarge any picture from its pixels alone: invents, restores nothing.")
    ] = False,
    scale: options.PlainScale = None,
    model: options.Model = None,
    format: options.Format = None,
    weights: options.Weights = None,
    device: options.Device = "cpu",
    memory: options.Memory = None,
    sigma: options.Sigma = 0.0,
    seed: options.Seed = 0,
    overwrite: options.Overwrite = False,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> int:
    """Restore pictures from LR files: photo.x4.png becomes photo.restored.png, in its original size.

    The file says how it was made, so no option is needed. In folders, what is no LR file is passed over.
    """
    with quick_imports():
        from unshrink.cli.jobs import Restoring
        from unshrink.cli.pictures import is_small
        from unshrink.rescale import Dial, Engine

    if not plain and (scale is not None or model is not None):
        raise UsageError("An LR file says its own scale and model; --scale and --model go only with --plain.")
    engine = Engine(weights=weights, device=device, memory=memory)
    if plain and (scale is not None or model is not None):
        engine.choose(scale, model)
    ending = ending_for(format, PICTURE_ENDINGS)

    def is_restored(path: Path) -> bool:
        return not is_small(path)

    inputs, target = split_names(names, out, is_restored)
    tasks = arrange(expand(inputs), target, lambda path: restored_name(path, ending), is_restored)
    view = view_for(tasks, json_mode=json, quiet=quiet)
    job = Restoring(view, engine, plain, scale, model, Dial(sigma, seed), format or "png", Writer(overwrite=overwrite))
    return Batch("up", view).run(tasks, job.do)
