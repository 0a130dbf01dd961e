"""Networks on a card: what is done without one, with a card that is played by the processor."""

import numpy as np
import pytest
import torch
from PIL import Image

from unshrink.cli import main
from unshrink.errors import UsageError
from unshrink.models import registry
from unshrink.nn import tiling
from unshrink.rescale import Engine, device

CARD = torch.device("cuda")


def _tiny():
    return registry.build(registry.get("lite-x2")).eval().requires_grad_(False)


@pytest.fixture
def card(monkeypatch):
    """A card of 1 GB free, which is the processor; returns what is free, to be changed."""
    free = {"bytes": 10**9}
    monkeypatch.setattr(device, "device_of", lambda model: CARD)
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda place: (free["bytes"], 2 * 10**9))
    monkeypatch.setattr(torch.cuda, "memory_reserved", lambda place: 5000)
    monkeypatch.setattr(torch.cuda, "memory_allocated", lambda place: 2000)
    monkeypatch.setattr(torch.cuda, "empty_cache", lambda: free.update(emptied=True))
    return free


def test_devices_by_name(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    assert device.find_device("auto") == device.find_device("cpu") == torch.device("cpu")
    for name in ("cuda", "mps"):
        with pytest.raises(UsageError, match=f"no {name} device here"):
            device.find_device(name)
    with pytest.raises(UsageError, match="not 'gpu'"):
        device.find_device("gpu")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert device.find_device("auto") == device.find_device("cuda") == CARD


def test_an_engine_without_its_device_is_refused(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(UsageError, match="no cuda device"):
        Engine(device="cuda")


def test_the_command_line_names_devices(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.chdir(tmp_path)
    Image.new("RGB", (9, 7), "red").save("a.png")
    for command in (["down", "a.png"], ["up", "a.png"], ["roundtrip", "a.png"], ["eval", "lite-x2", "."]):
        assert main([*command, "--device", "cuda"]) == UsageError.exit_code
        assert "no cuda device here" in capsys.readouterr().err
    assert main(["down", "a.png", "--device", "auto"]) == 0


def test_strips_follow_what_is_free(card):
    model = _tiny()
    assert device.free_memory(CARD) == 10**9 + 3000
    pixels = device.tile_pixels(model, CARD)
    assert pixels == int(device.SHARE * (10**9 + 3000) / device.feature_bytes(model))
    card["bytes"] = 0
    assert device.tile_pixels(model, CARD) == tiling.TILE_PIXELS


def test_features_are_those_of_the_largest_subnet():
    model = registry.build(registry.get("lite-x2"))
    twin = model.chain.links[1]
    widest = max(
        sum(conv.in_channels + conv.out_channels for conv in net.modules() if isinstance(conv, torch.nn.Conv2d))
        for net in (twin.f, twin.gh)
    )
    assert device.feature_bytes(model) == 4 * widest


def test_strips_shrink_until_they_fit(card):
    tried = []

    def run(place):
        tried.append((place, tiling._pixels()))
        if len(tried) < 3:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return "done"

    model = _tiny()
    first = device.tile_pixels(model, CARD)
    assert device.run_where_it_fits(model, run) == "done"
    assert tried == [(CARD, first), (CARD, first >> 2), (CARD, first >> 4)]
    assert card["emptied"]
    assert tiling._pixels() == tiling.TILE_PIXELS


def test_the_processor_takes_over_from_a_full_card(card):
    tried = []

    def run(place):
        tried.append(place.type)
        if place.type == "cuda":
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return "done"

    with pytest.warns(device.DeviceWarning, match="too small"):
        assert device.run_where_it_fits(_tiny(), run) == "done"
    assert tried == ["cuda"] * device.ATTEMPTS + ["cpu"]


def test_other_errors_are_not_hidden(card):
    def run(place):
        raise RuntimeError("a fault")

    with pytest.raises(RuntimeError, match="a fault"):
        device.run_where_it_fits(_tiny(), run)


def test_convolutions_are_float32_on_a_card(card):
    seen = []
    device.run_where_it_fits(_tiny(), lambda place: seen.append(torch.backends.cudnn.allow_tf32))
    assert seen == [False]


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA card here")
@pytest.mark.parametrize("effort", [0, 1])
def test_a_card_restores_what_the_processor_does(effort):
    y, x = np.mgrid[:70, :91]
    picture = np.stack([128 + 90 * np.sin(x / 5 + c) * np.cos(y / 4) for c in range(3)], axis=-1).astype(np.uint8)
    on_card, on_cpu = (Engine(device=name, precision="float32") for name in ("cuda", "cpu"))
    small = on_card.down(picture, effort=effort, exact_blocks=False)
    expected = on_cpu.down(picture, effort=effort, exact_blocks=False)
    differ = small.lrfile.picture.rgb != expected.lrfile.picture.rgb
    assert differ.mean() < 0.05
    assert np.abs(on_card.up(small).rgb.astype(int) - on_cpu.up(small).rgb).max() <= 1
