from __future__ import annotations

import io
import json
from dataclasses import replace

import numpy as np
import pytest
from file_samples import (
    CONTAINERS,
    ENCODED,
    ICC,
    ORIGINAL,
    exif_block,
    header,
    in_each_container,
    lrfile,
    picture,
    pixels,
    same_lrfile,
    same_picture,
    signed,
    with_body,
    with_pixels,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from unshrink.errors import (
    LimitError,
    LRFileError,
    UsageError,
)
from unshrink.files import png
from unshrink.files.lrfile import LRFile, decode, encode, inspect, is_lrfile, strip, verify
from unshrink.files.picture import Picture, read_picture
from unshrink.limits import Limits

# --- identity -------------------------------------------------------------------------------------------------------


@given(
    shape=st.tuples(st.integers(1, 9), st.integers(1, 9), st.integers(1, 4)),
    container=st.sampled_from(CONTAINERS),
    flat=st.booleans(),
    metadata=st.booleans(),
    seed=st.integers(0, 2**32),
    sections=st.dictionaries(st.sampled_from(["ALPH", "AUXP", "LATN"]), st.binary(max_size=99)),
)
@settings(max_examples=150, deadline=None)
def test_encode_then_decode_is_identity(shape, container, flat, metadata, seed, sections):
    samples = np.full(shape, seed % 256, np.uint8) if flat else pixels(*shape, seed=seed)
    lr = Picture.from_array(samples)
    if metadata:
        lr = Picture(lr.rgb, alpha=lr.alpha, grey=lr.grey, icc=ICC, exif=exif_block())
    made = LRFile(lr, header(lr), sections)
    assert same_lrfile(decode(encode(made, container)), made)


@in_each_container
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_any_viewer_shows_the_lr_picture(container, channels):
    made = lrfile(channels)
    data = encode(made, container)
    with Image.open(io.BytesIO(data)) as image:
        mode = ("L", "LA", "RGB", "RGBA")[channels - 1]
        shown = np.array(image.convert(mode)).reshape(made.picture.samples.shape)
        assert np.array_equal(shown, made.picture.samples)
        assert image.info["icc_profile"] == ICC
        assert image.getexif()[0x010E] == "a harbour at dawn"


@in_each_container
def test_opaque_alpha_and_colours_under_transparency_stay(container):
    for alpha in (np.full((5, 7), 255, np.uint8), np.zeros((5, 7), np.uint8)):
        lr = Picture(pixels(5, 7), alpha=alpha)
        made = LRFile(lr, header(lr))
        assert same_lrfile(decode(encode(made, container)), made)


def test_a_payload_of_several_chunks():
    body = pixels(1, 50_000)[0].tobytes()
    made = lrfile(sections={"LATN": body})
    small = Limits(chunk_bytes=4000)
    chunks = png.read_chunks(encode(made, "png", limits=small), "x")
    kinds = [chunk.kind for chunk in chunks]
    assert kinds.count(b"unSH") == 38
    assert max(i for i, kind in enumerate(kinds) if kind == b"unSH") < kinds.index(b"IDAT")
    assert decode(encode(made, limits=small)).sections["LATN"] == body


# --- limits ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "limits",
    [Limits(max_lr_pixels=34), Limits(max_hr_pixels=19 * 25 - 1), Limits(max_payload_bytes=1),
     Limits(max_header_bytes=50), Limits(max_chunks=2, chunk_bytes=100), Limits(max_metadata_bytes=50)],
)  # fmt: skip
def test_limits_hold_on_the_way_out_and_on_the_way_in(limits):
    made = lrfile()
    with pytest.raises(LimitError):
        encode(made, limits=limits)
    chunked = encode(made, limits=Limits(chunk_bytes=100))
    with pytest.raises(LimitError):
        decode(chunked, limits=limits)


def test_a_declared_giant_is_refused_before_pixels_are_allocated(monkeypatch):
    def giant(body: bytes) -> bytes:
        return signed(body[:8] + (60_000).to_bytes(4) * 2 + body[16:])

    monkeypatch.setattr(Image.core, "new", lambda *a: pytest.fail("pixels were allocated"))
    with pytest.raises(LimitError):
        decode(with_body(ENCODED["webp"], giant))


def test_webp_sides_are_refused_before_writing():
    lr = Picture(np.zeros((1, 16_384, 3), np.uint8))
    with pytest.raises(LimitError, match="16383"):
        encode(LRFile(lr, header(lr)), "webp")


def test_what_does_not_belong_together():
    lr = picture()
    with pytest.raises(UsageError, match="shrunk by"):
        LRFile(lr, header(lr, size=(100, 100)))
    with pytest.raises(UsageError, match="reserved"):
        LRFile(lr, header(lr), {"EXIF": b""})
    with pytest.raises(UsageError, match="did you mean 'tiff'"):
        encode(lrfile(), "tif")
    with pytest.raises(TypeError):
        lrfile().sections["ALPH"] = b""  # type: ignore[index]


# --- strip, inspect, verify -----------------------------------------------------------------------------------------


@in_each_container
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_strip_leaves_the_picture_and_nothing_of_ours(container, channels):
    made = lrfile(channels, sections={"LATN": b"secret detail"})
    clean = strip(encode(made, container))
    assert not is_lrfile(clean)
    assert b"secret detail" not in clean
    assert b"lite-x4" not in clean
    read = read_picture(clean)
    assert np.array_equal(read.rgb, made.picture.rgb)
    assert read.icc == ICC
    tags = Image.Exif()
    tags.load(read.exif)
    assert tags.get_ifd(0x8769)[0x927C] == b"maker notes with offsets" * 4


@in_each_container
def test_strip_works_on_edited_files_and_damaged_payloads(container):
    for data in (
        with_pixels(container, lambda lr: replace(lr, rgb=lr.rgb ^ 1)),
        with_body(ENCODED[container], bytes.upper),
    ):
        clean = strip(data)
        assert not is_lrfile(clean)
        assert read_picture(clean).size == (5, 7)


@in_each_container
def test_inspect_tells_what_the_file_says_of_itself(container):
    made = lrfile(2, sections={"ALPH": b"12345", "LATN": b"123"})
    data = encode(made, container)
    report = inspect(data)
    assert json.loads(json.dumps(report)) == report
    assert report["format"] == container
    assert report["bytes"] == len(data)
    assert report["size"] == report["lr_size"] == [5, 7]
    assert report["channels"] == 2
    assert report["header"]["model"] == "lite-x4"
    assert report["header"]["size"] == [19, 25]
    assert report["sections"]["ALPH"] == 5
    assert report["sections"]["LATN"] == 3
    assert report["intact"] is True
    assert verify(data) == report


@in_each_container
def test_inspect_looks_into_edited_and_damaged_files_that_verify_refuses(container):
    edited = with_pixels(container, lambda lr: replace(lr, rgb=lr.rgb ^ 1))
    assert inspect(edited)["intact"] is True
    damaged = with_body(ENCODED[container], lambda body: body[:-1] + bytes([body[-1] ^ 1]))
    assert inspect(damaged)["intact"] is False
    for data in (edited, damaged):
        with pytest.raises(LRFileError):
            verify(data)


def test_the_picture_of_an_lr_file_reads_as_a_picture():
    for container in CONTAINERS:
        assert np.array_equal(read_picture(ENCODED[container]).samples, ORIGINAL.picture.samples)
    assert same_picture(read_picture(ENCODED["png"]), ORIGINAL.picture)
