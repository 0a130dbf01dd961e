"""The container modules by themselves: png, webp, tiff, tiffpixels."""

from __future__ import annotations

import io

import numpy as np
import pytest
from file_samples import ICC, exif_block, pixels, saved
from PIL import Image

from unshrink.errors import DamagedLRFileError, LimitError, UnreadableInputError
from unshrink.files import png, tiff, webp
from unshrink.files.metadata import Metadata
from unshrink.files.tiffpixels import exif_at_start, tiff_bytes
from unshrink.limits import DEFAULT_LIMITS, Limits


@pytest.fixture
def a_png() -> bytes:
    return saved(Image.fromarray(pixels(4, 6)), "PNG")


@pytest.fixture
def a_webp() -> bytes:
    return saved(Image.fromarray(pixels(4, 6)), "WEBP", lossless=True, icc_profile=ICC)


def test_png_chunks_join_to_the_same_file(a_png):
    chunks = png.read_chunks(a_png, "x")
    assert png.join(chunks) == a_png
    assert png.head(chunks) == (6, 4, 8, 2)
    assert png.read_chunks(a_png + b"trailing", "x") == chunks


def test_every_flipped_byte_of_a_png_is_noticed(a_png):
    for at in range(8, len(a_png)):
        flipped = bytearray(a_png)
        flipped[at] ^= 0x21
        with pytest.raises(UnreadableInputError):
            png.read_chunks(bytes(flipped), "x")


def test_every_truncation_of_a_png_is_noticed(a_png):
    for length in range(8, len(a_png) - 12):  # what follows is the end mark
        with pytest.raises(UnreadableInputError, match=r"cut short|begin"):
            png.read_chunks(a_png[:length], "x")


def test_icc_profile_is_inflated_within_its_limit():
    chunk = png.icc_chunk(bytes(100_000))
    assert png.icc_profile([chunk], DEFAULT_LIMITS, "x") == bytes(100_000)
    assert png.icc_profile([png.Chunk(b"iCCP", b"name\0\0broken")], DEFAULT_LIMITS, "x") is None
    assert png.icc_profile([], DEFAULT_LIMITS, "x") is None
    with pytest.raises(LimitError):
        png.icc_profile([chunk], Limits(max_metadata_bytes=99_999), "x")


@pytest.mark.parametrize("length", [1, 9, 10, 11, 95])
def test_body_chunks_join_again(length):
    limits = Limits(chunk_bytes=10, max_chunks=10)
    body = bytes(range(length))
    chunks = png.body_chunks(body, limits)
    assert all(len(chunk.data) <= 14 for chunk in chunks)
    assert png.join_body([png.Chunk(b"tEXt", b"other"), *chunks], limits, "x") == body


def test_too_many_lost_and_moved_body_chunks():
    limits = Limits(chunk_bytes=10, max_chunks=3)
    chunks = png.body_chunks(bytes(30), limits)
    for wrong in (chunks[:2], chunks[1:], chunks[::-1], [*chunks[:2], chunks[1]]):
        with pytest.raises(DamagedLRFileError):
            png.join_body(wrong, limits, "x")
    with pytest.raises(LimitError):
        png.join_body([*chunks, chunks[0]], limits, "x")
    with pytest.raises(LimitError):
        png.body_chunks(bytes(31), limits)
    assert png.join_body([], limits, "x") is None


def test_chunks_stay_under_what_decoders_take():
    assert DEFAULT_LIMITS.chunk_bytes + 4 < 1 << 20
    assert DEFAULT_LIMITS.max_chunks * DEFAULT_LIMITS.chunk_bytes > DEFAULT_LIMITS.max_payload_bytes + (1 << 20)


def test_webp_chunks_join_to_the_same_file(a_webp):
    chunks = webp.read_chunks(a_webp, "x")
    assert webp.join(chunks) == a_webp
    assert webp.only(chunks, b"ICCP") == ICC
    assert webp.canvas(chunks, "x") == (6, 4)


@pytest.mark.parametrize("lossless", [False, True])
def test_webp_canvas_of_simple_files(lossless):
    data = saved(Image.fromarray(pixels(40, 61)), "WEBP", lossless=lossless)
    assert webp.canvas(webp.read_chunks(data, "x"), "x") == (61, 40)


def test_every_truncation_of_a_webp_is_noticed(a_webp):
    for length in range(12, len(a_webp) - 1):  # the very last byte is padding
        with pytest.raises(UnreadableInputError, match="cut short"):
            webp.read_chunks(a_webp[:length], "x")


def test_webp_without_a_picture():
    with pytest.raises(UnreadableInputError, match="no picture"):
        webp.canvas([webp.Chunk(b"EXIF", b"x")], "x")


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("exif", [None, exif_block(), b"II*\0\x08\0\0\0\0\0" + b"odd"])
def test_tiff_is_what_pillow_reads(channels, exif):
    samples = pixels(9, 11, channels)
    data = tiff_bytes(samples, metadata=Metadata(icc=ICC, exif=exif), kept=(0x010E, 0x8769), body=b"body bytes")
    with Image.open(io.BytesIO(data)) as image:
        assert image.n_frames == 1
        assert image.info["icc_profile"] == ICC
        assert image.tag_v2[tiff.BODY_TAG] == b"body bytes"
        assert image.tag_v2.get(0x010E) == ("a harbour at dawn" if exif == exif_block() else None)
        assert np.array_equal(np.array(image).reshape(samples.shape), samples)
    assert tiff.raw(data, tiff.first_directory(data)[tiff.BODY_TAG]) == b"body bytes"
    if exif:
        assert exif_at_start(data, len(exif), tiff.directory_offset(exif)) == exif


def test_tiff_maker_notes_stay_where_they_were():
    block = exif_block()
    data = tiff_bytes(pixels(2, 2), metadata=Metadata(icc=None, exif=block), kept=(0x8769,), body=None)
    assert data.index(b"maker notes") == block.index(b"maker notes")
    with Image.open(io.BytesIO(data)) as image:
        assert image.getexif().get_ifd(0x8769)[0x927C] == b"maker notes with offsets" * 4


def test_tiff_of_several_strips():
    samples = pixels(600, 300)
    data = tiff_bytes(samples, metadata=Metadata(icc=None, exif=None), kept=(), body=None)
    strips = tiff.first_directory(data)[273]
    assert strips.number > 1
    with Image.open(io.BytesIO(data)) as image:
        assert np.array_equal(np.array(image), samples)


def test_tiff_directory_reader_stays_inside_the_data():
    data = tiff_bytes(pixels(3, 3), metadata=Metadata(icc=ICC, exif=None), kept=(), body=b"b" * 9)
    for length in range(len(data)):
        entries = tiff.first_directory(data[:length])
        assert all(entry.end <= length for entry in entries.values())
