"""The dial's curve: one LR file, every sigma; and its figure."""

from __future__ import annotations

import json
from importlib.util import find_spec

import numpy as np
import pytest
from PIL import Image

from lab import dial
from unshrink.errors import UsageError
from unshrink.models import registry
from unshrink.models.weights import write_weights

needs_weights = pytest.mark.skipif(
    find_spec("stlpips_pytorch") is None, reason="the extra 'perceptual' is not installed"
)


@pytest.fixture
def pictures(tmp_path):
    folder = tmp_path / "Waves"
    folder.mkdir()
    y, x = np.mgrid[:44, :50]
    for index in range(2):
        planes = [128 + 60 * np.sin(x / 9 + phase + index) * np.cos(y / 7) for phase in range(3)]
        Image.fromarray(np.stack(planes, axis=-1).astype(np.uint8)).save(folder / f"{index}.png")
    return folder


@needs_weights
def test_the_command_writes_the_curve_and_its_figure(pictures, tmp_path):
    name, weights = "irn-sigma-x4", tmp_path / "weights"
    write_weights(registry.build(registry.get(name)), name, weights)
    out, figure = tmp_path / "dial.json", tmp_path / "dial.png"
    arguments = [name, str(pictures), "--weights", str(weights), "--out", str(out), "--plot", str(figure)]
    assert dial.main(arguments) == 0
    report = json.loads(out.read_text())
    curve = report["sets"]["Waves"]["curve"]
    assert [point["sigma"] for point in curve] == list(dial.SIGMAS)
    psnr = [point["psnr_y"] for point in curve]
    assert psnr == sorted(psnr, reverse=True)  # untrained, the draw is mere noise
    assert report["metric"].startswith("shift-tolerant LPIPS, AlexNet")
    assert report["sets"]["Waves"]["images"] == 2
    assert figure.read_bytes().startswith(b"\x89PNG")
    assert dial.main([*arguments, "--beside", str(out)]) == 0


def test_a_model_without_a_dial_is_refused(pictures):
    with pytest.raises(UsageError, match="no dial"):
        dial.measure_dial("lite-x4", [pictures])
