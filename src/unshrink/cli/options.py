"""Options that several commands share."""

from __future__ import annotations

from typing import Annotated

import typer

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of text.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No notes and no progress; errors still show.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace outputs that exist.")]
Out = Annotated[str | None, typer.Option("--out", "-o", metavar="OUT", help="Output file or folder, or - for stdout.")]
Format = Annotated[
    str | None,
    typer.Option("--format", "-f", metavar="NAME", help="png, webp or tiff, where OUT names no file. [default: png]"),
]
Scale = Annotated[
    int | None, typer.Option("--scale", "-s", min=1, metavar="N", help="Shrink by N along each axis. [default: 4]")
]
Model = Annotated[
    str | None, typer.Option("--model", "-m", metavar="NAME", help="Model to use; see `unshrink models`.")
]
Effort = Annotated[
    int,
    typer.Option("--effort", "-e", min=0, max=9, metavar="0..9", help="Spend more time on a better small picture."),
]
ExactBlocks = Annotated[
    bool,
    typer.Option("--exact-blocks/--no-exact-blocks", help="Carry blocks that the network would spoil without loss."),
]
Weights = Annotated[
    str | None,
    typer.Option("--weights", metavar="PATH", help="Folder of weights, or an IRN .pth, to use instead."),
]
