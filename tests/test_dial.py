"""`sigma` and `seed` on the way up: what they change, what they leave alone, and whom they concern."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from unshrink.errors import UsageError
from unshrink.models import registry
from unshrink.models.weights import write_weights
from unshrink.rescale import Engine


def _write(name: str, folder: Path) -> Path:
    torch.manual_seed(0)
    write_weights(registry.build(registry.get(name)), name, folder)
    return folder


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    return Engine(weights=_write("irn-sigma-x4", tmp_path_factory.mktemp("sigma")))


def _drawn(height: int, width: int) -> np.ndarray:
    y, x = np.mgrid[:height, :width]
    planes = [128 + 60 * np.sin(x / 9 + phase) * np.cos(y / 7) for phase in range(3)]
    return np.stack(planes, axis=-1).astype(np.uint8)


def _away(engine: Engine, small: object, **dial: float) -> np.ndarray:
    return engine.up(small, **dial).rgb.astype(float) - engine.up(small).rgb


@pytest.fixture(scope="module")
def small(engine: Engine) -> bytes:
    return engine.down(_drawn(30, 41), exact_blocks=False).encode()


def test_more_sigma_goes_further_from_the_likeliest(engine, small):
    spread = [_away(engine, small, sigma=sigma, seed=7).std() for sigma in (0.0, 0.25, 0.5, 1.0)]
    assert spread[0] == 0
    assert spread == sorted(spread)
    assert spread[3] == pytest.approx(2 * spread[2], rel=0.1)


def test_the_dial_ends_where_the_weights_say(engine, small, tmp_path):
    folder = _write("irn-sigma-x4", tmp_path)
    config = json.loads((folder / "config.json").read_text())
    config["settings"]["dial_end"] = 0.5
    (folder / "config.json").write_text(json.dumps(config))
    shorter = Engine(weights=folder).up(small, sigma=1.0, seed=7).rgb
    assert np.array_equal(shorter, engine.up(small, sigma=0.5, seed=7).rgb)


def test_the_seed_decides_the_draw(engine, small):
    first, same, other = (_away(engine, small, sigma=0.6, seed=seed) for seed in (7, 7, 8))
    assert np.array_equal(first, same)
    assert not np.array_equal(first, other)


def test_the_size_stays(engine, small):
    assert engine.up(small, sigma=1.0).size == (30, 41)


def test_exact_blocks_stay_exact(engine):
    hr = _drawn(48, 48)
    hr[16:32, 16:32] = 255 * (np.indices((16, 16)).sum(0) % 2)[..., None]
    small = engine.down(hr)
    assert np.array_equal(engine.up(small, sigma=1.0).rgb[16:32, 16:32], hr[16:32, 16:32])


@pytest.mark.parametrize(
    ("dial", "message"), [({"sigma": 1.5}, "0 to 1"), ({"sigma": -0.1}, "0 to 1"), ({"seed": -1}, "seed")]
)
def test_values_out_of_range_are_refused(engine, small, dial, message):
    with pytest.raises(UsageError, match=message):
        engine.up(small, **dial)


def test_not_a_number_is_out_of_range(engine, small):
    with pytest.raises(UsageError, match="0 to 1"):
        engine.up(small, sigma=float("nan"))


def test_models_without_a_dial_name_those_with_one(tmp_path):
    engine = Engine(weights=_write("lite-x4", tmp_path))
    small = engine.down(_drawn(8, 8))
    assert engine.up(small, sigma=0.0, seed=3).size == (8, 8)
    with pytest.raises(UsageError, match=r"lite-x4.*irn-sigma-x4, irn-plus-x4"):
        engine.up(small, sigma=0.5)


def test_plain_pictures_can_be_dialled_too(engine):
    hr = _drawn(8, 8)
    near = engine.up(hr, plain=True, model="irn-sigma-x4")
    far = engine.up(hr, plain=True, model="irn-sigma-x4", sigma=1.0)
    assert near.size == far.size == (32, 32)
    assert not np.array_equal(near.rgb, far.rgb)


def test_the_registry_says_who_has_a_dial():
    assert [name for name in registry.names() if registry.get(name).dial] == ["irn-sigma-x4", "irn-plus-x4"]
