"""Options that several commands share."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from unshrink.cli.amounts import read_bytes
from unshrink.cli.sizes import read_scale, read_size

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of text.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No notes and no progress; errors still show.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace outputs that exist.")]
Out = Annotated[str | None, typer.Option("--out", "-o", metavar="OUT", help="Output file or folder, or - for stdout.")]
Format = Annotated[
    str | None,
    typer.Option("--format", "-f", metavar="NAME", help="png, webp or tiff, where OUT names no file. [default: png]"),
]


def _scale(help: str) -> Any:
    return typer.Option("--scale", "-s", parser=read_scale, metavar="N", help=f"{help} [default: 4]")


Scale = Annotated[
    Any,
    _scale("Shrink by N, 1.1 to 4; HEIGHTxWIDTH, such as 1.5x3.2, for one number each along height and width."),
]
PlainScale = Annotated[Any, _scale("With --plain: enlarge by N, or HEIGHTxWIDTH, such as 1.5x3.2.")]
Size = Annotated[
    Any,
    typer.Option("--size", parser=read_size, metavar="WIDTHxHEIGHT", help="Shrink to this size, such as 800x600."),
]
MaxSide = Annotated[
    int | None, typer.Option("--max-side", min=1, metavar="PIXELS", help="Shrink to this longer side, such as 1024.")
]
Model = Annotated[
    str | None, typer.Option("--model", "-m", metavar="NAME", help="Model to use; see `unshrink models`.")
]
Effort = Annotated[
    int,
    typer.Option("--effort", "-e", min=0, max=9, metavar="0..9", help="Spend more time on a better small picture."),
]
Sigma = Annotated[
    float,
    typer.Option(
        "--sigma", metavar="0..1", help="For models with a dial: 0 is nearest to the original, 1 the most lifelike."
    ),
]
Seed = Annotated[
    int, typer.Option("--seed", metavar="N", help="Of what --sigma draws: the same seed, the same picture.")
]
ExactBlocks = Annotated[
    bool,
    typer.Option("--exact-blocks/--no-exact-blocks", help="Carry blocks that the network would spoil without loss."),
]
Carrier = Annotated[
    str,
    typer.Option(
        "--carrier",
        metavar="NAME",
        help="Where -A models keep their payload: chunk (no viewer shows it), alpha, or floor[:N] (alpha from N up).",
    ),
]
PayloadBudget = Annotated[
    str | None,
    typer.Option("--payload-budget", metavar="SIZE", help="For -M models: keep a payload of at most so much, as 20kB."),
]
Device = Annotated[
    str,
    typer.Option("--device", metavar="NAME", help="Where networks run: cpu, cuda, mps, or auto (a CUDA card if any)."),
]
Memory = Annotated[
    int | None,
    typer.Option(
        "--memory",
        parser=read_bytes,
        metavar="SIZE",
        help="Hold at most so much, as 2GB; what does not fit is refused first. [default: half of what is free]",
    ),
]
Weights = Annotated[
    str | None,
    typer.Option("--weights", metavar="PATH", help="Folder of weights, or an IRN .pth, to use instead."),
]
