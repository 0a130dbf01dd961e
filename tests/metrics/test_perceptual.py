"""Shift-tolerant LPIPS: what it says of simple pairs, and what it says where the weights are missing."""

from importlib.metadata import PackageNotFoundError
from importlib.util import find_spec

import numpy as np
import pytest
import torch

from unshrink.errors import UsageError
from unshrink.metrics import perceptual
from unshrink.metrics.perceptual import PerceptualDistance, load_distance, lpips, metric_name

needs_weights = pytest.mark.skipif(
    find_spec("stlpips_pytorch") is None, reason="the extra 'perceptual' is not installed"
)


def _waves(height=40, width=48):
    y, x = np.mgrid[:height, :width]
    planes = [128 + 90 * np.sin(x / 3 + phase) * np.cos(y / 4) for phase in range(3)]
    return np.stack(planes, axis=-1).astype(np.uint8)


def _noisy(pixels, deviation):
    noise = np.random.default_rng(0).normal(0, deviation, pixels.shape)
    return np.clip(pixels + noise, 0, 255).astype(np.uint8)


@needs_weights
def test_a_picture_is_no_distance_from_itself():
    assert lpips(_waves(), _waves()) == 0


@needs_weights
def test_the_order_does_not_matter_and_more_noise_is_further():
    a = _waves()
    near, far = lpips(a, _noisy(a, 5)), lpips(a, _noisy(a, 30))
    assert near == pytest.approx(lpips(_noisy(a, 5), a), rel=1e-5)
    assert 0 < 2 * near < far


@needs_weights
@pytest.mark.parametrize(("net", "expected"), [("alex", 0.08423951268196106), ("vgg", 0.325425922870636)])
def test_the_packages_own_figures(net, expected):
    """What stlpips_pytorch 0.0.2 itself computes for this pair."""
    a = _waves(64, 64)
    assert lpips(a, 255 - a, net) == pytest.approx(expected, rel=1e-4)


@needs_weights
def test_a_grey_picture_is_that_of_three_equal_channels():
    grey = _waves()[..., 0]
    other = _noisy(grey, 20)
    three = [np.stack([pixels] * 3, axis=-1) for pixels in (grey, other)]
    assert lpips(grey, other) == pytest.approx(lpips(*three), rel=1e-6)


@needs_weights
def test_what_is_in_the_border_does_not_count():
    a, b = _waves(), _waves()
    b[:4], b[:, -4:] = 0, 0
    assert lpips(a, b, border=4) == 0


@needs_weights
def test_other_sizes_are_refused():
    with pytest.raises(UsageError, match="differ in size"):
        lpips(_waves(40, 48), _waves(48, 40))
    with pytest.raises(UsageError, match="32 pixels"):
        lpips(_waves(31, 40), _waves(31, 40))


@needs_weights
@pytest.mark.parametrize("net", ["alex", "vgg"])
def test_the_smallest_picture_is_measured(net):
    a = _waves(perceptual.SMALLEST, perceptual.SMALLEST)
    assert np.isfinite(lpips(a, 255 - a, net))


@needs_weights
def test_the_gradient_reaches_the_picture_and_not_the_network():
    network = load_distance("alex")
    a = torch.rand(1, 3, 32, 32, requires_grad=True)
    network(a, torch.rand(1, 3, 32, 32)).sum().backward()
    assert a.grad.abs().sum() > 0
    assert not any(parameter.requires_grad for parameter in network.parameters())


@needs_weights
def test_the_name_says_which_metric_it_is():
    assert metric_name() == "shift-tolerant LPIPS, AlexNet, stlpips_pytorch 0.0.2"


def test_without_the_extra_the_error_names_it(monkeypatch):
    def missing(name):
        raise PackageNotFoundError(name)

    monkeypatch.setattr(perceptual, "distribution", missing)
    with pytest.raises(UsageError, match=r"unshrink\[perceptual\]"):
        load_distance("vgg")


def test_weights_of_another_network_are_refused():
    with pytest.raises(RuntimeError, match="Missing key"):
        PerceptualDistance("alex", {"scaling_layer.shift": torch.zeros(1), "scaling_layer.scale": torch.ones(1)})
