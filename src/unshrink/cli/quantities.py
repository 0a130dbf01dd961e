"""Quantities as people write them: bytes, lengths of time, scales and sizes."""

from __future__ import annotations

import re

import typer

from unshrink.errors import UsageError

_BYTES = {"B": 1, "kB": 1000, "KB": 1000, "MB": 1000**2, "GB": 1000**3, "KiB": 1024, "MiB": 1024**2, "GiB": 1024**3}
_AMOUNT = re.compile(r"([0-9]{1,12}(?:\.[0-9]{1,6})?) ?([A-Za-z]+)")
_SECONDS = {"d": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0}
_NUMBER = r"(\d+(?:\.\d*)?|\.\d+)"


def read_bytes(text: str) -> int:
    """Bytes in "20kB", "1.5 MB" or "0", rounded down; kB, MB and GB are decimal, KiB, MiB and GiB binary.

    Raises UsageError.
    """
    if text == "0":
        return 0
    match = _AMOUNT.fullmatch(text.strip())
    if match is None or match[2] not in _BYTES:
        raise UsageError(f"{text!r} is no amount of bytes; write a number and B, kB, MB, GB, KiB, MiB or GiB: 20kB.")
    whole, _, part = match[1].partition(".")
    tens: int = 10 ** len(part)
    return int(whole + part) * _BYTES[match[2]] // tens


def read_count(text: str) -> int | None:
    """A number of at least 1, or None for "auto"; BadParameter for anything else."""
    if text == "auto":
        return None
    if not re.fullmatch(r"[1-9]\d{0,3}", str(text).strip()):
        raise typer.BadParameter(f"{text!r} is no number from 1 to 9999, and not auto.")
    return int(text)


def read_duration(text: str) -> float:
    """Seconds in "90m", "1h30m", "45s", "2d", or a bare number of seconds; UsageError for anything else."""
    parts = re.findall(r"(\d+(?:\.\d+)?)([dhms])", text)
    if parts and "".join(number + unit for number, unit in parts) == text:
        seconds = sum(float(number) * _SECONDS[unit] for number, unit in parts)
    elif re.fullmatch(r"\d+(\.\d+)?", text):
        seconds = float(text)
    else:
        raise UsageError(f"--max-time {text!r} is no length of time; write it like 90m, 1h30m or 45s.")
    if seconds <= 0:
        raise UsageError(f"--max-time {text!r} leaves no time to train.")
    return seconds


def read_scale(text: str) -> float | tuple[float, float]:
    """The scale in "2.5"; of WIDTHxHEIGHT, "3.2x1.5", a pair along height and width. BadParameter unless at least 1."""
    found = re.fullmatch(rf"{_NUMBER}(?:[x×]{_NUMBER})?", str(text).strip().lower())
    if found is None:
        raise typer.BadParameter(f"{text!r} is no number, such as 2.5, and not WIDTHxHEIGHT, such as 3.2x1.5.")
    horizontal, vertical = float(found[1]), float(found[2] or found[1])
    if min(vertical, horizontal) < 1:
        raise typer.BadParameter(f"{text!r} is less than 1.")
    return vertical if vertical == horizontal else (vertical, horizontal)


def read_size(text: str) -> tuple[int, int]:
    """Height and width in WIDTHxHEIGHT pixels, "800x600"; BadParameter for anything else."""
    found = re.fullmatch(r"(\d{1,9})[x×](\d{1,9})", str(text).strip().lower())
    if found is None or not int(found[1]) or not int(found[2]):
        raise typer.BadParameter(f"{text!r} is not WIDTHxHEIGHT in pixels, such as 800x600.")
    return int(found[2]), int(found[1])
