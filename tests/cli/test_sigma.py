from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from unshrink.models import registry
from unshrink.models.weights import write_weights


@pytest.fixture
def sigma_weights(tmp_path: Path) -> str:
    name = "irn-sigma-x4"
    write_weights(registry.build(registry.get(name)), name, tmp_path / "weights")
    return str(tmp_path / "weights")


def _restored(call, weights: str, *options: str) -> np.ndarray:
    result = call("up", "photo.x4.png", "out.png", "--overwrite", "--weights", weights, *options)
    assert result.code == 0
    with Image.open("out.png") as image:
        return np.array(image)


def test_up_takes_sigma_and_seed(call, draw, sigma_weights):
    draw("photo.png")
    assert call("down", "photo.png", "--weights", sigma_weights, "--no-exact-blocks").code == 0
    still = _restored(call, sigma_weights)
    first = _restored(call, sigma_weights, "--sigma", "0.6", "--seed", "7")
    assert np.array_equal(first, _restored(call, sigma_weights, "--sigma", "0.6", "--seed", "7"))
    assert not np.array_equal(first, _restored(call, sigma_weights, "--sigma", "0.6"))
    assert not np.array_equal(first, still)


def test_roundtrip_measures_what_the_dial_costs(call, draw, sigma_weights):
    draw("photo.png")
    common = ("roundtrip", "photo.png", "--weights", sigma_weights, "--no-exact-blocks", "--json")
    still, far = (call(*common, "--sigma", sigma).json["results"][0] for sigma in ("0", "1"))
    assert far["psnr_y"] < still["psnr_y"]
    assert far["lr_psnr_y"] == still["lr_psnr_y"]


@pytest.mark.parametrize("value", ["1.5", "-1"])
def test_sigma_out_of_range_is_a_wrong_call(call, draw, sigma_weights, value):
    draw("photo.png")
    call("down", "photo.png", "--weights", sigma_weights)
    result = call("up", "photo.x4.png", "--sigma", value, "--weights", sigma_weights)
    assert result.code == 2
    assert "0 to 1" in result.err


def test_a_model_without_a_dial_says_so(call, draw, weights):
    draw("photo.png")
    call("down", "photo.png", "--weights", weights[4])
    result = call("up", "photo.x4.png", "--sigma", "0.5", "--weights", weights[4])
    assert result.code == 2
    assert "irn-sigma-x4" in result.err
