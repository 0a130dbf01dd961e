"""Sheets: which places are shown, and codecs within bytes."""

from __future__ import annotations

import numpy as np
import pytest

from unshrink.errors import UnknownNameError
from unshrink.evaluate.codecs import check_codec, within_bytes
from unshrink.evaluate.sheet import MARKS, Column, Crops, draw_sheet, find_places
from unshrink.files.picture import Picture

CROPS = Crops(count=3, side=16, zoom=2)


def pixels(height: int = 80, width: int = 120):
    rng, (y, x) = np.random.default_rng(0), np.mgrid[:height, :width]
    waves = np.stack([np.sin(x / (4 + c)) + np.cos(y / 5) for c in range(3)], axis=-1)
    return np.clip(waves * 50 + 128 + rng.normal(scale=4, size=waves.shape), 0, 255).astype(np.uint8)


def spoilt(rgb, *places, by=60):
    other = rgb.copy()
    for top, left in places:
        other[top : top + 16, left : left + 16] ^= by
    return Column("spoilt", ("a", "b", "c"), other, rgb[::4, ::4])


def test_places_are_those_where_columns_differ_most():
    rgb = pixels()
    found = find_places(rgb, [spoilt(rgb, (8, 24), by=90), spoilt(rgb, (8, 24), (48, 80), by=40)], CROPS)
    assert found[0] == (8, 24)
    assert (48, 80) in found
    for i, (top, left) in enumerate(found):
        assert 0 <= top <= 80 - 16
        assert 0 <= left <= 120 - 16
        assert all(abs(top - other[0]) >= 16 or abs(left - other[1]) >= 16 for other in found[:i])


def test_one_column_is_held_against_the_original():
    rgb = pixels()
    assert find_places(rgb, [spoilt(rgb, (40, 56))], Crops(1, 16, 2)) == [(40, 56)]


@pytest.mark.parametrize("size", [(7, 9), (16, 16), (16, 40), (33, 5)])
def test_small_pictures_have_fewer_places(size):
    rgb = pixels(*size)
    column = spoilt(rgb, (0, 0))
    places = find_places(rgb, [column], CROPS)
    assert 1 <= len(places) <= 3
    assert draw_sheet("a", Picture(rgb=rgb), [column], places, CROPS).width > 2 * CROPS.shown


def test_a_sheet_shows_every_column_with_its_crops_in_one_colour():
    rgb = pixels()
    columns = [spoilt(rgb, (8, 24)), Column("no small one", ("a", "b", "c"), rgb)]
    sheet = np.asarray(draw_sheet("a", Picture(rgb=rgb), columns, [(8, 24), (48, 80)], CROPS))
    for mark in MARKS[:2]:
        columns_of_it = np.flatnonzero((sheet == mark).all(axis=2).sum(axis=0) >= CROPS.shown)
        assert len(columns_of_it) == 3 * 6  # both sides of three frames, three pixels each
    assert not (sheet == MARKS[2]).all(axis=2).any()


@pytest.mark.parametrize("name", ["jpeg", "webp"])
def test_a_codec_takes_the_best_quality_that_fits(name):
    rgb = pixels()
    more, less = within_bytes(rgb, name, 6000), within_bytes(rgb, name, 2500)
    assert less.bytes <= 2500 < more.bytes <= 6000
    assert more.quality > less.quality
    assert more.rgb.shape == rgb.shape
    assert within_bytes(rgb, name, 50) is None


def test_an_unknown_codec_is_told():
    with pytest.raises(UnknownNameError, match="did you mean 'jpeg'"):
        check_codec("jpg")
