"""`down` mends what comes back badly, and `verify` tells a file that shows one picture and restores another."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import unshrink
from unshrink.errors import UsageError
from unshrink.files.blocks import block_grid, encode_blocks
from unshrink.files.lrfile import LRFile
from unshrink.files.picture import Picture
from unshrink.files.sections import BLOCKS_SECTION
from unshrink.rescale import Engine, Small
from unshrink.rescale.selfcheck import LIKE, bicubic_psnr, psnr, shrunk


def smooth(seed: int) -> Picture:
    coarse = np.random.default_rng(seed).integers(0, 256, (6, 7, 3), dtype=np.uint8)
    return Picture(np.array(Image.fromarray(coarse).resize((90, 70), Image.Resampling.BICUBIC)))


def photo() -> Picture:
    with Image.open(Path(__file__).parent.parent / "examples" / "circuit.png") as image:
        return Picture(np.array(image.convert("RGB"))[30:126, 20:140].copy())


NOISE = Picture(np.random.default_rng(0).integers(0, 256, (70, 90, 3), dtype=np.uint8))
ENGINE = Engine()


def round_trip(picture: Picture, **options: object) -> tuple[Small, Picture]:
    small = ENGINE.down(picture, 4, exact_blocks=False, **options)
    return small, ENGINE.up(small.encode("png"))


def test_a_good_round_trip_is_left_as_it_is():
    small, restored = round_trip(photo(), check=True)
    assert BLOCKS_SECTION not in small.lrfile.sections
    assert psnr(photo().rgb, restored.rgb) >= bicubic_psnr(photo(), small.size)


@pytest.mark.parametrize("least", [20.0, 30.0, 45.0, 99.0])
def test_blocks_are_carried_until_it_comes_back_as_well_as_was_asked(least):
    small, restored = round_trip(NOISE, min_psnr=least)
    reached = psnr(NOISE.rgb, restored.rgb)
    assert reached >= least
    if least < 40:
        assert reached < least + 3  # and no more than that
    assert any("carried exactly" in note for note in small.lrfile.picture.notes)


def test_blocks_that_are_there_already_stay():
    half = Picture(np.concatenate([NOISE.rgb[:, :45], smooth(2).rgb[:, 45:]], axis=1))
    first = ENGINE.down(half, 4)
    assert BLOCKS_SECTION in first.lrfile.sections
    restored = ENGINE.up(ENGINE.down(half, 4, min_psnr=50.0))
    assert psnr(half.rgb, restored.rgb) >= 50


def test_a_least_that_is_no_number_is_refused():
    with pytest.raises(UsageError):
        ENGINE.down(NOISE, 4, min_psnr=float("inf"))


# --- forged ---------------------------------------------------------------------------------------------------------


def forged(shown: Picture, hidden: Picture) -> bytes:
    """A sealed file that shows one picture and carries another in exact blocks."""
    made = ENGINE.down(shown, 4, exact_blocks=False).lrfile
    every = np.ones(block_grid(hidden.size), dtype=np.bool_)
    sections = {**made.sections, BLOCKS_SECTION: encode_blocks(hidden.rgb, every)}
    return Small(replace(made, sections=sections)).encode("png")


def test_a_forged_file_is_told_by_what_it_restores_to():
    shown, hidden = smooth(1), smooth(2)
    data = forged(shown, hidden)
    assert np.array_equal(ENGINE.up(data).rgb, hidden.rgb)  # its digests are right
    assert ENGINE.likeness(data) < LIKE
    for picture in (shown, hidden, NOISE):
        assert ENGINE.likeness(ENGINE.down(picture, 4).encode("png")) > LIKE


def test_what_is_compared_is_the_restored_picture_at_the_small_size():
    picture = smooth(3)
    small = ENGINE.down(picture, 4)
    restored = ENGINE.up(small)
    expected = psnr(small.lrfile.picture.rgb, shrunk(restored, small.size))
    assert ENGINE.likeness(small) == pytest.approx(expected)
    assert isinstance(small.lrfile, LRFile)
    assert unshrink.up(small).size == picture.size
