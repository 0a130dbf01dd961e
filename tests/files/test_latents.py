"""Section LATN: the same numbers come back, the bytes never change, and damage is noticed."""

import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unshrink.errors import DamagedLRFileError, LimitError
from unshrink.files.latents import MOST, STEPS, fit_latents, latents_decode, latents_encode
from unshrink.limits import DEFAULT_LIMITS, Limits


def _values(shape, *, spread=6, seed=1):
    """Pseudo-random whole numbers, the same with every version of numpy."""
    state, numbers = seed, []
    for _ in range(int(np.prod(shape))):
        state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
        numbers.append(((state >> 33) % (2 * spread + 1)) - spread)
    return np.array(numbers, dtype=np.float32).reshape(shape)


def _back(data, shape):
    return latents_decode(data, shape, limits=DEFAULT_LIMITS)


@settings(max_examples=30, deadline=None)
@given(
    shape=st.tuples(st.integers(1, 4), st.integers(1, 11), st.integers(1, 11)),
    spread=st.integers(0, 200),
    step=st.sampled_from(STEPS),
    seed=st.integers(0, 1000),
)
def test_values_come_back_as_rounded(shape, spread, step, seed):
    values = _values(shape, spread=spread, seed=seed) + 0.3
    rounded = np.rint(np.clip(values, -MOST, MOST) / step) * step
    assert np.array_equal(_back(latents_encode(values, step), shape), rounded)


def test_many_values_take_turns_on_many_states():
    values = _values((4, 40, 60))
    assert np.array_equal(_back(latents_encode(values), values.shape), values)


GOLDEN = {
    ((1, 1, 1), 0, 1): "00000443a60645",
}


@pytest.mark.parametrize(("shape", "spread", "step"), GOLDEN)
def test_the_bytes_are_the_same_everywhere(shape, spread, step):
    assert latents_encode(_values(shape, spread=spread), step).hex() == GOLDEN[shape, spread, step]


def test_the_bytes_of_a_large_latent_are_the_same_everywhere():
    data = latents_encode(_values((4, 33, 47), spread=9) * (np.arange(47) % 5), 2)
    assert (len(data), zlib.crc32(data)) == (3619, 1294235911)


def test_zeros_cost_next_to_nothing_and_noise_its_entropy():
    assert len(latents_encode(np.zeros((4, 80, 80), dtype=np.float32))) < 160
    noise = _values((4, 64, 64), spread=10)
    bits = 8 * len(latents_encode(noise)) / noise.size
    assert np.log2(21) < bits < 1.15 * np.log2(21)


def test_every_truncation_is_noticed():
    values = _values((2, 3, 5))
    data = latents_encode(values)
    for length in range(len(data)):
        with pytest.raises(DamagedLRFileError):
            _back(data[:length], values.shape)
    with pytest.raises(DamagedLRFileError):
        _back(data + b"\0\0", values.shape)


def test_every_flipped_bit_is_noticed():
    values = _values((2, 3, 5))
    data = latents_encode(values)
    for bit in range(8 * len(data)):
        flipped = bytearray(data)
        flipped[bit // 8] ^= 1 << bit % 8
        with pytest.raises(DamagedLRFileError):
            _back(bytes(flipped), values.shape)


@pytest.mark.parametrize("shape", [(2, 11, 9), (1, 9, 11), (2, 9, 12), (2, 9, 10)])
def test_another_shape_is_noticed(shape):
    with pytest.raises(DamagedLRFileError):
        _back(latents_encode(_values((2, 9, 11))), shape)


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=60))
def test_any_bytes_are_refused(data):
    with pytest.raises(DamagedLRFileError):
        _back(data, (1, 5, 5))


@pytest.mark.parametrize("shape", [(0, 5, 5), (4, 0, 5), (4, 1 << 20, 1 << 20)])
def test_a_latent_beyond_the_limits_is_refused_before_it_is_made(shape):
    with pytest.raises(LimitError):
        latents_decode(b"\0" * 9, shape, limits=Limits(max_payload_bytes=1000))


def test_a_budget_takes_the_finest_step_that_fits():
    values = _values((4, 20, 20), spread=60)
    sizes = [len(latents_encode(values, step)) for step in STEPS]
    for budget in (sizes[0], sizes[0] - 1, sizes[5], sizes[-1], 10**6):
        finest = next(i for i, size in enumerate(sizes) if size <= budget)
        assert fit_latents(values, budget) == latents_encode(values, STEPS[finest])


@pytest.mark.parametrize("budget", [0, 1, 100])
def test_too_small_a_budget_keeps_none(budget):
    assert fit_latents(_values((4, 20, 20), spread=60), budget) is None
