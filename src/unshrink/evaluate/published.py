"""Figures that papers and their authors' repositories print, to stand beside ours; the source is named in every row."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from functools import cache
from importlib.resources import files
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Published:
    """One system's printed figures on one test set."""

    system: str
    scale: float
    set: str
    psnr_y: float | None
    """dB, on the luma."""
    ssim_y: float | None
    lpips: float | None
    payload: str
    """What is stored beside the LR pixels, and not counted by the papers: none, alpha or metadata."""
    source: str
    note: str


@cache
def published() -> tuple[Published, ...]:
    """Every row of the table that comes with the package."""
    text = files("unshrink.evaluate").joinpath("published.csv").read_text(encoding="utf-8")
    return tuple(_row(fields) for fields in csv.DictReader(text.splitlines()))


def published_rows(scale: float, sets: Iterable[str]) -> list[dict[str, Any]]:
    """The rows for `scale` on test sets of these names (case does not matter), as plain data."""
    wanted = {name.casefold() for name in sets}
    return [asdict(row) for row in published() if row.scale == scale and row.set.casefold() in wanted]


def _row(fields: dict[str, str]) -> Published:
    return Published(
        system=fields["system"],
        scale=float(fields["scale"]),
        set=fields["set"],
        psnr_y=_number(fields["psnr_y"]),
        ssim_y=_number(fields["ssim_y"]),
        lpips=_number(fields["lpips"]),
        payload=fields["payload"],
        source=fields["source"],
        note=fields["note"],
    )


def _number(text: str) -> float | None:
    return float(text) if text else None
