"""Exact blocks through the engine: which are carried, and that `up` pastes them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

import unshrink
from unshrink.data.synthetic import checkerboard, text_page
from unshrink.errors import DamagedLRFileError
from unshrink.files.blocks import block_grid
from unshrink.files.picture import Picture
from unshrink.models import registry
from unshrink.models.weights import write_weights
from unshrink.nn.parts import whole
from unshrink.nn.resample import bicubic_down, bicubic_up
from unshrink.rescale import Engine, Small, exact_blocks
from unshrink.rescale.exact_blocks import BLOCKS_SECTION, LEAST_RMSE, LEAST_WORST, spoiled_blocks
from unshrink.rescale.pixels import to_rgb, to_tensor
from unshrink.rescale.tiles import cut


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Untrained weights: a Haar cascade, which averages and repeats."""
    folder = tmp_path_factory.mktemp("weights")
    torch.manual_seed(0)
    write_weights(registry.build(registry.get("lite-x4")), "lite-x4", folder)
    return folder


@pytest.fixture
def engine(folder):
    return Engine(weights=folder)


def smooth(height, width):
    y, x = np.mgrid[:height, :width]
    planes = [np.sin((x * y + 40 * x) / 2000 + phase) * 90 + 128 for phase in range(3)]
    return np.stack(planes, axis=-1).astype(np.uint8)


def mixed(height=70, width=90):
    """Smooth but for one block of a checkerboard."""
    hr = smooth(height, width)
    hr[32:48, 16:32] = checkerboard(16)
    return hr


def bicubic(hr, scale):
    small = to_rgb(bicubic_down(to_tensor(hr, scale), scale), (-(-hr.shape[0] // scale), -(-hr.shape[1] // scale)))
    return to_rgb(bicubic_up(to_tensor(small), scale), hr.shape[:2])


def carried(small):
    return BLOCKS_SECTION in small.lrfile.sections


@pytest.mark.parametrize("format", ["png", "webp", "tiff"])
def test_spoiled_blocks_come_back_exactly_and_only_they(engine, format):
    hr = mixed()
    exact, plain = engine.down(hr), engine.down(hr, exact_blocks=False)
    assert carried(exact)
    assert not carried(plain)
    restored, without = engine.up(exact.encode(format)).rgb, engine.up(plain).rgb
    assert np.array_equal(restored[32:48, 16:32], hr[32:48, 16:32])
    assert np.abs(without[32:48, 16:32].astype(int) - hr[32:48, 16:32]).max() > 100
    assert np.array_equal(restored[:16], without[:16])
    assert np.array_equal(exact.image, plain.image)


def test_smooth_pictures_carry_nothing(engine):
    assert not carried(engine.down(smooth(70, 90)))


@pytest.mark.parametrize("size", [(1, 1), (1, 40), (33, 17), (50, 3)])
@pytest.mark.parametrize("grey", [True, False])
def test_any_size_grey_or_not(engine, size, grey):
    y, x = np.mgrid[: size[0], : size[1]]
    board = ((y + x) % 2 * 255).astype(np.uint8)
    hr = board if grey else np.stack([board, 255 - board, board], axis=-1)
    restored = engine.up(engine.down(hr).encode())
    assert np.array_equal(restored.rgb, Picture.from_array(hr).rgb)
    assert restored.grey == grey


def test_invisible_pixels_are_not_carried(engine):
    hr = np.dstack([mixed(), np.full((70, 90), 255, np.uint8)])
    assert carried(engine.down(hr))
    hr[32:48, 16:32, 3] = 0
    assert not carried(engine.down(hr))


def test_plain_leaves_them_out(engine):
    small = engine.down(mixed())
    without = engine.up(engine.down(mixed(), exact_blocks=False))
    assert np.array_equal(engine.up(small.encode(), plain=True).rgb, without.rgb)


def test_damaged_blocks_are_an_error(engine):
    small = engine.down(mixed())
    sections = {**small.lrfile.sections, BLOCKS_SECTION: small.lrfile.sections[BLOCKS_SECTION][:-1]}
    with pytest.raises(DamagedLRFileError):
        engine.up(Small(replace(small.lrfile, sections=sections)))


def test_the_public_function_takes_the_option(folder):
    assert carried(unshrink.down(mixed(), weights=folder))
    assert not carried(unshrink.down(mixed(), weights=folder, exact_blocks=False))


def _spoiled(hr, restored, scale):
    return spoiled_blocks(hr, [(whole(hr.shape[:2]), restored)], scale)


@pytest.mark.parametrize("scale", [2, 4])
def test_drawn_blocks_are_carried_unless_three_decibels_better(scale):
    hr = text_page(3, (64, 96))
    off = bicubic(hr, scale).astype(float) - hr
    for share, expected in ((0.75, True), (0.65, False)):
        restored = np.round(hr + share * off).astype(np.uint8)
        mask = _spoiled(hr, restored, scale)
        clear = (off**2).reshape(4, 16, 6, 16, 3).mean(axis=(1, 3, 4)) > 4 * LEAST_RMSE**2
        assert clear.sum() > 10
        assert (mask[clear] == expected).all()


def test_blocks_of_many_colours_are_left_to_the_network():
    hr = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    off = bicubic(hr, 4)
    assert not _spoiled(hr, off, 4).any()


def test_no_pixel_is_worse_than_bicubics_worst():
    hr = np.random.default_rng(0).integers(100, 156, (64, 64, 3), dtype=np.uint8)
    off = bicubic(hr, 4)
    worst = max(LEAST_WORST, int(np.abs(off.astype(int) - hr).max()))
    restored = hr.copy()
    restored[20, 40] = hr[20, 40] + np.array([0, worst, 0], np.uint8)
    assert not _spoiled(hr, restored, 4).any()
    restored[20, 40, 1] += 1
    assert np.argwhere(_spoiled(hr, restored, 4)).tolist() == [[1, 2]]


@pytest.mark.parametrize("scale", [2, 3, 4, 8])
@pytest.mark.parametrize("size", [(200, 37), (131, 64), (16, 16), (5, 3)])
def test_strips_find_what_the_whole_finds(monkeypatch, scale, size):
    hr = text_page(5, size)
    restored = np.roll(hr, 1, axis=1)
    at_once = _spoiled(hr, restored, scale)
    assert at_once.shape == block_grid(size)
    monkeypatch.setattr(exact_blocks, "_STRIP_PIXELS", 1)
    assert np.array_equal(_spoiled(hr, restored, scale), at_once)
    tiles = [(part, restored[part.slices]) for part in cut(size, halo=0, unit=16 * scale, most=size[0] * size[1])]
    assert np.array_equal(spoiled_blocks(hr, iter(tiles), scale), at_once)
    expected = bicubic(hr, scale).astype(int)
    for tile, _ in tiles:
        for part in exact_blocks._strips(tile, scale):
            there = exact_blocks._there_and_back(hr, scale, part, None)
            assert np.abs(there - expected[part.slices]).max() <= 1
