"""The same version, machine and seed give the same bytes; what is restored hardly depends on threads and precision."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import torch

from samples import smooth_picture
from unshrink.files.numbers import NumberReader
from unshrink.rescale import Engine
from unshrink.rescale import stream as coding

MODELS = ("stream-x4", "hidden-avif")
MAKE = """
import hashlib, sys
from PIL import Image
from unshrink.rescale import Engine
with Image.open(sys.argv[1]) as image:
    print(hashlib.sha256(Engine().down(image, 4).encode("png")).hexdigest())
"""


@pytest.fixture(scope="module")
def photo() -> np.ndarray:
    return np.asarray(smooth_picture(72, 98))


@contextmanager
def threads(count: int) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def narrow() -> Engine:
    """An engine that computes in bfloat16 on processors that are slow in it, too."""
    engine = Engine()
    engine._dtype = torch.bfloat16
    return engine


def made(photo: np.ndarray, model: str, count: int) -> bytes:
    with threads(count):
        return Engine().down(photo, 4, model=model).encode("png")


@pytest.mark.parametrize("model", MODELS)
def test_down_gives_the_same_bytes_each_time_and_with_any_threads(photo: np.ndarray, model: str) -> None:
    first = made(photo, model, 1)
    assert made(photo, model, 1) == first
    assert made(photo, model, 2) == first


def test_another_process_gives_the_same_bytes(tmp_path: Path, photo: np.ndarray) -> None:
    smooth_picture(72, 98).save(tmp_path / "photo.png")
    expected = hashlib.sha256(made(photo, "stream-x4", 1)).hexdigest()
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONHASHSEED": "7"}
    command = [sys.executable, "-c", MAKE, str(tmp_path / "photo.png")]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == expected


@pytest.mark.parametrize("model", ["stream-x4", "irn-q-x4"])
def test_what_is_restored_agrees_across_threads_and_precisions(photo: np.ndarray, model: str) -> None:
    data = Engine(precision="float32").down(photo, 4, model=model).encode("png")
    with threads(1):
        expected = Engine(precision="float32").up(data).rgb.astype(int)
        narrowed = np.abs(narrow().up(data).rgb - expected)
    with threads(2):
        spread = np.abs(Engine(precision="float32").up(data).rgb - expected)
    assert spread.max() <= 1
    assert narrowed.max() <= 3
    assert narrowed.mean() <= 0.2


def test_the_numbers_of_a_stream_are_the_same_in_both_precisions(
    photo: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = Engine().down(photo, 4, model="stream-x4", exact_blocks=False).encode("png")
    read: list[list[bytes]] = []

    class Recorder(NumberReader):
        def read(self, which: np.ndarray) -> np.ndarray:
            numbers = super().read(which)
            read[-1].append(numbers.tobytes())
            return numbers

    monkeypatch.setattr(coding, "NumberReader", Recorder)
    for engine in (Engine(precision="float32"), narrow()):
        read.append([])
        engine.up(data)
    assert read[0]
    assert read[0] == read[1]
