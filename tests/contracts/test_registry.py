"""One suite over every entry of the registry, whatever its method."""

import copy
import functools
import tempfile
from pathlib import Path

import numpy as np
import pytest
import torch

from samples import at
from unshrink.errors import UnknownNameError, UsageError
from unshrink.models import registry, weights, zoo
from unshrink.models.payloads import KINDS
from unshrink.rescale import Engine
from unshrink.train.recipe import read_recipe, recipe_names

HR = (24, 48)
"""Multiples of every scale."""
SHRUNK = {None: ((16, 29), (8, 20))}
"""LR sizes for networks of any scale: one that a single Haar transform reaches, one that takes two."""

NEARLY = 5e-3
"""What a network of any scale may miss: its resampling is undone by a damped left inverse."""


@functools.cache
def _disturbed(name):
    """Weights as if it had learnt something; shared by the tests, so never changed by them."""
    model = registry.build(registry.get(name)).eval().requires_grad_(False)
    generator = torch.Generator().manual_seed(0)
    for parameter in model.parameters():
        parameter.add_(torch.randn(parameter.shape, generator=generator), alpha=0.01)
    return model


@functools.cache
def _fresh(name):
    return registry.build(registry.get(name)).eval().requires_grad_(False)


def _lr_sizes(scale):
    return SHRUNK.get(scale) or ((HR[0] // scale, HR[1] // scale),)


def _picture(dtype=torch.float32, batch=1):
    return torch.rand(batch, 3, *HR, generator=torch.Generator().manual_seed(1), dtype=dtype)


@pytest.mark.parametrize("name", registry.rescalers())
@pytest.mark.parametrize(("dtype", "bound"), [(torch.float64, 1e-9), (torch.float32, 1e-4)])
def test_nothing_is_lost_but_the_latent(name, dtype, bound):
    model = _disturbed(name) if dtype == torch.float32 else copy.deepcopy(_disturbed(name)).to(dtype)
    hr = _picture(dtype)
    for size in _lr_sizes(model.scale):
        placed = model.at(HR, size)
        parts = placed.split(hr)
        assert parts.lr.shape == (1, 3, *size)
        back = placed.join(parts, parts.latent)
        assert (back - hr).abs().max() < (bound if model.scale else NEARLY)


@pytest.mark.parametrize("name", registry.rescalers())
def test_down_and_up_have_the_promised_shapes(name):
    model = _disturbed(name)
    hr = _picture(batch=2)
    for size in _lr_sizes(model.scale):
        placed = model.at(HR, size)
        lr, payload = placed.downscale(hr)
        assert lr.shape == (2, 3, *size)
        assert placed.upscale(lr, payload).shape == hr.shape
        assert placed.upscale(lr).shape == hr.shape
        assert placed.split(hr).latent.shape == (2, placed.latent_channels, *size)


@pytest.mark.parametrize("name", registry.rescalers())
def test_downscaling_keeps_what_splitting_gives(name):
    """With and without gradients, and the picture is left alone."""
    model, hr = _disturbed(name), _picture(batch=2)
    given = hr.clone()
    for size in _lr_sizes(model.scale):
        placed = model.at(HR, size)
        parts = placed.split(hr)
        with torch.no_grad():
            results = [placed.downscale(hr)]
        results.append(placed.downscale(hr))
        for lr, payload in results:
            _assert_nearly_equal(lr, placed.embed(parts.lr, parts.planes))
            torch.testing.assert_close(payload, parts.payload)
    assert torch.equal(hr, given)


def _assert_nearly_equal(lr, expected):
    """But for a few pixels, since what is embedded is rounded to symbols, and the last bits differ before that."""
    assert (torch.isclose(lr, expected, rtol=1e-5, atol=1e-5)).double().mean() > 0.99


@pytest.mark.parametrize("name", registry.rescalers())
def test_what_the_pixels_embed_comes_back(name):
    model = _disturbed(name)
    for size in _lr_sizes(model.scale):
        placed = model.at(HR, size)
        parts = placed.split(_picture())
        rounded = placed.rounded(parts)
        planes = placed.extract(rounded.lr)
        assert (planes is None) == (parts.planes is None)
        if planes is not None:
            assert torch.equal(planes, rounded.planes)
            assert (planes - parts.planes).abs().max() < 0.26
            restored = placed.upscale(rounded.lr, rounded.payload)
            torch.testing.assert_close(restored, placed.join(rounded))


@pytest.mark.parametrize("name", registry.rescalers())
def test_the_payload_is_what_the_table_says(name):
    model = _disturbed(name)
    kind = KINDS.get(registry.get(name).payload)
    assert type(model.payload) is (kind or type(None))
    for size in _lr_sizes(model.scale):
        _, payload = model.at(HR, size).downscale(_picture())
        if kind is None:
            assert payload is None
            continue
        stored = model.payload.rounded(payload)
        assert stored.shape == payload.shape
        assert torch.equal(model.payload.rounded(stored), stored)
        assert model.payload.span[0] <= stored.min() <= stored.max() <= model.payload.span[1]
        if kind.raw:
            assert payload.shape == (1, 1, *size)


@pytest.mark.parametrize("name", [name for name in registry.rescalers() if registry.get(name).scale])
def test_a_fresh_network_is_a_box_filter(name):
    model, hr = _fresh(name), _picture()
    lr = at(model, hr).split(hr).lr
    assert torch.allclose(lr, torch.nn.functional.avg_pool2d(hr, model.scale), atol=1e-5)


@pytest.mark.parametrize("name", [name for name in registry.rescalers() if registry.get(name).scale is None])
def test_a_fresh_network_of_any_scale_is_a_box_filter_on_the_grid(name):
    lr = _fresh(name).at(HR, (HR[0] // 2, HR[1] // 2)).split(_picture()).lr
    assert torch.allclose(lr, torch.nn.functional.avg_pool2d(_picture(), 2), atol=1e-5)


@pytest.mark.parametrize("name", registry.rescalers())
def test_other_sizes_are_refused(name):
    model = _fresh(name)
    hr = torch.rand(1, 3, 24 if model.scale is None else model.scale + 1, 24)
    with pytest.raises(UsageError, match=r"multiple|both sizes"):
        model.downscale(hr)
    with pytest.raises(UsageError, match=r"shrink to|shrunk by"):
        model.at((24, 24), (24, 25))


@pytest.mark.parametrize("name", registry.rescalers())
def test_a_picture_of_odd_size_goes_through_the_bytes_of_a_file(name):
    y, x = np.mgrid[:33, :50]
    picture = np.stack([128 + 90 * np.sin(x / 5 + c) * np.cos(y / 4) for c in range(3)], axis=-1).astype(np.uint8)
    scale = registry.get(name).scale
    with tempfile.TemporaryDirectory() as folder:
        weights.write_weights(_disturbed(name), name, Path(folder), dtype=torch.float16)
        engine = Engine(weights=folder)
        for chosen in (2.5, (1.5, 3.2)) if scale is None else (scale,):
            small = engine.down(picture, chosen, model=name, exact_blocks=False)
            restored = engine.up(small.encode())
            assert restored.size == (33, 50)
            high, wide = chosen if isinstance(chosen, tuple) else (chosen, chosen)
            assert abs(small.size[0] - 33 / high) < 1
            assert abs(small.size[1] - 50 / wide) < 1


@pytest.mark.parametrize("name", registry.rescalers())
def test_shipped_weights_load_and_invert(name):
    shipped = zoo.versions(name)
    if not shipped:
        pytest.skip(f"{name} ships no weights yet")
    for version in shipped:
        model = weights.load(name, digest=version.digest).model
        for size in _lr_sizes(model.scale):
            placed = model.at(HR, size)
            parts = placed.split(_picture())
            back = placed.join(parts, parts.latent)
            assert (back - _picture()).abs().max() < (1e-4 if model.scale else NEARLY)


@pytest.mark.parametrize("scale", [2, 4])
def test_the_default_ships_weights(scale):
    assert zoo.versions(registry.default_for(scale).name)


PAPER_PARAMETERS = {"irn-x2": 1_667_952, "irn-x3": 3_139_029, "irn-x4": 4_355_136, "irn-x8": 11_119_248}


@pytest.mark.parametrize("name", PAPER_PARAMETERS)
def test_the_paper_networks_have_the_papers_parameters(name):
    assert registry.parameters(registry.get(name)) == PAPER_PARAMETERS[name]


def test_one_default_a_scale():
    defaults = [spec.scale for spec in map(registry.get, registry.names()) if spec.default]
    assert len(defaults) == len(set(defaults))


def test_a_mistyped_model_names_its_neighbour():
    with pytest.raises(UnknownNameError, match="irn-x4"):
        registry.get("irn-4x")


def test_a_scale_without_a_model_names_the_scales():
    with pytest.raises(UsageError, match="2, 4"):
        registry.default_for(7)


def test_every_recipe_trains_a_registered_model():
    for name in recipe_names():
        assert read_recipe(name).model in registry.names()


def test_every_model_is_in_the_docs():
    page = (Path(__file__).parents[2] / "docs" / "models.md").read_text(encoding="utf-8")
    assert [name for name in registry.names() if f"`{name}`" not in page] == []
