"""The road at any scale: scales, sizes and longest sides, through the bytes of LR files."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from unshrink.errors import DamagedLRFileError, UsageError
from unshrink.files.picture import Picture
from unshrink.limits import DEFAULT_LIMITS
from unshrink.models.iarn import IARN
from unshrink.models.iarn_settings import IARNSettings, Layout, StageSettings
from unshrink.models.weights import write_weights
from unshrink.rescale import Engine, Wish
from unshrink.rescale.memory import memory
from unshrink.rescale.restore import plan_restore, restore
from unshrink.rescale.sizes import grown, scaled, target_for

SETTINGS = {
    "iarn": IARNSettings(StageSettings(1, 6), (StageSettings(1, 4), StageSettings(1, 6))),
    "iarn-q": IARNSettings(
        StageSettings(1, 6),
        (StageSettings(1, 4), StageSettings(1, 6)),
        position=False,
        presplit=False,
        near_symbols=(Layout(1, (2,), (1, 1, 2)), Layout(2.5, (64,), (4, 4, 4))),
        far_symbols=(Layout(1, (8, 8), (4, 4, 4)),),
    ),
}


@pytest.fixture(scope="module", params=SETTINGS)
def model_name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def folder(model_name: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("weights")
    torch.manual_seed(0)
    model = IARN(SETTINGS[model_name])
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter), alpha=0.003)
    write_weights(model, model_name, path)
    return path


@pytest.fixture
def engine(folder: Path) -> Engine:
    return Engine(weights=folder)


def drawn(height: int, width: int, channels: int = 3) -> np.ndarray:
    y, x = np.mgrid[:height, :width]
    planes = [128 + 100 * np.sin(x / 9 + phase) * np.cos(y / 8) for phase in range(channels)]
    return np.stack(planes, axis=-1).astype(np.uint8)


@pytest.mark.parametrize(
    ("wish", "size"),
    [
        ({"scale": 2.5}, (20, 13)),
        ({"scale": 3}, (17, 11)),
        ({"scale": (1.5, 3.2)}, (33, 10)),
        ({"scale": (1, 2.0)}, (50, 17)),
        ({"size": (31, 20)}, (31, 20)),
        ({"max_side": 29}, (29, 19)),
        ({"size": (13, 8)}, (13, 8)),
    ],
)
@pytest.mark.parametrize("channels", [3, 4])
def test_pictures_of_any_size_come_back(engine, model_name, wish, size, channels):
    hr = drawn(50, 33, channels)
    small = engine.down(hr, **wish)  # the weights say of which model they are
    assert small.header.model == model_name
    assert small.size == size
    assert small.header.fits(size)
    back = engine.up(small.encode())
    assert back.size == (50, 33)
    assert np.abs(back.rgb.astype(int) - hr[..., :3]).mean() < 8
    if channels == 4:
        assert np.array_equal(back.alpha, hr[..., 3])


@pytest.mark.parametrize("shape", [(45, 300, 3), (300, 25, 4), (1, 200, 3)])
def test_a_longest_side_out_of_reach_is_reached_in_two_steps_and_said(engine, shape):
    hr = drawn(*shape)
    small = engine.down(hr, max_side=20)
    assert max(small.size) == 20
    (note,) = small.lrfile.picture.notes
    restored = engine.up(small.encode())
    assert f"scaled down plainly to {restored.width}x{restored.height} first" in note
    assert max(restored.size) == 80
    plain = Image.fromarray(hr).resize((restored.width, restored.height), Image.Resampling.BICUBIC)
    assert np.abs(restored.samples.astype(int) - np.asarray(plain)).mean() < 16


@pytest.mark.parametrize("size", [(1, 1), (7, 5), (4, 4), (1, 9), (13, 17)])
@pytest.mark.parametrize("scale", [1.1, 2.0, 4.0])
def test_tiny_pictures_too(engine, model_name, size, scale):
    hr = drawn(*size)
    assert engine.up(engine.down(hr, scale, model=model_name).encode()).size == size


def test_the_scale_picks_the_model():
    engine = Engine()
    assert [engine.choose(scale).name for scale in (2, 4, 2.0)] == ["stream-x2", "stream-x4", "stream-x2"]
    assert {engine.choose(scale).name for scale in (2.5, 3, (2.0, 4.0), 1.1)} == {"stream"}
    assert engine.choose(any_scale=True).name == "stream"
    assert engine.choose().name == "stream-x4"


@pytest.mark.parametrize(
    ("wish", "message"),
    [
        ({"scale": 4.5}, "4.5: scales go from 1.1 to 4"),
        ({"scale": 8}, "no model for scale 8"),
        ({"scale": 1.05}, "hardly a pixel"),
        ({"scale": (2.0, 0.5)}, "at least 1"),
        ({"scale": 2.5, "size": (9, 9)}, "give one"),
        ({"max_side": 50}, "50 would not shrink"),
        ({"max_side": 0}, "at least one pixel"),
        ({"size": (51, 20)}, "larger than the picture"),
        ({"size": (50, 32)}, "hardly smaller"),
        ({"size": (9, 30)}, "less than a quarter"),
        ({"scale": 2.5, "model": "lite-x2"}, "has scale 2, not 2.5"),
        ({"max_side": 20, "model": "lite-x2"}, "has scale 2 only"),
    ],
)
def test_what_cannot_be_is_refused(engine, wish, message):
    with pytest.raises(UsageError, match=message):
        engine.down(drawn(50, 33), **wish)


def test_the_worst_of_a_drawing_is_carried_at_any_scale(engine):
    hr = np.full((64, 64, 3), 255, dtype=np.uint8)
    hr[20:40:2, 20:40] = 0
    small = engine.down(hr, 2.5)
    assert "BLKS" in small.lrfile.sections
    without = engine.up(engine.down(hr, 2.5, exact_blocks=False)).rgb
    assert np.abs(engine.up(small).rgb.astype(int) - hr).mean() < np.abs(without.astype(int) - hr).mean() / 2


def test_effort_helps_at_any_scale(engine):
    hr = drawn(50, 33)
    noise = np.random.default_rng(0).integers(-20, 20, hr.shape)
    hr = np.clip(hr.astype(int) + noise, 0, 255).astype(np.uint8)

    def error(effort: int) -> float:
        restored = engine.up(engine.down(hr, 2.5, effort=effort, exact_blocks=False)).rgb
        return float(np.square(restored.astype(float) - hr).mean())

    assert error(4) < error(0)


def test_effort_is_refused_for_pictures_that_would_not_fit(engine, monkeypatch):
    monkeypatch.setattr("unshrink.rescale.effort.MOST_WHOLE", 1000)
    with pytest.raises(UsageError, match="up to 1,000 pixels"):
        engine.down(drawn(50, 33), 2.5, effort=1)


def test_plain_super_resolution_at_any_scale(engine, model_name):
    restored = engine.up(Picture(rgb=drawn(20, 13)), plain=True, scale=2.5, model=model_name)
    assert restored.size == (50, 33)


def test_sizes_that_contradict_the_scale_are_damage(engine, model_name):
    small = engine.down(drawn(50, 33), 2.5)
    plan = replace(plan_restore(small, DEFAULT_LIMITS), size=(50, 40))
    with pytest.raises(DamagedLRFileError, match="does not fit"):
        restore(plan, engine.load(model_name), DEFAULT_LIMITS, memory())


def test_lr_sides_are_rounded_half_up_and_never_zero():
    assert scaled((5, 1), (2.0, 4.0)) == (3, 1)
    assert grown((3, 1), (2.0, 4.0)) == (6, 4)
    assert target_for(Wish(), (5, 7), 2).size == (3, 4)


def test_marks_in_file_names():
    wishes = [Wish(), Wish(2), Wish(2.5), Wish((1.5, 3.2)), Wish(size=(600, 800)), Wish(max_side=1024)]
    assert [wish.mark(None) for wish in wishes] == ["x4", "x2", "x2.5", "x3.2x1.5", "800x600", "max1024"]
    assert Wish().mark(2) == "x2"
