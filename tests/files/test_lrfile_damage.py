"""Any change of the bytes is an error or changes nothing, and foreign, edited and damaged are told apart."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from file_samples import (
    CONTAINERS,
    ENCODED,
    ORIGINAL,
    body_of,
    header,
    in_each_container,
    lrfile,
    pixels,
    same_lrfile,
    saved,
    signed,
    with_body,
    with_pixels,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from unshrink.errors import (
    DamagedLRFileError,
    EditedLRFileError,
    LRFileError,
    NewerFormatError,
    NotAnLRFileError,
    UnreadableInputError,
    UnshrinkError,
)
from unshrink.files import png, webp
from unshrink.files.body import unpack
from unshrink.files.lrfile import LRFile, decode, encode, inspect, is_lrfile, strip, verify
from unshrink.files.picture import Picture
from unshrink.limits import DEFAULT_LIMITS

# --- any flipped byte, any truncation -------------------------------------------------------------------------------


def outcome_is_honest(data: bytes, original: LRFile) -> bool:
    """An error, or the same file, or the same but for metadata, with a note: not every container has CRCs."""
    try:
        found = decode(data)
        same = np.array_equal(found.picture.samples, original.picture.samples) and found.header == original.header
        return same_lrfile(found, original) or (same and "was edited" in " ".join(found.picture.notes))
    except UnshrinkError as error:
        return str(error) != "" and "\n" not in str(error)


@in_each_container
@pytest.mark.parametrize("channels", [1, 4])
def test_every_flipped_byte_is_an_error_or_changes_nothing(container, channels):
    made = lrfile(channels)
    data = encode(made, container)
    for at in range(len(data)):
        for mask in (0x01, 0x10, 0xFF):
            flipped = bytearray(data)
            flipped[at] ^= mask
            assert outcome_is_honest(bytes(flipped), made), (at, mask)


@in_each_container
def test_every_truncation_is_an_error_or_changes_nothing(container):
    made = lrfile()
    data = encode(made, container)
    for length in range(len(data)):
        assert outcome_is_honest(data[:length], made), length
    with pytest.raises(UnshrinkError):
        decode(data[:-13])


@given(st.data())
@settings(max_examples=300, deadline=None)
def test_several_changes_at_once(data):
    container = data.draw(st.sampled_from(CONTAINERS))
    changed = bytearray(ENCODED[container])
    for _ in range(data.draw(st.integers(1, 6))):
        changed[data.draw(st.integers(0, len(changed) - 1))] = data.draw(st.integers(0, 255))
    start, length = data.draw(st.integers(0, len(changed) - 1)), data.draw(st.integers(0, 20))
    del changed[start : start + length]
    assert outcome_is_honest(bytes(changed), ORIGINAL)
    is_lrfile(bytes(changed))  # never raises


@given(st.data())
@settings(max_examples=200, deadline=None)
def test_chunks_in_another_order_doubled_left_out_and_junk_behind(data):
    kind = data.draw(st.sampled_from([png, webp]))
    chunks = kind.read_chunks(ENCODED["png" if kind is png else "webp"], "x")
    order = data.draw(st.lists(st.integers(0, len(chunks) - 1), min_size=1, max_size=len(chunks) + 3))
    changed = kind.join([chunks[index] for index in order]) + data.draw(st.binary(max_size=40))
    assert outcome_is_honest(changed, ORIGINAL)
    is_lrfile(changed)


@given(st.integers(0, 3), st.integers(0, 2**32 - 1), st.sampled_from(CONTAINERS))
@settings(max_examples=200, deadline=None)
def test_lengths_that_lie(which, length, container):
    """The length of one of the first chunks, or of the file, or an offset, stated as anything."""
    changed = bytearray(ENCODED[container])
    places = {"png": [8, 16, 33, 45], "webp": [4, 16, 24, 34], "tiff": [4, 8, 12, 20]}[container]
    changed[places[which] : places[which] + 4] = length.to_bytes(4)
    assert outcome_is_honest(bytes(changed), ORIGINAL)


@pytest.mark.parametrize("container", ["png"])
def test_a_flipped_byte_in_the_payload_is_called_damage(container):
    data = bytearray(ENCODED[container])
    data[data.index(b"unSH") + 20] ^= 1
    with pytest.raises(DamagedLRFileError, match="damaged"):
        decode(bytes(data))


@in_each_container
def test_a_wrong_digest_is_called_damage_though_the_container_is_sound(container):
    with pytest.raises(DamagedLRFileError):
        decode(with_body(ENCODED[container], lambda body: body[:-40] + bytes([body[-40] ^ 1]) + body[-39:]))


# --- told apart -----------------------------------------------------------------------------------------------------


@in_each_container
def test_painted_veiled_and_cropped_files_are_called_edited(container):
    def painted(lr: Picture) -> Picture:
        rgb = lr.rgb.copy()
        rgb[2, 3, 1] ^= 1
        return replace(lr, rgb=rgb)

    def veiled(lr: Picture) -> Picture:
        assert lr.alpha is not None
        return replace(lr, alpha=lr.alpha ^ 1)

    def cropped(lr: Picture) -> Picture:
        assert lr.alpha is not None
        return replace(lr, rgb=lr.rgb[:, :-1], alpha=lr.alpha[:, :-1])

    for change, words in ((painted, "pixels"), (veiled, "pixels"), (cropped, "size")):
        with pytest.raises(EditedLRFileError, match=rf"edited.*{words}.*--plain"):
            decode(with_pixels(container, change))


def test_a_grey_file_made_colourful_and_an_opaque_one_made_transparent():
    grey, colour, clear = lrfile(1, metadata=False), lrfile(3, metadata=False), lrfile(4, metadata=False)
    for made, shown in ((grey, colour), (colour, clear)):
        body = body_of(encode(made))
        with pytest.raises(EditedLRFileError):
            decode(with_body(encode(shown), lambda old, body=body: body))


def test_an_optimiser_that_keeps_pixels_and_chunks_is_welcome():
    lr = Picture(np.zeros((5, 7, 3), np.uint8), alpha=np.full((5, 7), 255, np.uint8))
    made = LRFile(lr, header(lr))
    opaque = saved(Image.new("1", (7, 5)), "PNG")
    body = body_of(encode(made))
    chunks = png.insert_before_pixels(png.read_chunks(opaque, "x"), png.body_chunks(body, DEFAULT_LIMITS))
    assert same_lrfile(decode(png.join(chunks)), made)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "TIFF", "GIF"])
def test_a_foreign_picture_is_no_lr_file(kind):
    data = saved(Image.fromarray(pixels(5, 7)), kind)
    assert not is_lrfile(data)
    for function in (decode, strip, inspect, verify):
        with pytest.raises(NotAnLRFileError, match=r"photo\.png is a picture, but not an LR file.*--plain"):
            function(data, name="photo.png")


def test_what_is_no_picture_is_unreadable_rather_than_no_lr_file():
    for data in (b"", b"text", b"II*\0" + bytes(20), saved(Image.new("L", (9, 9)), "PNG")[:-13]):
        assert not is_lrfile(data)
        with pytest.raises(UnreadableInputError):
            decode(data)


@in_each_container
def test_a_later_version_is_named(container):
    later = with_body(ENCODED[container], lambda body: signed(body[:4] + b"\x02" + body[5:]))
    for function in (decode, inspect):
        with pytest.raises(NewerFormatError, match="version 2"):
            function(later)


@pytest.mark.parametrize(
    ("offset", "value"),
    [
        (0, b"X"),
        (4, b"\0"),
        (5, b"\0"),
        (5, b"\x05"),
        (6, b"\0\x09"),
        (8, bytes(4)),
        (80, b"\xff\xff\xff\xff"),
        (80, bytes(4)),
    ],
)
def test_signed_nonsense_is_damage(offset, value):
    nonsense = with_body(ENCODED["png"], lambda body: signed(body[:offset] + value + body[offset + len(value) :]))
    with pytest.raises(LRFileError):
        decode(nonsense)


@pytest.mark.parametrize("body", [b"", b"UNSH", bytes(32), signed(b"UNSH\x01" + bytes(32)), b"x" * 500])
def test_bodies_too_short_to_be_one(body):
    for trusting in (False, True):
        with pytest.raises(DamagedLRFileError):
            unpack(body, limits=DEFAULT_LIMITS, trusting=trusting)
