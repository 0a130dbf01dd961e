"""The measuring loop, with methods whose figures are known."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from unshrink.errors import UnreadableInputError, UsageError
from unshrink.evaluate.measure import Trip, measure
from unshrink.evaluate.protocol import bicubic_lr, crop_to_multiple, find_pictures
from unshrink.evaluate.scores import score
from unshrink.files.picture import Picture, read_picture


def perfect(hr: Picture, target: Path) -> Trip:
    path = target.with_suffix(".png")
    hr.save(path)
    return Trip(read_picture(path), bicubic_lr(hr, 2), path.stat().st_size, 7, {"quality": 3})


def off_by_one(hr: Picture, target: Path) -> Trip:
    return Trip(replace(hr, rgb=hr.rgb ^ np.uint8(1)), None, 100)


def test_pictures_are_listed_by_name_and_the_rest_is_ignored(pictures: Path) -> None:
    assert [path.name for path in find_pictures(pictures)] == ["a.PNG", "b.png"]


def test_a_perfect_method(pictures: Path) -> None:
    report = measure(perfect, 2, [pictures])
    figures = report["sets"]["toys"]
    assert figures["images"] == 2
    assert figures["psnr_y"] is None
    assert figures["lr_psnr_y"] is None
    assert figures["ssim_y"] == pytest.approx(1)
    assert figures["lr_ssim_y"] == pytest.approx(1)
    assert figures["payload_bytes"] == 14
    assert figures["lr_bytes"] == figures["hr_png_bytes"] == sum(row["lr_bytes"] for row in figures["per_image"])
    assert figures["lr_bits_per_hr_pixel"] == pytest.approx(8 * figures["lr_bytes"] / (48 * 48 + 50 * 70))
    assert [(row["name"], row["height"], row["width"], row["quality"]) for row in figures["per_image"]] == [
        ("a.PNG", 48, 48, 3),
        ("b.png", 50, 70, 3),
    ]


def test_means_are_over_pictures_and_grey_is_scored_as_grey(pictures: Path) -> None:
    figures = measure(off_by_one, 2, [pictures])["sets"]["toys"]
    grey, colour = figures["per_image"]
    assert grey["psnr_y"] == pytest.approx(20 * np.log10(255))  # not 1.32 dB more, as the luma of a grey RGB would give
    assert colour["psnr_rgb"] == pytest.approx(20 * np.log10(255))
    assert colour["psnr_y"] > colour["psnr_rgb"]
    assert figures["psnr_y"] == pytest.approx((grey["psnr_y"] + colour["psnr_y"]) / 2)
    assert figures["lr_psnr_y"] is None
    assert figures["lr_ssim_y"] is None


def test_a_report_is_json_and_says_what_it_is(pictures: Path) -> None:
    report = json.loads(json.dumps(measure(off_by_one, 4, [pictures]), allow_nan=False))
    assert report["schema"] == 1
    assert report["protocol"]["border_pixels"] == 4
    assert report["published"] == []


def test_published_rows_stand_beside_sets_of_the_same_name(pictures: Path) -> None:
    renamed = pictures.rename(pictures.with_name("set5"))
    rows = measure(off_by_one, 4, [renamed])["published"]
    assert {row["set"] for row in rows} == {"Set5"}
    assert {row["scale"] for row in rows} == {4.0}
    assert [row["psnr_y"] for row in rows if row["system"] == "DLV-IRN"] == [36.62]


def test_progress_counts_over_all_folders(pictures: Path) -> None:
    other = pictures.with_name("more")
    other.mkdir()
    Image.new("RGB", (30, 30), (9, 8, 7)).save(other / "z.png")
    seen: list[tuple[int, int, str]] = []
    measure(off_by_one, 2, [pictures, other], lambda done, total, name: seen.append((done, total, name)))
    assert seen == [(0, 3, "toys/a.PNG"), (1, 3, "toys/b.png"), (2, 3, "more/z.png")]


def test_the_border_and_the_crop() -> None:
    rgb = np.random.default_rng(0).integers(0, 256, (33, 41, 3), dtype=np.uint8)
    hr = crop_to_multiple(Picture(rgb=rgb), 4)
    assert hr.size == (32, 40)
    np.testing.assert_array_equal(hr.rgb, rgb[:32, :40])
    frame = hr.rgb.copy()
    frame[4:-4, 4:-4] = 255 - frame[4:-4, 4:-4]
    damaged = np.where(frame == hr.rgb, 0, hr.rgb)  # only the frame of four pixels differs
    damaged[4:-4, 4:-4] = hr.rgb[4:-4, 4:-4]
    assert score(hr, Picture(rgb=damaged.astype(np.uint8)), None, hr, 4)["psnr_rgb"] is None


def test_the_lr_is_scored_to_its_edge() -> None:
    hr = Picture(rgb=np.random.default_rng(1).integers(0, 256, (48, 48, 3), dtype=np.uint8))
    lr = bicubic_lr(hr, 4)
    spoilt = lr.rgb.copy()
    spoilt[:, 0] = 0  # one column at the edge, which a border would hide
    figures = score(hr, hr, Picture(rgb=spoilt), lr, 4)
    assert figures["lr_psnr_y"] is not None
    assert figures["lr_psnr_y"] < 30


def test_small_pictures_have_no_ssim_and_tiny_ones_are_refused() -> None:
    hr = Picture(rgb=np.random.default_rng(2).integers(0, 256, (12, 12, 3), dtype=np.uint8))
    lr = bicubic_lr(hr, 2)
    assert score(hr, hr, lr, lr, 2)["ssim_y"] is None
    with pytest.raises(UsageError, match="too small to measure at scale 4"):
        crop_to_multiple(Picture(rgb=hr.rgb[:11]), 4)


def test_refuses_folders_it_cannot_measure(tmp_path: Path, pictures: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match="holds no pictures"):
        find_pictures(tmp_path / "empty")
    with pytest.raises(UsageError, match="is not a folder"):
        find_pictures(tmp_path / "missing")
    with pytest.raises(UsageError, match="same name"):
        measure(off_by_one, 2, [pictures, pictures])


def test_a_damaged_picture_is_an_error_not_a_gap_in_the_mean(pictures: Path) -> None:
    (pictures / "c.png").write_bytes((pictures / "b.png").read_bytes()[:200])
    with pytest.raises(UnreadableInputError):
        measure(off_by_one, 2, [pictures])
