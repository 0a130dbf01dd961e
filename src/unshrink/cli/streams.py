"""Standard streams as they may come: closed, of another encoding; and text that is safe to show on a terminal."""

from __future__ import annotations

import os
import re
import sys
from io import TextIOWrapper

_STREAMS = 3
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def fill_streams() -> None:
    """Open the null device for every standard stream that is closed.

    Else the next file that is opened would take its number, and what libraries print would go into that file.
    """
    number = os.open(os.devnull, os.O_RDWR)
    while number < _STREAMS:
        number = os.dup(number)
    os.close(number)
    if sys.stdin is None:
        sys.stdin = os.fdopen(0, encoding="utf-8")
    if sys.stdout is None:
        sys.stdout = os.fdopen(1, "w", encoding="utf-8")
    if sys.stderr is None:
        sys.stderr = os.fdopen(2, "w", encoding="utf-8")
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # names of files may hold bytes that are no text


def shown(text: str, *, lines: bool = False) -> str:
    """`text` with control characters as escapes, so that no name of a file steers a terminal or makes two lines.

    With `lines` it may have several.
    """
    return _CONTROL.sub(lambda found: found[0] if lines and found[0] == "\n" else ascii(found[0])[1:-1], text)
