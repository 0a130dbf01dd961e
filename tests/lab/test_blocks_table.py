"""The table of what exact blocks cost, on an untrained network."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from lab import blocks
from unshrink.data.pack import held_out, pack_folder
from unshrink.data.synthetic import KINDS, checkerboard
from unshrink.models.registry import build, get
from unshrink.models.weights import write_weights
from unshrink.models.zoo import find
from unshrink.rescale import Engine


@pytest.fixture
def untrained(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    write_weights(build(get("lite-x2")), "lite-x2", tmp_path / "weights")
    return tmp_path / "weights"


def test_a_checkerboard_comes_back_for_a_few_bytes(untrained: Path) -> None:
    row = blocks.measure_blocks(Engine(weights=untrained), "lite-x2", checkerboard(64))
    assert 0 < row.bytes_with - row.bytes_without < 200
    assert row.psnr[0] < 10 < row.psnr[1]
    assert row.worst[0] > 100
    assert row.worst[1] == 0
    assert row.worst[2] > 100


def test_the_command_puts_a_line_for_each_kind_into_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "_PAGE", (32, 48))
    monkeypatch.setattr(blocks, "_TILE", 32)
    monkeypatch.setattr(blocks, "_TILES", 1)
    page = tmp_path / "page.md"
    page.write_text("Before.\n<!-- blocks -->\nold\n<!-- end of blocks -->\nAfter.\n")
    assert blocks.main(["irn-q-x2", "--page", str(page)]) == 0
    lines = page.read_text().splitlines()
    assert (lines[0], lines[-1], "old" in lines) == ("Before.", "After.", False)
    assert f"weights {find('irn-q-x2').digest[:12]}" in lines[3]
    rows = [line.split(" | ") for line in lines if line.startswith("| ")]
    assert len(rows) == 1 + 4 + len(KINDS)
    assert len({len(row) for row in rows}) == 1
    assert "exact" in next(row for row in rows if "checkerboard" in row[0])


def test_photographs_are_those_held_out(tmp_path: Path) -> None:
    for number in range(40):
        Image.fromarray(np.full((8, 8, 3), number, np.uint8)).save(tmp_path / f"p{chr(65 + number)}x.png")
    pack = pack_folder(tmp_path, tmp_path / "cache")
    names = [path.name for path in held_out(tmp_path, 4)]
    assert names == [pack.names[index] for index in pack.split(4)[1]]
    assert 0 < len(names) < 40


def test_a_folder_without_a_picture_to_hold_out_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(tmp_path / "a.png")
    assert held_out(tmp_path, blocks.HOLDOUT) == []
    assert blocks.main(["irn-q-x2", "--photos", str(tmp_path), "--most", "3"]) == 2
    assert "training leaves out" in capsys.readouterr().err
