"""Amounts of bytes as people write them."""

from __future__ import annotations

import re

from unshrink.errors import UsageError

_UNITS = {"B": 1, "kB": 1000, "KB": 1000, "MB": 1000**2, "GB": 1000**3, "KiB": 1024, "MiB": 1024**2, "GiB": 1024**3}
_AMOUNT = re.compile(r"([0-9]{1,12}(?:\.[0-9]{1,6})?) ?([A-Za-z]+)")


def read_bytes(text: str) -> int:
    """Bytes in "20kB", "1.5 MB" or "0", rounded down; kB, MB and GB are decimal, KiB, MiB and GiB binary.

    Raises UsageError.
    """
    if text == "0":
        return 0
    match = _AMOUNT.fullmatch(text.strip())
    if match is None or match[2] not in _UNITS:
        raise UsageError(f"{text!r} is no amount of bytes; write a number and B, kB, MB, GB, KiB, MiB or GiB: 20kB.")
    whole, _, part = match[1].partition(".")
    tens: int = 10 ** len(part)
    return int(whole + part) * _UNITS[match[2]] // tens
