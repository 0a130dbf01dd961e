"""How near to plain bicubic an LR picture stays that carries something: as people say it, in dB. Needs no numpy."""

from __future__ import annotations

from unshrink.errors import UsageError

LEVELS = {"low": 36.0, "medium": 40.0, "high": 44.0}
"""Floors by name, for 36, 40 and 44 dB on average: PSNR of the LR picture against plain bicubic, over all channels."""
DEFAULT = "medium"
LEAST, MOST = 30.0, 52.0


def read_floor(text: str) -> float:
    """A floor in dB from "low", "medium", "high", or a number from 30 to 52; UsageError for anything else."""
    if text in LEVELS:
        return LEVELS[text]
    try:
        floor = float(text)
    except ValueError:
        floor = 0.0
    if not LEAST <= floor <= MOST:
        raise UsageError(f"LR quality is low, medium, high, or dB from {LEAST:g} to {MOST:g}, not {text!r}.")
    return floor
