"""The one score of a round trip."""

import numpy as np
import pytest

from unshrink.evaluate.scores import score
from unshrink.files.picture import Picture


def test_identical_pictures_have_no_psnr():
    picture = Picture(rgb=np.full((24, 24, 3), 90, dtype=np.uint8))
    small = Picture(rgb=np.full((12, 12, 3), 90, dtype=np.uint8))
    scores = score(picture, picture, small, small, 2)
    assert scores["psnr_y"] is scores["psnr_rgb"] is scores["lr_psnr_y"] is None
    assert scores["ssim_y"] == scores["lr_ssim_y"] == pytest.approx(1)


def test_the_border_is_left_out():
    hr = np.full((24, 24, 3), 90, dtype=np.uint8)
    restored = hr.copy()
    restored[:2] = 0
    lr = Picture(rgb=np.full((12, 12, 3), 90, dtype=np.uint8))
    assert score(Picture(rgb=hr), Picture(rgb=restored), lr, lr, 2)["psnr_rgb"] is None
    restored[2] = 0
    assert score(Picture(rgb=hr), Picture(rgb=restored), lr, lr, 2)["psnr_rgb"] is not None


def test_the_border_is_not_left_out_where_nothing_would_remain():
    hr = Picture(rgb=np.full((4, 4, 3), 90, dtype=np.uint8))
    other = Picture(rgb=np.full((4, 4, 3), 91, dtype=np.uint8))
    assert score(hr, other, None, hr, 2)["psnr_rgb"] == pytest.approx(20 * np.log10(255))
