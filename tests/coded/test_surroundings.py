"""What a part of a coded stream is shown of its surroundings, and the order of parts."""

import itertools

import numpy as np
import pytest
import torch

from unshrink.models.stream import Band, Chosen
from unshrink.rescale.board import MOST_ORDERED, Sizes, choose_grid, choose_order, cut, pack_order, unpack_order
from unshrink.rescale.surroundings import HALO, Surroundings, widen

SIZES = Sizes((96, 144), (48, 72))


def _places():
    return cut(SIZES, (2, 3))


def _band(window, value):
    size = window.place.cells.size
    return Band(torch.full((1, 2, *size), value), torch.zeros(1, 2, *size), torch.ones(1, 1, 1, 1), False, (0, 3))


def _ones(band):
    return Chosen(torch.ones_like(band.means), torch.full_like(band.means, 7.0))


def test_a_window_reaches_only_over_sides_that_are_decoded():
    places, around = _places(), Surroundings(SIZES)
    assert around.window(places[4]).place == places[4]
    around.add(places[1])
    window = around.window(places[4])
    assert window.place.hr == places[4].hr._replace(top=places[4].hr.top - HALO)
    assert window.place.lr == places[4].lr._replace(top=places[4].lr.top - HALO // 2)
    assert window.inner == places[4].cells.within(window.place.cells)


def test_pixels_that_are_not_final_are_as_the_parts_nearest():
    places, around = _places(), Surroundings(SIZES)
    levels = np.random.default_rng(0).integers(0, 256, (*SIZES.lr, 3), dtype=np.uint8)
    window = widen(places[4], (HALO,) * 4)
    around.add(places[1])
    shown = around.pixels(levels, places[4], window)
    at, inside = places[4].lr, window.place.lr
    above = slice(0, at.top - inside.top)
    columns = slice(at.left - inside.left, at.right - inside.left)
    assert np.array_equal(shown[above, columns], levels[inside.top : at.top, at.left : at.right])
    assert np.array_equal(shown[above.stop :, 0], levels[at.top : at.bottom, at.left])


def test_numbers_of_decoded_parts_are_shown_and_those_of_others_are_zero():
    places, around = _places(), Surroundings(SIZES)
    for i in (1, 4):
        window = around.window(places[i])
        chosen = around.chooser(_ones, window)(_band(window, 3.0))
        if i == 1:
            around.add(places[1])
    rows = HALO // 4
    assert window.inner.top == rows
    assert (chosen.values == 7).all(), "above is what was decoded, below what was chosen now"
    window = widen(places[4], (HALO,) * 4)
    chosen = around.chooser(_ones, window)(_band(window, 3.0))
    assert (chosen.numbers[..., rows:, :rows] == 0).all()
    assert (chosen.values[..., rows:, :rows] == 3).all()


def _idle(order, expected, rooms):
    """By what the first says in full; as a picture would."""
    said, idle = expected[order[0]] * 0.85, 0.15 * rooms[order[0]]
    for i in order[1:]:
        idle += max(0, rooms[i] - said)
        said = max(0, said - rooms[i]) + expected[i]
    return idle


@pytest.mark.parametrize("seed", range(8))
def test_no_order_of_parts_leaves_less_idle(seed):
    drawn = np.random.default_rng(seed)
    expected, rooms = drawn.uniform(10, 100, 6), drawn.integers(10, 100, 6)
    least = min(_idle(order, expected, rooms) for order in itertools.permutations(range(6)))
    assert _idle(choose_order(expected, rooms.tolist()), expected, rooms) == pytest.approx(least)


@pytest.mark.parametrize(("hr", "lr"), [((4000, 3000), (1000, 750)), ((256, 256), (128, 128)), ((40, 500), (10, 125))])
def test_parts_are_few_enough_to_be_listed_and_large_enough_to_hold_something(hr, lr):
    rows, columns = choose_grid(Sizes(hr, lr))
    assert 1 <= rows * columns <= MOST_ORDERED
    assert all(min(place.lr.size) >= 8 for place in cut(Sizes(hr, lr), (rows, columns)))


@pytest.mark.parametrize("count", [1, 2, 17, MOST_ORDERED, MOST_ORDERED + 1])
def test_an_order_comes_back_and_fits_beside_a_name(count):
    order = list(range(count))
    if count <= MOST_ORDERED:
        np.random.default_rng(count).shuffle(order)
    packed = pack_order(order)
    assert unpack_order(packed, count) == order
    assert len(packed) <= 100
