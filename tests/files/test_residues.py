"""The carrier "pixels": what is written comes back from the samples alone, and they move as little as they say."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unshrink.errors import DamagedLRFileError, LimitError
from unshrink.files import residues, trellis
from unshrink.files.preamble import Preamble, begins, read_preamble
from unshrink.files.residues import Layout, Steps
from unshrink.rescale.looks import ROUNDNESS

STEPS = [Steps(3, 4, 8, 5), Steps(2, 2, 2, 0), Steps(3, 4, 12, 15), Steps(1, 1, 6, 8)]


def picture_of(shape: tuple[int, ...], seed: int = 0) -> np.ndarray:
    """Levels of every kind: inside, at both ends, and beyond."""
    return np.random.default_rng(seed).uniform(-6, 261, shape).astype(np.float32)


def layout_of(shape: tuple[int, ...], steps: Steps) -> Layout:
    classes = np.random.default_rng(1).choice(3, residues.block_grid(shape), p=[0.2, 0.3, 0.5])
    return Layout(steps, classes.astype(np.uint8))


@pytest.mark.parametrize("steps", STEPS, ids=str)
@pytest.mark.parametrize("shape", [(24, 24, 3), (33, 50), (9, 8, 3), (1, 200, 3)], ids=str)
@pytest.mark.parametrize("cells", [False, True])
@pytest.mark.parametrize("share", [0.0, 0.4, 1.0])
def test_what_is_filled_in_comes_back(steps: Steps, shape: tuple[int, ...], cells: bool, share: float) -> None:
    wanted = picture_of(shape).ravel()
    runs = residues.runs_of(layout_of(shape, steps).of_samples(shape), steps, cells=cells)
    data = np.random.default_rng(2).bytes(int(share * residues.room_of(runs)))
    levels = residues.fill(wanted, runs, data, cells=cells)
    assert residues.drain(levels, runs, len(data)) == data


def test_what_does_not_fit_is_refused() -> None:
    runs = residues.runs_of(np.full(64, 2, dtype=np.uint8), Steps())
    with pytest.raises(LimitError):
        residues.fill(np.zeros(64, dtype=np.float32), runs, bytes(residues.room_of(runs) + 1))


@pytest.mark.parametrize("steps", STEPS, ids=str)
def test_cells_tell_the_same_before_and_after(steps: Steps) -> None:
    wanted = picture_of((40, 40, 3)).ravel()
    classes = layout_of((40, 40, 3), steps).of_samples((40, 40, 3))
    runs = residues.runs_of(classes, steps, cells=True)
    sizes = residues.cell_steps(classes, steps)
    for share in (0.3, 1.0):
        data = np.random.default_rng(3).bytes(int(share * residues.room_of(runs)))
        levels = residues.fill(wanted, runs, data, cells=True)
        assert (residues.centres(levels, sizes) == residues.centres(wanted, sizes)).all()


def test_samples_of_flat_blocks_move_by_two_levels_at_most() -> None:
    wanted = np.random.default_rng(4).uniform(8, 247, 4096).astype(np.float32)
    runs = residues.runs_of(np.ones(4096, dtype=np.uint8), Steps())
    levels = residues.fill(wanted, runs, np.random.default_rng(5).bytes(residues.room_of(runs)))
    assert np.abs(levels - wanted).max() <= 2
    assert residues.room_of(runs) == 1024


@pytest.mark.parametrize("half", [1, 3, 4, 7])
@pytest.mark.parametrize("count", [1, 255, 20_000])
def test_a_sequence_says_what_it_was_told(half: int, count: int) -> None:
    rng = np.random.default_rng(6)
    digits = rng.integers(0, 2 * half, count).astype(np.uint8)
    wanted = rng.uniform(40, 215, count).astype(np.float32)
    levels = trellis.place(wanted, digits, half)
    assert (trellis.read(levels.astype(np.uint8), half) == digits).all()
    if count > 10_000:
        # One by one it would be a twelfth: 1.27 dB more
        assert np.square(levels - wanted).mean() == pytest.approx(ROUNDNESS * (2 * half) ** 2, rel=0.03)


def test_no_sequence_that_says_the_same_is_nearer() -> None:
    rng = np.random.default_rng(8)
    digits = rng.integers(0, 2, 6).astype(np.uint8)
    wanted = rng.uniform(3, 4, 6).astype(np.float32)
    found = trellis.place(wanted, digits, 1)
    rivals = np.array(list(itertools.product(range(1, 7), repeat=6)), dtype=np.uint8)
    padded = np.zeros((len(rivals), trellis.LENGTH), dtype=np.uint8)
    padded[:, :6] = rivals
    said = trellis.read(padded.ravel(), 1).reshape(padded.shape)[:, :6]
    errors = np.square(rivals[(said == digits).all(1)] - wanted).sum(1)
    assert len(errors) > 100
    assert np.square(found - wanted).sum() == pytest.approx(errors.min(), abs=1e-4)


def test_a_sequence_stays_within_the_levels_there_are() -> None:
    rng = np.random.default_rng(7)
    digits = rng.integers(0, 12, 3000).astype(np.uint8)
    for wanted in (np.zeros(3000), np.full(3000, 255.0), rng.choice([-9.0, 0, 255, 262], 3000)):
        levels = trellis.place(wanted.astype(np.float32), digits, 6)
        assert levels.min() >= 0
        assert levels.max() <= 255
        assert (trellis.read(levels.astype(np.uint8), 6) == digits).all()


def sealed(shape: tuple[int, ...]) -> tuple[Preamble, np.ndarray]:
    preamble = Preamble(layout_of(shape, Steps()), 1, b"a name", 0, 0).sealed(b"data")
    wanted = picture_of(shape)
    flat = residues.fill(wanted.ravel(), residues.preamble_runs(preamble.samples), preamble.encode(), cells=True)
    return preamble, flat.reshape(shape)


def test_a_preamble_comes_back() -> None:
    preamble, samples = sealed((30, 40, 3))
    found = read_preamble(samples)
    assert begins(samples)
    assert (found.kind, found.about, found.length, found.check) == (1, b"a name", 4, preamble.check)
    assert (found.layout.classes == preamble.layout.classes).all()
    found.verify(b"data")
    with pytest.raises(DamagedLRFileError):
        found.verify(b"Data")


@given(st.integers(0, 2**32 - 1))
def test_no_other_picture_passes_for_one_that_carries(seed: int) -> None:
    samples = np.random.default_rng(seed).integers(0, 256, (20, 20, 3)).astype(np.uint8)
    assert not begins(samples)


def test_a_changed_preamble_is_an_error_and_never_a_crash() -> None:
    _, samples = sealed((30, 40, 3))
    rng = np.random.default_rng(8)
    for _ in range(300):
        changed = samples.copy()
        changed.ravel()[rng.integers(0, 170)] ^= 1 << int(rng.integers(0, 3))
        try:
            found = read_preamble(changed)
            found.verify(b"data")
        except DamagedLRFileError:
            continue
        assert found.about == b"a name"  # a change that says the same: none of the residue


@pytest.mark.parametrize("step", range(2, 17))
def test_digits_are_packed_densely(step: int) -> None:
    dense = residues.packing(step)
    assert dense.bits / dense.digits > 0.997 * np.log2(step)
    assert step**dense.digits >= 1 << dense.bits
