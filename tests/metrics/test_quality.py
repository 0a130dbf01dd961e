"""PSNR and SSIM against scikit-image, and by hand where the answer is known."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from unshrink.metrics.quality import luma, psnr_rgb, psnr_y, ssim_y

Pixels = NDArray[np.uint8]


def pair(height: int = 47, width: int = 61, noise: float = 9.0, grey: bool = False) -> tuple[Pixels, Pixels]:
    rng = np.random.default_rng(height * width)
    shape = (height, width) if grey else (height, width, 3)
    smooth = np.cumsum(np.cumsum(rng.normal(size=shape), axis=0), axis=1)
    a = np.clip(128 + 90 * smooth / np.abs(smooth).max(), 0, 255)
    b = np.clip(a + rng.normal(scale=noise, size=shape), 0, 255)
    return np.round(a).astype(np.uint8), np.round(b).astype(np.uint8)


def inside(plane: NDArray[np.float64], border: int) -> NDArray[np.float64]:
    return plane[border : plane.shape[0] - border, border : plane.shape[1] - border]


def test_luma_of_known_colours_is_not_rounded() -> None:
    colours = np.array([[[0, 0, 0], [255, 255, 255], [255, 0, 0], [1, 2, 3]]], dtype=np.uint8)
    expected = [16, 235, 81.481, 16 + (65.481 + 2 * 128.553 + 3 * 24.966) / 255]
    np.testing.assert_allclose(luma(colours)[0], expected, atol=1e-12)


def test_grey_is_its_own_luma() -> None:
    plane = np.arange(256, dtype=np.uint8).reshape(16, 16)
    np.testing.assert_array_equal(luma(plane), plane.astype(float))


@pytest.mark.parametrize("border", [0, 2, 4])
@pytest.mark.parametrize("noise", [0.6, 9.0, 60.0])
def test_psnr_agrees_with_scikit_image(border: int, noise: float) -> None:
    a, b = pair(noise=noise)
    y = [inside(luma(x), border) for x in (a, b)]
    rgb = [inside(x.astype(float), border) for x in (a, b)]
    assert psnr_y(a, b, border) == pytest.approx(peak_signal_noise_ratio(*y, data_range=255), abs=1e-9)
    assert psnr_rgb(a, b, border) == pytest.approx(peak_signal_noise_ratio(*rgb, data_range=255), abs=1e-9)


@pytest.mark.parametrize("border", [0, 3])
@pytest.mark.parametrize("grey", [False, True])
@pytest.mark.parametrize("noise", [0.6, 9.0, 60.0])
def test_ssim_agrees_with_scikit_image(border: int, grey: bool, noise: float) -> None:
    a, b = pair(noise=noise, grey=grey)
    _, plane = structural_similarity(
        inside(luma(a), border),
        inside(luma(b), border),
        data_range=255,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
        full=True,
    )
    assert ssim_y(a, b, border) == pytest.approx(plane[5:-5, 5:-5].mean(), abs=1e-9)


def test_identical_pictures() -> None:
    a, _ = pair()
    assert psnr_y(a, a) == psnr_rgb(a, a, 4) == math.inf
    assert ssim_y(a, a) == pytest.approx(1, abs=1e-12)


def test_one_step_everywhere_is_48_db() -> None:
    a = np.full((20, 20, 3), 100, dtype=np.uint8)
    assert psnr_rgb(a, a + np.uint8(1)) == pytest.approx(20 * math.log10(255))
    assert psnr_y(a, a + np.uint8(1)) == pytest.approx(20 * math.log10(255 * 255 / 219))


def test_the_border_is_left_out() -> None:
    a, b = pair()
    c = a.copy()
    c[4:-4, 4:-4] = b[4:-4, 4:-4]
    assert psnr_rgb(a, c, 4) == psnr_rgb(a, b, 4)
    assert psnr_rgb(a, c, 3) > psnr_rgb(a, b, 3)


def test_ssim_falls_with_noise() -> None:
    values = [ssim_y(*pair(noise=noise)) for noise in (1.0, 5.0, 25.0)]
    assert values == sorted(values, reverse=True)


def test_a_picture_of_one_window_has_an_ssim_and_a_smaller_one_has_none() -> None:
    a, b = pair(15, 15)
    assert -1 <= ssim_y(a, b, 2) < 1
    with pytest.raises(ValueError, match="at least 11 pixels"):
        ssim_y(a, b, 3)


def test_refuses_what_cannot_be_compared() -> None:
    a, b = pair()
    with pytest.raises(ValueError, match="differ in size"):
        psnr_y(a, b[:-1])
    with pytest.raises(ValueError, match="leaves nothing"):
        psnr_rgb(a, b, 24)
    with pytest.raises(ValueError, match="expected uint8"):
        luma(a.astype(np.float32))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="expected uint8"):
        psnr_y(a[..., :2], b[..., :2])
