"""Scales and sizes as they are written on the command line."""

from __future__ import annotations

import re

import typer

_NUMBER = r"(\d+(?:\.\d*)?|\.\d+)"


def read_scale(text: str) -> float | tuple[float, float]:
    """The scale in "2.5", or along height and width in HEIGHTxWIDTH, "1.5x3.2"; BadParameter unless at least 1."""
    found = re.fullmatch(rf"{_NUMBER}(?:[x×]{_NUMBER})?", str(text).strip().lower())
    if found is None:
        raise typer.BadParameter(f"{text!r} is no number, such as 2.5, and not HEIGHTxWIDTH, such as 1.5x3.2.")
    vertical, horizontal = float(found[1]), float(found[2] or found[1])
    if min(vertical, horizontal) < 1:
        raise typer.BadParameter(f"{text!r} is less than 1.")
    return vertical if vertical == horizontal else (vertical, horizontal)


def read_size(text: str) -> tuple[int, int]:
    """Height and width in WIDTHxHEIGHT pixels, "800x600"; BadParameter for anything else."""
    found = re.fullmatch(r"(\d{1,9})[x×](\d{1,9})", str(text).strip().lower())
    if found is None or not int(found[1]) or not int(found[2]):
        raise typer.BadParameter(f"{text!r} is not WIDTHxHEIGHT in pixels, such as 800x600.")
    return int(found[2]), int(found[1])
