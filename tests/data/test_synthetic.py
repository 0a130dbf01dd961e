"""Synthetic tiles: the same from the same seed, of the kind that was asked for, at any size."""

from __future__ import annotations

import time

import numpy as np
import pytest

from unshrink.data.synthetic import (
    KINDS,
    checkerboard,
    saturated_page,
    screenshot_page,
    synth_tile,
    system_fonts,
    text_page,
)
from unshrink.errors import UnknownNameError

NAMES = [kind.name for kind in KINDS]


def rng(seed: int = 5) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_shares_sum_to_one_and_names_are_unique() -> None:
    assert sum(kind.share for kind in KINDS) == pytest.approx(1)
    assert all(kind.share > 0 for kind in KINDS)
    assert len(set(NAMES)) == len(NAMES)


@pytest.mark.parametrize("kind", NAMES)
def test_the_same_seed_gives_the_same_tile_and_the_next_draw_another(kind: str) -> None:
    first, second = rng(), rng()
    tile = synth_tile(first, 96, kind=kind)
    assert tile.shape == (96, 96, 3)
    assert tile.dtype == np.uint8
    np.testing.assert_array_equal(tile, synth_tile(second, 96, kind=kind))
    assert any(not np.array_equal(tile, synth_tile(first, 96, kind=kind)) for _ in range(3))


@pytest.mark.parametrize("kind", NAMES)
@pytest.mark.parametrize("size", [1, 2, 7, 33])
def test_every_kind_can_be_drawn_at_tiny_and_odd_sizes(kind: str, size: int) -> None:
    generator = rng(size)
    for _ in range(4):
        assert synth_tile(generator, size, kind=kind).shape == (size, size, 3)


@pytest.mark.parametrize("kind", NAMES)
def test_tiles_are_almost_never_flat(kind: str) -> None:
    generator = rng(11)
    flat = sum(np.ptp(synth_tile(generator, 64, kind=kind).reshape(-1, 3), axis=0).max() == 0 for _ in range(30))
    assert flat <= 4


def test_kinds_are_drawn_by_their_share(monkeypatch: pytest.MonkeyPatch) -> None:
    from unshrink.data import synthetic

    drawn: list[str] = []
    spies = tuple(synthetic.Kind(k.name, k.share, lambda _, name=k.name: drawn.append(name)) for k in KINDS)  # type: ignore[misc]
    monkeypatch.setattr(synthetic, "KINDS", spies)
    generator = rng()
    for _ in range(2000):
        synth_tile(generator, 2)
    for kind in KINDS:
        assert drawn.count(kind.name) / 2000 == pytest.approx(kind.share, abs=0.04)


def test_patterns_hold_single_pixels() -> None:
    generator = rng(2)
    tiles = [synth_tile(generator, 32, kind="pattern")[..., 1].astype(int) for _ in range(20)]
    # A pixel that differs from both neighbours, across or down: detail that no smaller picture can hold by itself.
    lone = [any(((x[1:-1] != x[:-2]) & (x[1:-1] != x[2:])).any() for x in (tile, tile.T)) for tile in tiles]
    assert sum(lone) >= 8


def test_checkerboard_is_exact() -> None:
    board = checkerboard(5, on=(255, 0, 0), off=(0, 0, 9))
    y, x = np.mgrid[:5, :5]
    odd = (y + x) % 2 == 1
    np.testing.assert_array_equal(board[odd], np.tile([255, 0, 0], (12, 1)))
    np.testing.assert_array_equal(board[~odd], np.tile([0, 0, 9], (13, 1)))
    assert checkerboard(6, cell=3)[:, :, 0].tolist()[0] == [0, 0, 0, 255, 255, 255]


@pytest.mark.parametrize("page", [text_page, screenshot_page, saturated_page])
def test_pages_are_fixed_renders_of_the_size_asked_for(page) -> None:  # type: ignore[no-untyped-def]
    picture = page(3, (60, 90))
    assert picture.shape == (60, 90, 3)
    assert picture.dtype == np.uint8
    np.testing.assert_array_equal(picture, page(3, (60, 90)))
    assert not np.array_equal(picture, page(4, (60, 90)))


def test_a_text_page_is_black_on_white_and_a_saturated_page_is_saturated() -> None:
    text = text_page().reshape(-1, 3)
    assert (text == 0).all(axis=1).mean() > 0.02
    assert (text == 255).all(axis=1).mean() > 0.4
    colours = saturated_page().astype(int)
    assert (np.ptp(colours, axis=2) > 190).mean() > 0.5


def test_fonts_of_the_system_are_used_when_given() -> None:
    fonts = system_fonts()
    assert list(fonts) == sorted(fonts)
    if not fonts:
        pytest.skip("no TrueType fonts are installed here")
    with_fonts = [synth_tile(rng(seed), 64, kind="text", fonts=fonts[:3]) for seed in range(6)]
    without = [synth_tile(rng(seed), 64, kind="text") for seed in range(6)]
    assert any(not np.array_equal(a, b) for a, b in zip(with_fonts, without, strict=True))


def test_refuses_unknown_kinds_and_empty_tiles() -> None:
    with pytest.raises(UnknownNameError, match="text"):
        synth_tile(rng(), 8, kind="texts")
    with pytest.raises(ValueError, match="at least one pixel"):
        synth_tile(rng(), 0)


def test_a_tile_takes_a_few_milliseconds() -> None:
    generator = rng()
    synth_tile(generator, 128)
    start = time.process_time()
    for _ in range(50):
        synth_tile(generator, 128)
    assert (time.process_time() - start) / 50 < 0.03  # about 0.003 on a laptop core
