from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

KEYS = {
    "input",
    "model",
    "weights",
    "scale",
    "size",
    "lr_size",
    "psnr_y",
    "psnr_rgb",
    "ssim_y",
    "lr_psnr_y",
    "lr_psnr_rgb",
    "lr_ciede_mean",
    "lr_ciede_p99",
    "lr_ssim_y",
    "lr_bytes",
    "payload_bytes",
    "exact_bytes",
    "hr_png_bytes",
    "seconds_down",
    "seconds_up",
    "peak_memory_bytes",
}


def test_roundtrip_reports_everything_and_leaves_nothing(call, draw, weights, tmp_path):
    photo = draw("photo.png", (64, 81))
    result = call("roundtrip", "photo.png", "--json", "--no-exact-blocks", "--weights", weights[4])
    assert (result.code, result.err) == (0, "")
    (entry,) = result.json["results"]
    assert set(entry) == KEYS
    assert (entry["size"], entry["scale"]) == ({"width": 81, "height": 64}, 4)
    assert entry["lr_size"] == {"width": 21, "height": 16}
    assert 20 < entry["psnr_y"] < 60
    assert entry["lr_psnr_y"] > 30
    assert 0.5 < entry["ssim_y"] < 1
    assert entry["lr_bytes"] < entry["hr_png_bytes"]
    assert entry["peak_memory_bytes"] > 1 << 20
    assert list(tmp_path.iterdir()) == [photo]


def test_roundtrip_keeps_its_files_when_asked(call, draw, weights, tmp_path):
    draw("photo.png")
    arguments = ("roundtrip", "photo.png", "-s", "2", "--weights", weights[2], "--keep", "kept")
    assert call(*arguments).code == 0
    assert sorted(path.name for path in (tmp_path / "kept").iterdir()) == ["photo.restored.png", "photo.x2.png"]
    again = call(*arguments)
    assert again.code == 2
    assert "--overwrite" in again.err
    assert call(*arguments, "--overwrite").code == 0
    assert call("verify", "kept/photo.x2.png").code == 0


def test_roundtrip_figures_are_those_of_the_files_kept(call, draw, weights, tmp_path):
    photo = draw("photo.png", (40, 48))
    arguments = ("--no-exact-blocks", "--json", "--keep", ".", "--weights", weights[4])
    (entry,) = call("roundtrip", "photo.png", *arguments).json["results"]
    original, restored = (
        np.array(Image.open(path))[4:-4, 4:-4].astype(float) for path in (photo, tmp_path / "photo.restored.png")
    )
    psnr = 20 * np.log10(255 / np.sqrt(np.mean((original - restored) ** 2)))
    assert entry["psnr_rgb"] == pytest.approx(psnr)
    assert entry["lr_bytes"] == (tmp_path / "photo.x4.png").stat().st_size


def test_roundtrip_counts_the_bytes_of_exact_blocks(call, draw, weights):
    draw("photo.png", (40, 48))
    (exact,) = call("roundtrip", "photo.png", "--json", "--weights", weights[4]).json["results"]
    (bare,) = call("roundtrip", "photo.png", "--no-exact-blocks", "--json", "--weights", weights[4]).json["results"]
    assert exact["psnr_y"] is None or exact["psnr_y"] > bare["psnr_y"]
    assert bare["exact_bytes"] == 0
    assert exact["exact_bytes"] == exact["payload_bytes"] > 0
    assert exact["lr_bytes"] > bare["lr_bytes"]


def test_roundtrip_for_people_and_from_standard_input(call, draw, weights):
    photo = draw("photo.png").read_bytes()
    result = call("roundtrip", "-", "--weights", weights[4], stdin=photo)
    assert result.text.startswith("standard input 38x25 -> 10x7 -> 38x25 (irn-q-x4)\n")
    for word in ("PSNR", "bytes", "seconds", "memory"):
        assert word in result.text


@pytest.mark.parametrize("size", [(1, 1), (3, 9)])
def test_roundtrip_of_a_picture_too_small_for_ssim(call, draw, weights, size):
    draw("tiny.png", size, "L")
    (entry,) = call("roundtrip", "tiny.png", "--json", "--weights", weights[4]).json["results"]
    assert entry["size"] == {"width": size[1], "height": size[0]}
    assert entry["ssim_y"] is None
    assert entry["lr_ssim_y"] is None


def test_roundtrip_goes_on_past_a_failure(call, draw, weights):
    draw("photo.png")
    result = call("roundtrip", "missing.png", "photo.png", "--json", "--weights", weights[4])
    assert result.code == 1
    assert len(result.json["results"]) == len(result.json["failed"]) == 1
