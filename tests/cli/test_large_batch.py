"""A day's work: many pictures under the same names in several folders, some of them bad, interrupted and gone on with.

60 pictures, 3 of them bad; with UNSHRINK_SOAK (`make soak`) 1,000 and 50.
"""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

COUNT, BAD, FOLDERS = (1000, 50, 8) if os.environ.get("UNSHRINK_SOAK") else (60, 3, 4)
RUN = [sys.executable, "-m", "unshrink"]


def picture(number: int) -> Image.Image:
    coarse = np.random.default_rng(number).integers(0, 256, (4, 5, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize((40, 32), Image.Resampling.BICUBIC)


def encoded(image: Image.Image, kind: str, **options: Any) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def bad(number: int) -> bytes:
    """A file that cannot be shrunk, another in each turn."""
    image = picture(number)
    kinds = (
        encoded(image, "JPEG")[:400],
        b"",
        b"no picture",
        encoded(Image.fromarray(np.full((8, 8), 999, np.uint16)), "PNG"),
        encoded(image, "PNG")[:-30],
        encoded(image, "GIF", save_all=True, append_images=[picture(number + 1)]),
    )
    return kinds[number % len(kinds)]


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    """A folder "in" of pictures a0.jpg, a1.jpg, ... in each of several folders; every so many are bad."""
    every = COUNT // BAD
    for number in range(COUNT):
        path = tmp_path / "in" / f"day {number % FOLDERS}" / f"a{number // FOLDERS}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        spoilt = number % every == every - 1
        path.write_bytes(bad(number // every) if spoilt else encoded(picture(number), "JPEG"))
    return tmp_path


def interrupted(desk: Path, command: list[str], output: str) -> Any:
    """The JSON document of a run that is interrupted when a part of it is done."""
    with subprocess.Popen([*RUN, *command, "--json"], cwd=desk, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as run:
        deadline = time.monotonic() + 120
        while len(written(desk / output)) < COUNT // 5 and run.poll() is None and time.monotonic() < deadline:
            time.sleep(0.01)
        run.send_signal(signal.SIGINT)
        out, _ = run.communicate()
    assert run.returncode == 130
    return json.loads(out)


def finished(desk: Path, command: list[str]) -> tuple[int, Any]:
    done = subprocess.run([*RUN, *command, "--json"], cwd=desk, capture_output=True, check=False)
    return done.returncode, json.loads(done.stdout)


def written(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and not path.name.startswith(".")]


def inputs(entries: list[Any]) -> set[str]:
    return {entry["input"] for entry in entries}


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
def test_a_batch_is_interrupted_gone_on_with_and_its_bad_pictures_are_named(desk: Path) -> None:
    down = ["down", "in", "-r", "-o", "small/", "-s", "4", "-m", "hidden-avif", "--skip-existing"]
    every = {str(path.relative_to(desk)) for path in written(desk / "in")}

    first = interrupted(desk, down, "small")
    assert first["interrupted"]
    told = [inputs(first[part]) for part in ("results", "failed", "passed_over")] + [set(first["left"])]
    assert set().union(*told) == every
    assert sum(map(len, told)) == COUNT

    code, second = finished(desk, down)
    assert code == 1
    assert len(second["failed"]) == BAD
    assert {entry["exit_code"] for entry in second["failed"]} == {3}
    assert inputs(first["results"]) <= inputs(second["passed_over"])
    assert inputs(second["passed_over"]) | inputs(second["results"]) == every - inputs(second["failed"])
    assert len(written(desk / "small")) == COUNT - BAD
    assert all(entry["input"] in entry["message"] for entry in second["failed"])

    up = ["up", "small", "-r", "-o", "back/", "--skip-existing"]
    assert interrupted(desk, up, "back")["left"]
    code, last = finished(desk, up)
    assert (code, last["failed"]) == (0, [])
    assert len(written(desk / "back")) == COUNT - BAD
    assert not [path for path in desk.rglob(".*") if path.is_file()]
    for path in written(desk / "back")[:: COUNT // 20]:
        with Image.open(path) as image:
            assert image.size == (40, 32)
