"""Pictures that rescalers spoil first: the defaults keep them, through written files, whatever the network does."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import pytest
import torch

from lab.baselines import bicubic_both_ways
from unshrink.data.synthetic import KINDS, checkerboard, saturated_page, screenshot_page, synth_tile, text_page
from unshrink.errors import WeightsError
from unshrink.evaluate.protocol import crop_to_multiple
from unshrink.files.picture import Picture
from unshrink.models import registry
from unshrink.models.weights import write_weights
from unshrink.rescale import Engine

PAGES = {
    f"{name}-{seed}-{height}x{width}": partial(draw, seed, (height, width))
    for name, draw in {"text": text_page, "screenshot": screenshot_page, "saturated": saturated_page}.items()
    for seed, height, width in ((7, 240, 320), (1, 161, 97), (2, 131, 210))
}
BOARDS = {
    "checkerboard-160": partial(checkerboard, 160),
    "checkerboard-61": partial(checkerboard, 61),
    "checkerboard-faint": partial(checkerboard, 80, on=(140, 130, 150), off=(100, 90, 120)),
    "checkerboard-two-pixels": partial(checkerboard, 80, cell=2, on=(255, 0, 0), off=(0, 0, 255)),
}
RENDERS: dict[str, Callable[[], np.ndarray]] = PAGES | BOARDS
# Gradients and facades are smooth, like photographs: bicubic is all but exact there, and nothing is carried for it.
DRAWN = [kind.name for kind in KINDS if kind.name not in ("gradient", "facade")]


@pytest.fixture(scope="module", params=[2, 4])
def trained(request: pytest.FixtureRequest) -> tuple[int, Engine]:
    engine = Engine()
    try:
        engine.load(registry.default_for(request.param).name)
    except WeightsError:
        pytest.skip(f"no weights are installed for x{request.param}")
    return request.param, engine


@pytest.fixture(scope="module", params=[2, 4])
def untrained(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[int, Engine]:
    """A network that has learnt nothing: a Haar cascade, which enlarges by repeating pixels."""
    folder = tmp_path_factory.mktemp("weights")
    name = registry.default_for(request.param).name
    torch.manual_seed(0)
    write_weights(registry.build(registry.get(name)), name, folder)
    return request.param, Engine(weights=folder)


@pytest.mark.parametrize("kind", RENDERS)
def test_the_defaults_keep_what_bicubic_spoils(kind, trained, tmp_path):
    _check(RENDERS[kind](), *trained, tmp_path)


@pytest.mark.parametrize("kind", RENDERS)
def test_a_file_keeps_them_even_where_the_network_knows_nothing(kind, untrained, tmp_path):
    _check(RENDERS[kind](), *untrained, tmp_path)


@pytest.mark.parametrize("kind", DRAWN)
def test_so_are_tiles_of_every_drawn_kind(kind, trained, tmp_path):
    for seed in range(3):
        _check(synth_tile(np.random.default_rng(seed), 128, kind=kind), *trained, tmp_path / str(seed))


def _check(hr, scale, engine, folder):
    hr = crop_to_multiple(Picture(rgb=hr), scale).rgb
    folder.mkdir(exist_ok=True)
    engine.down(hr, scale).save(folder / "small.png")
    restored = engine.up(folder / "small.png").rgb
    bicubic = bicubic_both_ways(Picture(rgb=hr), scale).rgb
    assert _psnr(hr, restored) > _psnr(hr, bicubic) + 3
    assert _worst(hr, restored) <= _worst(hr, bicubic)


def _psnr(a, b):
    return -10 * np.log10(np.mean((a.astype(float) - b) ** 2) / 255**2 + 1e-12)


def _worst(a, b):
    return int(np.abs(a.astype(int) - b).max())
