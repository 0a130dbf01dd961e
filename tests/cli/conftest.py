"""Untrained weights, tiny pictures, and the command line called in this process."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from unshrink.cli import main
from unshrink.models import registry
from unshrink.models.weights import write_weights


@dataclass(frozen=True)
class Result:
    code: int
    out: bytes
    err: str

    @property
    def text(self) -> str:
        return self.out.decode()

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Call = Callable[..., Result]


@pytest.fixture(scope="session")
def weights(tmp_path_factory: pytest.TempPathFactory) -> dict[int, str]:
    """Folders of untrained weights of the lite models, which are then Haar cascades, by scale."""
    folder = tmp_path_factory.mktemp("weights")
    for scale in (2, 4):
        name = f"irn-q-x{scale}"
        write_weights(registry.build(registry.get(name)), name, folder / name)
    return {scale: str(folder / f"irn-q-x{scale}") for scale in (2, 4)}


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]) -> Call:
    """Run one command line in an empty folder; pictures on standard input and output are bytes."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str, stdin: bytes = b"") -> Result:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        code = main(arguments)
        sys.stdout.flush()
        out, err = capfdbinary.readouterr()
        return Result(code, out, err.decode())

    return run


@pytest.fixture
def draw(tmp_path: Path) -> Callable[..., Path]:
    """Write a smooth colourful picture of (height, width) into the test's folder; `mode` is Pillow's."""

    def write(name: str, size: tuple[int, int] = (25, 38), mode: str = "RGB", **options: Any) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        image(size, mode).save(path, **options)
        return path

    return write


def image(size: tuple[int, int], mode: str = "RGB") -> Image.Image:
    y, x = np.mgrid[: size[0], : size[1]]
    planes = [128 + 100 * np.sin(x / 5 + phase) * np.cos(y / 4) for phase in range(4)]
    return Image.fromarray(np.stack(planes, axis=-1).astype(np.uint8), "RGBA").convert(mode)


@pytest.fixture
def down(call, weights) -> Callable[..., object]:
    return lambda *arguments, **options: call("down", *arguments, "--weights", weights[4], **options)


@pytest.fixture
def up(call, weights) -> Callable[..., object]:
    return lambda *arguments, **options: call("up", *arguments, "--weights", weights[4], **options)
