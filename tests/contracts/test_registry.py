"""One suite over every entry of the registry."""

import pytest
import torch

from unshrink.errors import UnknownNameError, UsageError
from unshrink.models import registry, weights
from unshrink.train.recipe import read_recipe, recipe_names


def _disturbed(name):
    torch.manual_seed(0)
    model = registry.build(registry.get(name))
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.01 * torch.randn_like(parameter))
    return model


@pytest.mark.parametrize("name", registry.names())
@pytest.mark.parametrize(("dtype", "bound"), [(torch.float64, 1e-9), (torch.float32, 1e-4)])
def test_inverse_undoes_forward(name, dtype, bound):
    model = _disturbed(name).to(dtype)
    side = 3 * model.scale
    x = torch.rand(1, 3, side, 2 * side, dtype=dtype)
    with torch.inference_mode():
        y, z = model(x)
        assert y.shape == (1, 3, 3, 6)
        assert z.shape == (1, model.latent_channels, 3, 6)
        assert (model.inverse(y, z) - x).abs().max() < bound


@pytest.mark.parametrize("name", registry.names())
def test_down_and_up_have_the_promised_shapes(name):
    model = registry.build(registry.get(name))
    hr = torch.rand(2, 3, 2 * model.scale, 5 * model.scale)
    with torch.inference_mode():
        lr, payload = model.downscale(hr)
        assert lr.shape == (2, 3, 2, 5)
        assert model.upscale(lr, payload).shape == hr.shape


@pytest.mark.parametrize("name", registry.names())
def test_a_fresh_network_is_a_box_filter(name):
    model = registry.build(registry.get(name))
    hr = torch.rand(1, 3, 2 * model.scale, 2 * model.scale)
    with torch.inference_mode():
        lr, _ = model.downscale(hr)
    assert torch.allclose(lr, torch.nn.functional.avg_pool2d(hr, model.scale), atol=1e-5)


@pytest.mark.parametrize("name", registry.names())
def test_other_sizes_are_refused(name):
    model = registry.build(registry.get(name))
    with pytest.raises(UsageError, match="multiple"):
        model(torch.rand(1, 3, model.scale + 1, model.scale))


@pytest.mark.parametrize("name", registry.names())
def test_shipped_weights_load_and_invert(name):
    shipped = weights.versions(name)
    if not shipped:
        pytest.skip(f"{name} ships no weights yet")
    for version in shipped:
        loaded = weights.load(name, digest=version.digest)
        x = torch.rand(1, 3, 4 * loaded.model.scale, 6 * loaded.model.scale)
        with torch.inference_mode():
            y, z = loaded.model(x)
            assert (loaded.model.inverse(y, z) - x).abs().max() < 1e-4


@pytest.mark.parametrize("scale", [2, 4])
def test_the_default_ships_weights(scale):
    assert weights.versions(registry.default_for(scale).name)


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
