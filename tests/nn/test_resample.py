"""Bicubic resampling against an independent dense-matrix reference, and its algebraic properties."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from unshrink.nn.resample import bicubic_down, bicubic_up, resize


def cubic(x: NDArray[np.float64]) -> NDArray[np.float64]:
    d = np.abs(x)
    near = 1.5 * d**3 - 2.5 * d**2 + 1
    far = -0.5 * d**3 + 2.5 * d**2 - 4 * d + 2
    return np.where(d <= 1, near, np.where(d <= 2, far, 0.0))


def reference_matrix(n_in: int, n_out: int) -> NDArray[np.float64]:
    """MATLAB's ``contributions``, written with 1-based indices and far too wide a support."""
    scale = n_out / n_in
    shrink = min(scale, 1.0)
    centre = np.arange(1, n_out + 1) / scale + 0.5 * (1 - 1 / scale)
    reach = math.ceil(4 / shrink) + 2
    index = np.floor(centre)[:, None] + np.arange(-reach, reach + 1)[None]
    weight = cubic(shrink * (centre[:, None] - index))
    weight /= weight.sum(axis=1, keepdims=True)
    mirror = np.concatenate([np.arange(n_in), np.arange(n_in)[::-1]])
    folded = mirror[np.mod(index - 1, 2 * n_in).astype(int)]
    matrix = np.zeros((n_out, n_in))
    np.add.at(matrix, (np.arange(n_out)[:, None], folded), weight)
    return matrix


def reference(x: torch.Tensor, size: Sequence[int]) -> torch.Tensor:
    rows = torch.from_numpy(reference_matrix(x.shape[-2], size[0]))
    columns = torch.from_numpy(reference_matrix(x.shape[-1], size[1]))
    return rows @ x.double() @ columns.T


def picture(*shape: int) -> torch.Tensor:
    return torch.rand(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(3))


@pytest.mark.parametrize("scale", [2, 3, 4, 8])
def test_whole_factors_agree_with_the_reference(scale: int) -> None:
    x = picture(2, 3, 5 * scale, 7 * scale)
    small = reference(x, (5, 7))
    torch.testing.assert_close(bicubic_down(x, scale), small, atol=1e-12, rtol=0)
    torch.testing.assert_close(bicubic_up(small, scale), reference(small, x.shape[-2:]), atol=1e-12, rtol=0)


@pytest.mark.parametrize("size", [(17, 31), (50, 11), (7, 90), (19, 64), (1, 1), (23, 29)])
def test_any_size_agrees_with_the_reference(size: tuple[int, int]) -> None:
    x = picture(1, 2, 23, 29)
    torch.testing.assert_close(resize(x, size), reference(x, size), atol=1e-12, rtol=0)


@pytest.mark.parametrize("source", [(1, 1), (1, 5), (3, 2)])
def test_mirroring_folds_more_than_once_on_tiny_pictures(source: tuple[int, int]) -> None:
    x = picture(1, 1, *source)
    for size in [(8, 8), (2, 7)]:
        torch.testing.assert_close(resize(x, size), reference(x, size), atol=1e-12, rtol=0)


def test_float32_stays_within_a_millionth() -> None:
    x = picture(4, 3, 112, 112)
    for size in [(28, 28), (56, 56), (224, 224), (75, 131)]:
        got = resize(x.float(), size)
        assert got.dtype == torch.float32
        torch.testing.assert_close(got.double(), reference(x, size), atol=1e-6, rtol=0)


def test_a_single_pixel_shows_the_cubic_with_a_minus_one_half() -> None:
    x = torch.zeros(1, 1, 1, 9, dtype=torch.float64)
    x[..., 4] = 1
    doubled = bicubic_up(x, 2)[0, 0, 0]
    expected = cubic(np.array([-1.75, -1.25, -0.75, -0.25, 0.25, 0.75, 1.25, 1.75]))
    np.testing.assert_allclose(doubled[5:13].numpy(), expected, atol=1e-14)


def test_constants_survive_and_overshoot_is_kept() -> None:
    flat = torch.full((1, 3, 24, 36), 0.3, dtype=torch.float64)
    torch.testing.assert_close(bicubic_down(flat, 4), flat[..., :6, :9], atol=1e-14, rtol=0)
    step = torch.zeros(1, 1, 8, 8, dtype=torch.float64)
    step[..., 4:] = 1
    assert bicubic_up(step, 4).max() > 1.01
    assert bicubic_up(step, 4).min() < -0.01


def test_results_do_not_depend_on_autocast_or_inference_mode() -> None:
    x = picture(1, 3, 37, 41).float()
    with torch.inference_mode():
        first = [resize(x, (12, 88)), bicubic_up(x, 3)]
    with torch.autocast("cpu", dtype=torch.bfloat16):
        second = [resize(x, (12, 88)), bicubic_up(x, 3)]
    for a, b in zip(first, second, strict=True):
        assert torch.equal(a, b)


def test_gradients_flow_through_every_path() -> None:
    for size in [(4, 4), (16, 24), (5, 11)]:
        x = picture(1, 1, 8, 8).requires_grad_()
        assert torch.autograd.gradcheck(lambda value, size=size: resize(value, size), (x,))


def test_refuses_what_it_cannot_do() -> None:
    with pytest.raises(ValueError, match="cannot be shrunk by 4"):
        bicubic_down(torch.zeros(1, 3, 8, 9), 4)
    with pytest.raises(ValueError, match="whole number"):
        bicubic_up(torch.zeros(1, 3, 8, 8), 0)
    with pytest.raises(ValueError, match="at least one pixel"):
        resize(torch.zeros(1, 3, 8, 8), (0, 4))
    with pytest.raises(TypeError, match="floating-point"):
        resize(torch.zeros(1, 3, 8, 8, dtype=torch.uint8), (4, 4))
