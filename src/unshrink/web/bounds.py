"""What the server takes and keeps at most: every bound is checked before there is memory for what exceeds it."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Bounds"]

_MIB = 1024**2


@dataclass(frozen=True, kw_only=True)
class Bounds:
    """Upper bounds on what is asked of the server."""

    upload: int = 64 * _MIB
    """Bytes of one request, pictures and fields together."""
    pixels: int = 50_000_000
    """Pixels of a picture, the restored one included; the size is read before anything is decoded."""
    waiting: int = 16
    """Jobs in the queue."""
    waiting_bytes: int = 256 * _MIB
    """Bytes of all pictures in the queue."""
    kept_bytes: int = 512 * _MIB
    """Bytes of results that wait to be fetched; the oldest go first."""
    kept: int = 64
    """Finished jobs that are remembered."""
    seconds: float = 3600.0
    """That one job may take."""
    upload_seconds: float = 120.0
    """That one request may take to arrive."""
    unasked_seconds: float = 180.0
    """After which a job that nobody asks about is given up, and its results are forgotten."""
