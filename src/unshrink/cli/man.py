"""The manual page, made from the help: `python -m unshrink.cli.man > unshrink.1`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import typer

from unshrink import __version__
from unshrink.cli.app import EXIT_CODES, app
from unshrink.cli.view import PROGRAM


def page() -> str:
    """The page as roff, for `man`."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    group: Any = typer.main.get_command(app)
    yield f'.TH {PROGRAM.upper()} 1 "" "{PROGRAM} {__version__}"'
    yield from (".SH NAME", rf"{PROGRAM} \- {_roff(group.help.rstrip('.'))}")
    yield from (".SH SYNOPSIS", rf".B {PROGRAM}", r".I COMMAND", "[options]")
    yield ".SH COMMANDS"
    for name, command in group.commands.items():
        yield from _command(name, command)
    yield from (".SH EXIT STATUS", _roff(EXIT_CODES.partition(": ")[2]))


def _command(name: str, command: Any) -> Iterator[str]:
    given = [param.metavar for param in command.params if param.param_type_name == "argument"]
    yield f".SS {PROGRAM} {_roff(' '.join([name, *given, '[options]']))}"
    for number, paragraph in enumerate(command.help.split("\n\n")):
        yield from ([".PP"] if number else [])
        yield _roff(" ".join(paragraph.split()))
    for param in command.params:
        yield from (".TP", _title(param), _roff(param.help or ""))


def _title(param: Any) -> str:
    if param.param_type_name == "argument":
        return rf"\fI{_roff(param.metavar)}\fR"
    names = ", ".join(rf"\fB{_roff(name)}\fR" for name in [*param.opts, *param.secondary_opts])
    return names if param.is_flag else rf"{names} \fI{_roff(param.metavar or param.name.upper())}\fR"


def _roff(text: str) -> str:
    """Text in which nothing is taken for an order to the formatter."""
    escaped = text.replace("\\", r"\e").replace("-", r"\-")
    return rf"\&{escaped}" if escaped.startswith((".", "'")) else escaped


if __name__ == "__main__":
    sys.stdout.write(page())
