"""The gradient figure: networks of equal cost, measured by depth, drawn and written."""

import json

import numpy as np
import pytest
from PIL import Image

from lab import gradients
from unshrink.models.registry import build, get
from unshrink.train.cost import multiply_adds_per_pixel


@pytest.fixture
def pictures(tmp_path):
    folder = tmp_path / "pictures"
    folder.mkdir()
    for seed in range(2):
        pixels = np.random.default_rng(seed).integers(0, 255, (64, 64, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{seed}.png")
    return folder


def test_the_networks_cost_the_same():
    costs = [
        multiply_adds_per_pixel(build(get(name), settings=settings)) for name, settings in gradients.NETWORKS.values()
    ]
    assert max(costs) < 1.05 * min(costs)


def test_the_command_writes_a_report_and_a_figure(pictures, tmp_path, capsys):
    report, figure = tmp_path / "out" / "gradients.json", tmp_path / "out" / "gradients.png"
    options = ["--cache", tmp_path / "pack", "--steps", 2, "--json", report, "--png", figure]
    assert gradients.main([str(pictures), *map(str, options)]) == 0
    printed = [float(line.split("loss ")[1].split(",")[0]) for line in capsys.readouterr().err.splitlines()]
    found = json.loads(report.read_text())["networks"]
    assert [entry["name"] for entry in found] == list(gradients.NETWORKS)
    assert all(len(entry["gradients"]) == 6 and len(entry["norms"]) == 2 for entry in found)
    assert all(value > 0 for entry in found for value in entry["gradients"])
    assert [entry["loss"] for entry in found] == pytest.approx(printed, abs=1e-5)
    assert figure.read_bytes().startswith(b"\x89PNG")


def test_a_missing_folder_is_told(tmp_path, capsys):
    assert gradients.main([str(tmp_path / "none"), "--cache", str(tmp_path)]) > 0
    assert "none" in capsys.readouterr().err
