"""Pictures that rescalers spoil first: the defaults keep them, through written files."""

import numpy as np
import pytest

import unshrink
from unshrink.bench.measure import bicubic_lr, from_tensor, to_tensor
from unshrink.data.synthetic import checkerboard, saturated_page, screenshot_page, text_page
from unshrink.files.picture import Picture
from unshrink.nn.resample import bicubic_up

RENDERS = {
    "text": lambda: text_page(7, (240, 320)),
    "screenshot": lambda: screenshot_page(7, (240, 320)),
    "saturated": lambda: saturated_page(7, (240, 320)),
    "checkerboard": lambda: checkerboard(160),
}


def _psnr(a, b):
    return -10 * np.log10(np.mean((a.astype(float) - b) ** 2) / 255**2 + 1e-12)


def _worst(a, b):
    return int(np.abs(a.astype(int) - b).max())


@pytest.mark.parametrize("scale", [2, 4])
@pytest.mark.parametrize("kind", RENDERS)
def test_the_defaults_keep_what_bicubic_spoils(kind, scale, tmp_path):
    hr = RENDERS[kind]()
    unshrink.down(hr, scale).save(tmp_path / "small.png")
    restored = unshrink.up(tmp_path / "small.png").rgb
    bicubic = from_tensor(bicubic_up(to_tensor(bicubic_lr(Picture(rgb=hr), scale).rgb), scale))
    assert _psnr(hr, restored) > _psnr(hr, bicubic) + 3
    assert _worst(hr, restored) <= _worst(hr, bicubic)
