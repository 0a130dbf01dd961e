"""Whole numbers of the coded stream as bytes."""

import numpy as np
import pytest

from unshrink.errors import DamagedLRFileError
from unshrink.files.numbers import BOUND, MOST, NumberReader, NumberWriter, Spreads, logistic_frequencies

SPREADS = 0.06 * 2.0 ** (np.arange(64) / 6)


@pytest.fixture(scope="module")
def spreads() -> Spreads:
    return Spreads(logistic_frequencies(SPREADS))


def draw(count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Numbers, and the distribution of each."""
    rng = np.random.default_rng(seed)
    which = rng.integers(0, 64, count)
    numbers = np.rint(rng.logistic(0, SPREADS[which])).astype(np.int64)
    numbers[which == 0] = 0
    return numbers.clip(-MOST, MOST), which


@pytest.mark.parametrize("count", [1, 7, 1000, 70_000])
def test_numbers_come_back_group_by_group(spreads: Spreads, count: int) -> None:
    groups = [draw(count, seed) for seed in range(3)]
    writer = NumberWriter(spreads, 3 * count)
    for numbers, which in groups:
        writer.write(numbers, which)
    data = writer.finish()
    reader = NumberReader(data + b"more", spreads, 3 * count)
    for numbers, which in groups:
        assert (reader.read(which) == numbers).all()
    assert reader.used == len(data)


def test_bytes_are_what_the_table_of_bits_says(spreads: Spreads) -> None:
    numbers, which = draw(70_000)
    inside = np.abs(numbers) < spreads.bounds[which]
    numbers = np.where(inside, numbers, 0)
    writer = NumberWriter(spreads, 70_000)
    writer.write(numbers, which)
    coded = which > 0
    bits = spreads.bits[which[coded], numbers[coded] + BOUND].sum()
    assert len(writer.finish()) * 8 == pytest.approx(bits, rel=0.002)


def test_numbers_far_beyond_a_narrow_distribution_come_back(spreads: Spreads) -> None:
    numbers, which = np.array([200, -150, 3, 0, MOST - 127]), np.array([1, 2, 5, 63, 9])
    writer = NumberWriter(spreads, 5)
    writer.write(numbers, which)
    assert (NumberReader(writer.finish(), spreads, 5).read(which) == numbers).all()


def test_a_table_that_is_none_is_refused() -> None:
    good = logistic_frequencies(SPREADS)
    for bad in (good[:, :-1], good + 1, -good):
        with pytest.raises(DamagedLRFileError):
            Spreads(bad)


def test_a_table_of_what_was_seen_codes_it_in_fewer_bits(spreads: Spreads) -> None:
    rng = np.random.default_rng(3)
    counts = np.zeros((64, 2 * BOUND + 1), dtype=np.int64)
    numbers = np.where(rng.random(200_000) < 0.9, 0, rng.integers(-2, 3, 200_000))
    np.add.at(counts, (30, numbers + BOUND), 1)
    fitted = Spreads(logistic_frequencies(SPREADS, counts))
    assert fitted.bits[30, numbers + BOUND].mean() < 0.5 * spreads.bits[30, numbers + BOUND].mean()
