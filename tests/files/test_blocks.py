from __future__ import annotations

import contextlib
import struct
import zlib

import numpy as np
import pytest
from file_samples import pixels
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from unshrink.errors import DamagedLRFileError, LimitError, UsageError
from unshrink.files.blocks import BLOCK, block_grid, encode_blocks, paste_blocks
from unshrink.files.payload import lossless_plane_encode, lossless_rgb_decode, lossless_rgb_encode
from unshrink.limits import Limits


@st.composite
def carried(draw):
    """A picture of any small size, coloured or grey, and a mask with at least one block."""
    size = draw(st.integers(1, 70)), draw(st.integers(1, 70))
    rgb = pixels(*size, seed=draw(st.integers(0, 99)))
    kind = draw(st.sampled_from(["noise", "grey", "flat", "two"]))
    if kind == "grey":
        rgb = rgb[..., :1].repeat(3, axis=2)
    elif kind == "flat":
        rgb = np.full_like(rgb, 7)
    elif kind == "two":
        rgb = np.where(rgb[..., :1] > 127, np.array([255, 0, 0], np.uint8), np.array([0, 0, 200], np.uint8))
    mask = draw(hnp.arrays(np.bool_, block_grid(size)).filter(lambda marks: bool(marks.any())))
    return rgb, mask


def spread(mask, size):
    return mask.repeat(BLOCK, axis=0).repeat(BLOCK, axis=1)[: size[0], : size[1]]


@given(carried())
@settings(max_examples=150, deadline=None)
def test_marked_blocks_come_back_and_others_stay(picture):
    rgb, mask = picture
    target = 255 - rgb
    paste_blocks(encode_blocks(rgb, mask), target)
    assert np.array_equal(target, np.where(spread(mask, rgb.shape[:2])[..., None], rgb, 255 - rgb))


@given(carried(), st.data())
@settings(max_examples=250, deadline=None)
def test_damage_gives_our_errors_or_some_blocks(picture, data):
    rgb, mask = picture
    coded = bytearray(encode_blocks(rgb, mask))
    for _ in range(data.draw(st.integers(1, 3))):
        coded[data.draw(st.integers(0, len(coded) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(coded)))
    with contextlib.suppress(DamagedLRFileError, LimitError):
        paste_blocks(bytes(coded), np.zeros_like(rgb))
    if cut < len(coded):
        with contextlib.suppress(LimitError), pytest.raises(DamagedLRFileError):
            paste_blocks(bytes(encode_blocks(rgb, mask)[:cut]), np.zeros_like(rgb))


@pytest.mark.parametrize("other", [(70, 40), (33, 50), (1, 1), (400, 400)])
def test_another_size_is_damage(other):
    coded = encode_blocks(pixels(40, 70), np.ones((3, 5), dtype=bool))
    with pytest.raises(DamagedLRFileError):
        paste_blocks(coded, np.zeros((*other, 3), dtype=np.uint8))


def test_a_map_holds_marks_and_at_least_one():
    sheet = lossless_rgb_encode(pixels(16, 16))
    for marks in (np.zeros((2, 2), np.uint8), np.array([[255, 0], [7, 0]], np.uint8)):
        coded = lossless_plane_encode(marks)
        with pytest.raises(DamagedLRFileError):
            paste_blocks(struct.pack(">I", len(coded)) + coded + sheet, np.zeros((32, 32, 3), np.uint8))


def test_nothing_is_made_that_the_picture_does_not_bound():
    coded = encode_blocks(pixels(64, 64), np.ones((4, 4), dtype=bool))
    with pytest.raises(LimitError):
        paste_blocks(coded, np.zeros((64, 64, 3), np.uint8), limits=Limits(max_hr_pixels=64 * 64 // 5))
    paste_blocks(encode_blocks(pixels(17, 1), np.ones((2, 1), dtype=bool)), np.zeros((17, 1, 3), np.uint8),
                 limits=Limits(max_hr_pixels=17))  # fmt: skip


def test_patterns_and_flat_blocks_cost_next_to_nothing():
    y, x = np.mgrid[:160, :160]
    board = np.where(((y + x) % 2 == 0)[..., None], np.array([255, 0, 0], np.uint8), np.array([0, 0, 255], np.uint8))
    everything = np.ones((10, 10), dtype=bool)
    assert len(encode_blocks(board, everything)) < 200
    assert len(encode_blocks(np.zeros_like(board), everything)) < 20


def test_what_cannot_be_coded():
    for mask in (np.zeros((2, 2), bool), np.ones((2, 3), bool), np.ones((2, 2), np.uint8)):
        with pytest.raises(UsageError):
            encode_blocks(pixels(32, 32), mask)


@pytest.mark.parametrize(("rgb", "coding"), [
    (pixels(9, 11), (4, 5)),
    (pixels(9, 11)[..., :1].repeat(3, axis=2), (1, 3)),
    (np.full((3, 4, 3), 9, np.uint8), (0,)),
])  # fmt: skip
def test_rgb_there_and_back(rgb, coding):
    coded = lossless_rgb_encode(rgb)
    assert coded[0] in coding
    assert np.array_equal(lossless_rgb_decode(coded, rgb.shape[:2]), rgb)


@pytest.mark.parametrize("coding", [4, 5])
def test_both_codings_of_colours_are_read(coding):
    y, x = np.mgrid[:64, :64]
    ramp = np.stack([y, x, y + x], axis=-1).astype(np.uint8)
    rows = np.concatenate([np.zeros((64, 1), np.uint8), ramp.reshape(64, -1)], axis=1)
    coded = b"\4" + zlib.compress(rows.tobytes()) if coding == 4 else lossless_rgb_encode(ramp)
    assert coded[0] == coding
    assert np.array_equal(lossless_rgb_decode(coded, (64, 64)), ramp)
    with pytest.raises(DamagedLRFileError):
        lossless_rgb_decode(coded, (64, 65))


@pytest.mark.parametrize("data", [b"", b"\4", b"\5", b"\6abc", b"\5RIFFabcdWEBP", b"\4not a stream"])
def test_what_is_no_rgb(data):
    with pytest.raises(DamagedLRFileError):
        lossless_rgb_decode(data, (4, 4))


def test_sizes_and_limits_of_rgb():
    with pytest.raises(UsageError):
        lossless_rgb_encode(np.zeros((0, 3, 3), np.uint8))
    with pytest.raises(LimitError):
        lossless_rgb_decode(b"\0\0", (10, 10), limits=Limits(max_hr_pixels=99))
