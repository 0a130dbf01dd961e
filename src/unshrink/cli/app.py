"""The command line as a whole: its commands, and how errors become one sentence and an exit code."""

from __future__ import annotations

import signal
import sys
import warnings
from collections.abc import Sequence
from types import FrameType
from typing import Annotated, NoReturn

import typer

from unshrink import __version__
from unshrink.cli import about, comparing, inspection, rescaling, research, serving
from unshrink.cli.batch import EXPECTED, describe
from unshrink.cli.roundtrip import roundtrip
from unshrink.cli.streams import fill_streams, shown
from unshrink.cli.view import PROGRAM
from unshrink.errors import UsageError
from unshrink.threads import wait_passively

INTERRUPTED = 130
EXIT_CODES = (
    "Exit codes: 0 all done; 1 some inputs failed, the others are done; 2 usage; 3 unreadable input; "
    "4 not an LR file, or an edited or damaged one; 5 over a limit."
)

app = typer.Typer(
    name=PROGRAM,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("down")(rescaling.down)
app.command("up")(rescaling.up)
app.command("roundtrip")(roundtrip)
app.command("compare")(comparing.compare)
app.command("info")(inspection.info)
app.command("verify")(inspection.verify)
app.command("strip")(inspection.strip)
app.command("serve")(serving.serve)
app.command("models")(about.models)
app.command("recipes")(about.recipes)
app.command("doctor")(about.doctor)
app.command("eval")(research.evaluate)
app.command("train")(research.train)
app.command("export")(research.export)


@app.callback(invoke_without_command=True, epilog=EXIT_CODES)
def root(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version and leave.", is_eager=True)] = False,
) -> None:
    """Shrink pictures into small files that any viewer opens, and restore them from those files alone."""
    if version:
        typer.echo(f"{PROGRAM} {__version__}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())
        raise typer.Exit(UsageError.exit_code)


def main(arguments: Sequence[str]) -> int:
    """Run one command line, without the program's name, and return its exit code; expected errors do not escape."""
    command = typer.main.get_command(app)
    try:
        code = command.main(args=_bare_json(arguments), prog_name=PROGRAM, standalone_mode=False)
    except typer.TyperException as error:
        return _fail(_usage_sentence(error), error.exit_code)
    except BrokenPipeError:
        raise  # nobody reads any more; `run` ends quietly
    except EXPECTED as error:
        return _fail(*describe(error))
    except (KeyboardInterrupt, typer.Abort):
        return _fail("interrupted.", INTERRUPTED)
    return code if isinstance(code, int) else 0


def run() -> NoReturn:
    """The console script."""
    fill_streams()
    wait_passively()
    warnings.formatwarning = lambda message, *_, **__: f"{PROGRAM}: {message}\n"
    for name in ("SIGTERM", "SIGHUP"):
        if hasattr(signal, name):  # as an exception, so that half-written files are removed
            signal.signal(getattr(signal, name), _stop)
    try:
        sys.exit(main(sys.argv[1:]))
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(1)


def _stop(number: int, frame: FrameType | None) -> NoReturn:
    del frame
    sys.exit(128 + number)


def _fail(sentence: str, code: int) -> int:
    typer.echo(f"{PROGRAM}: {shown(sentence)}", err=True)
    return code


def _usage_sentence(error: typer.TyperException) -> str:
    context = getattr(error, "ctx", None)
    sentence = getattr(error, "message", "") if getattr(error, "possibilities", None) else error.format_message()
    sentence = " ".join(sentence.split())
    if possible := getattr(error, "possibilities", None):
        return f"{sentence.rstrip('.')}. Did you mean {possible[0]}?"
    if "Did you mean" in sentence or context is None:
        return sentence
    return f"{sentence.rstrip('.')}. Try '{context.command_path} --help'."


def _bare_json(arguments: Sequence[str]) -> list[str]:
    """`eval ... --json` without a file, last or before another option, means standard output."""
    given = list(arguments)
    if given[:1] != ["eval"]:
        return given
    for index in reversed(range(len(given))):
        if given[index] == "--json" and (index + 1 == len(given) or given[index + 1].startswith("--")):
            given.insert(index + 1, "-")
    return given
