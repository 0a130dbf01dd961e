"""What tests of jobs are made from: folders of small pictures, and jobs that shrink them."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePath
from typing import Any

from samples import save_soft_pictures
from unshrink.cli.options import EngineOptions
from unshrink.cli.tasks import small_name
from unshrink.cluster.here import run_here
from unshrink.cluster.job import Job
from unshrink.cluster.manifest import Manifest, Row
from unshrink.cluster.places import Place
from unshrink.cluster.work import Made, Shrinking, Work
from unshrink.limits import DEFAULT_LIMITS, Limits
from unshrink.rescale import Order

RENAME = partial(small_name, mark="x4", ending=".png")
BROKEN = b"\x89PNG\r\n\x1a\nxx"


def draw(folder: Path, number: int = 6) -> Path:
    """A folder with pictures in two levels, one that is broken, and a file that is no picture."""
    (folder / "deep").mkdir(parents=True)
    save_soft_pictures(folder, number, low=6, side=32)
    for path in sorted(folder.glob("p*.png"))[::2]:
        path.rename(folder / "deep" / path.name)
    (folder / "broken.png").write_bytes(BROKEN)
    (folder / "notes.txt").write_text("no picture")
    return folder


def shrinking(weights: str, **options: Any) -> Shrinking:
    """The work of `down` with untrained weights of x4."""
    return Shrinking(EngineOptions(weights=weights, threads=1), RENAME, Order(4, exact_blocks=False), **options)


def job(work: Work, source: str | Path, target: str | Path, **options: Any) -> Job:
    return Job(work, Place(str(source)), Place(str(target)), **options)


def run(one: Job, workers: int = 1) -> dict[str, str]:
    """Do a job here; the status of every picture that it touched."""
    return {row.input: row.status for row in one.run(one.plan(), partial(run_here, workers=workers))}


def rows(target: str | Path) -> dict[str, Row]:
    return Manifest(Place(str(target))).rows()


@dataclass(frozen=True)
class Copying:
    """Work without a network: the bytes as they are. Stops its process at a picture of that name."""

    stops: str = ""
    once: str = ""
    """A file that is made when it has stopped; from then on it does not. Empty: it stops every time."""
    asked: str = "copy"
    pause: float = 0.0
    """Seconds for each picture."""
    device: str = "cpu"

    def shared(self, workers: int) -> Copying:
        return self

    def limits(self) -> Limits:
        return DEFAULT_LIMITS

    def load(self) -> None:
        pass

    def fits(self, name: str) -> bool:
        return name.endswith(".png")

    def rename(self, path: PurePath, *, whole: bool) -> str:
        return f"{path.name if whole else path.stem}.copy"

    def make(self, data: bytes, name: str) -> Made:
        time.sleep(self.pause)
        if data == BROKEN:
            raise ValueError("nobody foresaw this")
        if self.stops and name.endswith(self.stops) and not (self.once and Path(self.once).exists()):
            if self.once:
                Path(self.once).touch()
            os._exit(7)
        return Made(data)
