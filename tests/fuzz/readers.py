"""Fuzzing of every reader with atheris: `make fuzz`. Whatever the bytes, they are read or refused by one of our errors.

python tests/fuzz/readers.py FOLDER_FOR_WHAT_IS_FOUND tests/fuzz/corpus -max_total_time=60
"""

from __future__ import annotations

import contextlib
import sys

import atheris

with atheris.instrument_imports(include=["unshrink"]):
    from unshrink.errors import UnshrinkError
    from unshrink.files.lrfile import decode, inspect, is_lrfile, strip
    from unshrink.files.picture import read_picture
    from unshrink.limits import Limits

LIMITS = Limits(max_hr_pixels=250_000, max_lr_pixels=250_000, max_payload_bytes=1 << 20, max_metadata_bytes=1 << 18)


def read(data: bytes) -> None:
    """One input: errors that are not ours escape, and atheris keeps the input."""
    found = is_lrfile(data)
    for reader in (read_picture, decode, inspect, strip):
        with contextlib.suppress(UnshrinkError):
            reader(data, limits=LIMITS)
    with contextlib.suppress(UnshrinkError):
        decode(data, limits=LIMITS)
        if not found:
            raise AssertionError("an LR file was not told for one")


if __name__ == "__main__":
    atheris.Setup(sys.argv, read)
    atheris.Fuzz()
