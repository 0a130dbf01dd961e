from __future__ import annotations

import numpy as np
import pytest
from file_samples import exif_block, pixels
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps

from unshrink.files import exif


@pytest.mark.parametrize("value", range(1, 9))
def test_orient_turns_as_pillow_does(value):
    stored = pixels(3, 5)
    image = Image.fromarray(stored)
    image.getexif()[0x0112] = value
    assert np.array_equal(exif.orient(stored, value), np.array(ImageOps.exif_transpose(image)))


@pytest.mark.parametrize("value", range(1, 9))
def test_upright_changes_the_orientation_and_nothing_else(value):
    block = exif_block(value)
    assert exif.orientation(block) == value
    assert exif.upright(block) == exif_block(1)
    assert exif.upright(exif.JPEG_PREFIX + block) == exif_block(1)


def test_wrong_orientations_count_as_upright_and_stay():
    block = exif_block(9)
    assert exif.orientation(block) == 1
    assert exif.upright(block) == block


@pytest.mark.parametrize("junk", [None, b"", b"Exif\0\0", b"nonsense", b"II*\0", b"MM\0*\0\0"])
def test_what_is_no_block_is_dropped(junk):
    assert exif.upright(junk) is None
    assert exif.orientation(junk) == 1


@given(st.binary(max_size=200), st.sampled_from([b"II*\0", b"MM\0*"]))
@settings(max_examples=200, deadline=None)
def test_no_bytes_make_it_fail_and_upright_settles(data, magic):
    block = exif.upright(magic + data)
    assert exif.orientation(block) == 1
    assert exif.upright(block) == block


def test_from_tags_keeps_what_describes_the_picture():
    image = Image.new("L", (1, 1))
    image.getexif().load(exif_block())
    image.getexif()[0x0100] = 77  # a width, which describes the bytes of a TIFF
    again = Image.Exif()
    again.load(exif.from_tags(image))
    assert again[0x010E] == "a harbour at dawn"
    assert again.get_ifd(0x8769)[0x9003] == "2020:01:02 03:04:05"
    assert 0x0100 not in again
    assert exif.from_tags(Image.new("L", (1, 1))) is None
