"""`unshrink serve`: the page in a browser, and the JSON API."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

import typer

from unshrink.cli import options
from unshrink.cli.quantities import read_bytes
from unshrink.cli.view import PROGRAM
from unshrink.errors import UsageError
from unshrink.limits import Limits

_NEEDED = ("fastapi", "uvicorn", "multipart", "python_multipart", "starlette", "pydantic")


@options.spread
def serve(
    *,
    host: Annotated[
        str,
        typer.Option(
            "--host",
            metavar="ADDRESS",
            help="Where to listen. The default is reached from this machine only; with 0.0.0.0, or an address of this "
            "machine, whoever reaches it over the network can use it, unasked and unencrypted.",
        ),
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", "-p", min=0, max=65535, help="0 for any that is free.")] = 8765,
    name: Annotated[
        list[str] | None,
        typer.Option("--name", metavar="NAME", help="A name besides its own that the server may be asked under."),
    ] = None,
    browse: Annotated[bool, typer.Option("--open", help="Open the page in a browser.")] = False,
    max_upload: Annotated[
        int | None,
        typer.Option(
            "--max-upload",
            parser=read_bytes,
            metavar="SIZE",
            help="Largest file to take, such as 20MB. [default: 64MiB]",
        ),
    ] = None,
    max_pixels: Annotated[
        float, typer.Option("--max-pixels", min=0.01, metavar="N", help="Largest picture to take, in megapixels.")
    ] = 50,
    time_limit: Annotated[
        int, typer.Option("--time-limit", min=1, metavar="SECONDS", help="That one picture may take.")
    ] = 3600,
    machine: options.EngineOptions,
) -> int:
    """Serve a page where pictures are shrunk and restored, and a JSON API, from this machine.

    Pictures stay in memory, until their page has fetched what was made of them; nothing is written to disk.
    """
    try:
        from unshrink.web.bounds import Bounds
        from unshrink.web.helper import Machine
        from unshrink.web.server import is_loopback
        from unshrink.web.server import serve as go
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] not in _NEEDED:
            raise
        raise UsageError("The page needs more than is installed here; `pip install 'unshrink[web]'`.") from error
    bounds = replace(Bounds(), pixels=round(max_pixels * 1e6), seconds=float(time_limit))
    bounds = bounds if max_upload is None else replace(bounds, upload=max_upload)
    limits = Limits(
        max_hr_pixels=bounds.pixels, max_lr_pixels=bounds.pixels, max_file_bytes=bounds.upload, lenient=machine.lenient
    )
    works_with = Machine(
        limits=limits, weights=machine.weights, device=machine.device, memory=machine.memory, threads=machine.threads
    )
    if not is_loopback(host):
        typer.echo(f"{PROGRAM}: {host} is open to the network; whoever reaches it can use it.", err=True)
    try:
        go(works_with, bounds, host=host, port=port, names=name or [], tell=_tell, browse=browse)
    except KeyboardInterrupt:  # how it is meant to end
        return 0
    return 0


def _tell(address: str) -> None:
    typer.echo(f"{address} is the page, {address}api describes the API; Ctrl-C ends it.")
