from __future__ import annotations

import contextlib

import numpy as np
import pytest
from file_samples import pixels
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from unshrink.errors import DamagedLRFileError, LimitError, UsageError
from unshrink.files.payload import (
    lossless_plane_decode,
    lossless_plane_encode,
)
from unshrink.files.sections import pack_sections, unpack_sections
from unshrink.limits import Limits

SECTIONS = st.dictionaries(st.from_regex(r"[A-Z0-9]{4}", fullmatch=True), st.binary(max_size=50), max_size=5)
PLANES = hnp.arrays(
    np.uint8,
    hnp.array_shapes(min_dims=2, max_dims=2, max_side=12),
    elements=st.one_of(st.integers(0, 255), st.sampled_from([0, 255])),
)


@given(SECTIONS)
@settings(max_examples=100, deadline=None)
def test_sections_there_and_back(sections):
    assert unpack_sections(pack_sections(sections), len(sections)) == sections


@given(SECTIONS.filter(bool), st.data())
@settings(max_examples=200, deadline=None)
def test_section_bytes_that_do_not_add_up(sections, data):
    packed = pack_sections(sections)
    for count in (len(sections) - 1, len(sections) + 1):
        with pytest.raises(DamagedLRFileError):
            unpack_sections(packed, count)
    cut = data.draw(st.integers(0, len(packed) - 1))
    with pytest.raises(DamagedLRFileError):
        unpack_sections(packed[:cut], len(sections))
    with pytest.raises(DamagedLRFileError):
        unpack_sections(packed + b"x", len(sections))


def test_sections_are_written_in_order_and_read_in_no_other():
    forward, backward = pack_sections({"AAAA": b"1", "BBBB": b"2"}), pack_sections({"BBBB": b"2", "AAAA": b"1"})
    assert forward == backward
    for wrong in (forward[9:] + forward[:9], forward[:9] * 2):
        with pytest.raises(DamagedLRFileError):
            unpack_sections(wrong, 2)


@pytest.mark.parametrize("name", ["", "ABC", "ABCDE", "abcd", "AB D", "ÄBCD", "ABC\n"])
def test_section_names(name):
    with pytest.raises(UsageError, match="capital"):
        pack_sections({name: b""})


def test_sections_over_the_limit():
    with pytest.raises(LimitError):
        pack_sections({"AAAA": bytes(6), "BBBB": bytes(5)}, limits=Limits(max_payload_bytes=10))
    with pytest.raises(LimitError):
        unpack_sections(pack_sections({"AAAA": bytes(11)}), 1, limits=Limits(max_payload_bytes=10))


@given(PLANES)
@settings(max_examples=150, deadline=None)
def test_planes_there_and_back(plane):
    assert np.array_equal(lossless_plane_decode(lossless_plane_encode(plane), plane.shape), plane)


def disc(height: int, width: int, soft: float) -> np.ndarray:
    y, x = np.mgrid[:height, :width]
    distance = min(height, width) / 3 - np.hypot(y - height / 2, x - width / 2)
    return (np.clip(distance / soft + 0.5, 0, 1) * 255).astype(np.uint8)


@pytest.mark.parametrize(
    ("plane", "coding", "most"),
    [
        (np.full((300, 400), 255, np.uint8), 0, 2),
        (disc(300, 400, 1e-9), 2, 1000),
        (disc(300, 400, 40.0), 3, 6000),
        (np.zeros((1, 20_000), np.uint8) + np.arange(20_000, dtype=np.uint8), 1, 300),
    ],
    ids=["constant", "hard mask", "soft mask", "too wide for WebP"],
)
def test_the_smallest_coding_is_taken(plane, coding, most):
    coded = lossless_plane_encode(plane)
    assert coded[0] == coding or (coding == 2 and coded[0] == 3)
    assert len(coded) <= most
    assert np.array_equal(lossless_plane_decode(coded, plane.shape), plane)


@given(st.data())
@settings(max_examples=200, deadline=None)
def test_damaged_planes_give_our_errors_or_a_plane_of_the_shape(data):
    coded = bytearray(data.draw(st.sampled_from(CODED)))
    coded[data.draw(st.integers(0, len(coded) - 1))] = data.draw(st.integers(0, 255))
    shape = (0, 0)
    with contextlib.suppress(DamagedLRFileError):
        shape = lossless_plane_decode(bytes(coded), (9, 14)).shape
    assert shape in ((0, 0), (9, 14))


CODED = [
    lossless_plane_encode(plane)
    for plane in (np.zeros((9, 14), np.uint8), pixels(9, 14)[..., 0], disc(9, 14, 1e-9), disc(9, 14, 3.0))
]


@pytest.mark.parametrize("coded", CODED, ids=range(4))
def test_truncated_planes_and_other_shapes(coded):
    for length in range(len(coded) // 2):
        with pytest.raises(DamagedLRFileError):
            lossless_plane_decode(coded[:length], (9, 14))
    if coded[0]:
        for shape in ((9, 17), (10, 14), (14, 9)):
            with pytest.raises(DamagedLRFileError):
                lossless_plane_decode(coded, shape)


@pytest.mark.parametrize("coded", [b"", b"\x00", b"\x00ab", b"\x04abc", b"\x03not a webp", b"\x01", b"\xff" * 9])
def test_what_is_no_plane(coded):
    with pytest.raises(DamagedLRFileError, match="plane"):
        lossless_plane_decode(coded, (9, 14))


def test_planes_are_bounded_before_they_are_made():
    with pytest.raises(LimitError):
        lossless_plane_decode(b"\0\0", (10**6, 10**6))
    with pytest.raises(UsageError):
        lossless_plane_decode(b"\0\0", (0, 5))
    for wrong in (np.zeros((0, 3), np.uint8), np.zeros((2, 2), np.float32), np.zeros(3, np.uint8)):
        with pytest.raises(UsageError):
            lossless_plane_encode(wrong)
