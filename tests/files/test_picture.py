"""What is read, and what is refused."""

from __future__ import annotations

import contextlib
import io
import struct
import threading
import warnings
import zlib
from importlib.util import find_spec

import numpy as np
import pytest
from file_samples import ICC, SMALL, exif_block, frames, pixels, saved
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin

from unshrink.errors import (
    LimitError,
    UnreadableInputError,
    UnshrinkError,
    UnsupportedPictureError,
)
from unshrink.files import png
from unshrink.files.picture import Picture, read_picture
from unshrink.limits import Limits

RGB = pixels(5, 7)


def raw_png(width: int, height: int, depth: int, colour: int, rows: bytes, *extra: png.Chunk) -> bytes:
    head = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    chunks = [png.Chunk(b"IHDR", head), *extra, png.Chunk(b"IDAT", zlib.compress(rows)), png.Chunk(b"IEND", b"")]
    return png.join(chunks)


# --- what is read ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "TIFF", "BMP", "PPM", "GIF", "AVIF"])
def test_formats_are_told_by_their_content(kind, tmp_path):
    options = {"lossless": True} if kind == "WEBP" else {}
    data = saved(Image.fromarray(RGB), kind, **options)
    (tmp_path / "misnamed.txt").write_bytes(data)
    read = read_picture(tmp_path / "misnamed.txt")
    assert read.size == (5, 7)
    assert read.alpha is None
    assert not read.grey
    if kind not in ("GIF", "AVIF"):
        assert np.array_equal(read.rgb, RGB)


def test_jpeg_is_read_as_pillow_reads_it():
    data = saved(Image.fromarray(RGB), "JPEG")
    assert np.array_equal(read_picture(data).rgb, np.array(Image.open(io.BytesIO(data))))


def test_phone_jpeg_with_a_second_picture_gives_its_first():
    first, second = Image.fromarray(RGB), Image.fromarray(RGB[:2])
    data = saved(first, "MPO", save_all=True, append_images=[second])
    assert read_picture(data).size == (5, 7)


@pytest.mark.parametrize(
    ("mode", "grey", "alpha"),
    [("1", True, False), ("L", True, False), ("LA", True, True), ("P", False, False), ("RGBA", False, True)],
)
def test_modes(mode, grey, alpha):
    image = Image.fromarray(pixels(5, 7, 4 if alpha else 3)).convert(mode)
    read = read_picture(saved(image, "PNG"))
    assert (read.grey, read.alpha is not None) == (grey, alpha)
    assert np.array_equal(np.dstack([read.rgb, read.alpha]) if alpha else read.rgb,
                          np.array(image.convert("RGBA" if alpha else "RGB")))  # fmt: skip
    assert read.rgb.flags.writeable
    assert read.rgb.flags.c_contiguous


def test_one_pixel():
    for kind in ("PNG", "WEBP", "TIFF", "BMP", "JPEG"):
        assert read_picture(saved(Image.new("RGB", (1, 1), "white"), kind)).size == (1, 1)


def test_transparent_palette_entry():
    image = Image.new("P", (2, 1))
    image.putpalette([255, 0, 0, 0, 255, 0])
    image.putpixel((1, 0), 1)
    read = read_picture(saved(image, "PNG", transparency=1))
    assert read.alpha is not None
    assert read.alpha.tolist() == [[255, 0]]
    assert read.rgb[0, 0].tolist() == [255, 0, 0]


@pytest.mark.parametrize(("mode", "key"), [("L", 7), ("RGB", (1, 2, 3))])
def test_transparent_colour(mode, key):
    image = Image.new(mode, (2, 1), key)
    image.putpixel((1, 0), 200 if mode == "L" else (9, 9, 9))
    read = read_picture(saved(image, "PNG", transparency=key))
    assert read.alpha is not None
    assert read.alpha.tolist() == [[0, 255]]
    assert read.grey == (mode == "L")


@pytest.mark.parametrize(("depth", "row", "levels"), [(1, 0b01000000, [0, 255]), (2, 0b10110000, [170, 255]),
                                                      (4, 0x5A, [85, 170])])  # fmt: skip
def test_low_depth_grey_with_a_transparent_value(depth, row, levels):
    second = levels[1] * (2**depth - 1) // 255
    data = raw_png(2, 1, depth, 0, bytes([0, row]), png.Chunk(b"tRNS", struct.pack(">H", second)))
    read = read_picture(data)
    assert read.grey
    assert read.rgb[0, :, 0].tolist() == levels
    assert read.alpha is not None
    assert read.alpha.tolist() == [[255, 0]]


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
@pytest.mark.parametrize("orientation", [1, 3, 6])
def test_orientation_is_applied_and_the_rest_kept(kind, orientation):
    stored = Image.new("RGB", (6, 4), "white")
    stored.paste("black", (0, 0, 6, 2))  # black above
    data = saved(stored, kind, exif=b"Exif\0\0" + exif_block(orientation), icc_profile=ICC)
    if kind == "TIFF":  # Pillow's own writer cannot do this one
        data = Picture(np.array(stored), icc=ICC, exif=exif_block()).encode("tiff")
        data = data.replace(
            struct.pack(">HHIHH", 0x0112, 3, 1, 1, 0), struct.pack(">HHIHH", 0x0112, 3, 1, orientation, 0)
        )
    read = read_picture(data)
    assert read.size == ((4, 6) if orientation < 5 else (6, 4))
    dark = {1: read.rgb[0, :], 3: read.rgb[-1, :], 6: read.rgb[:, -1]}[orientation]
    assert dark.max() < 60
    assert read.icc == ICC
    tags = Image.Exif()
    tags.load(read.exif)
    assert tags.get(0x0112, 1) == 1
    assert tags[0x010E] == "a harbour at dawn"
    assert tags.get_ifd(0x8769)[0x9003] == "2020:01:02 03:04:05"


# --- what is refused ------------------------------------------------------------------------------------------------

GREY16 = raw_png(1, 1, 16, 0, b"\0\1\2")
RGB16 = raw_png(1, 1, 16, 2, b"\0\1\2\3\4\5\6")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (GREY16, "16 bits"),
        (RGB16, "16 bits"),
        (saved(Image.new("I;16", (2, 2)), "TIFF"), "16 bits"),
        (saved(Image.new("I", (2, 2)), "TIFF"), "32 bits"),
        (saved(Image.new("F", (2, 2)), "TIFF"), "floating-point"),
        (b"P6 1 1 65535\n" + bytes(6), "16 bits"),
        (b"P5 # comment\n1 1\n1023 " + bytes(2), "16 bits"),
        (saved(Image.new("CMYK", (2, 2)), "JPEG"), "CMYK"),
        (saved(Image.new("CMYK", (2, 2)), "TIFF"), "CMYK"),
        (saved(Image.new("LAB", (2, 2)), "TIFF"), "LAB"),
        (frames("GIF"), "animated GIF"),
        (frames("PNG"), "animated PNG"),
        (frames("WEBP"), "animated WebP"),
        (frames("AVIF"), "animated AVIF"),
        (frames("TIFF"), "several pages"),
        pytest.param(
            b"\0\0\0\x18ftypheic" + bytes(8),
            "HEIF",
            marks=pytest.mark.skipif(find_spec("pillow_heif") is not None, reason="its plugin is there"),
        ),
        (b"\xff\x0a" + bytes(8), "JPEG XL"),
        (b"%PDF-1.7", "PDF"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_would_lose_something_is_refused_by_name(data, words):
    with pytest.raises(UnsupportedPictureError, match=words):
        read_picture(data)


@pytest.mark.parametrize("order", ["<", ">"])
def test_16_bit_rgb_tiff_is_refused(order):
    # Pillow would narrow it to 8 bits without a word.  The bits per sample stand at 112, the one pixel at 118.
    long, short = "HHII", "HHIHxx"
    directory = [
        struct.pack(order + layout, tag, 4 if layout == long else 3, count, value)
        for layout, tag, count, value in (
            (long, 256, 1, 1), (long, 257, 1, 1), (short, 262, 1, 2), (long, 273, 1, 118), (short, 277, 1, 3),
            (long, 278, 1, 1), (long, 279, 1, 6),
        )
    ]  # fmt: skip
    directory.insert(2, struct.pack(order + "HHII", 258, 3, 3, 112))
    head = struct.pack(order + "2sHIH", b"II" if order == "<" else b"MM", 42, 8, len(directory))
    data = b"".join([head, *directory]).ljust(112, b"\0") + struct.pack(order + "HHH", 16, 16, 16) + bytes(6)
    with pytest.raises(UnsupportedPictureError, match="16 bits"):
        read_picture(data)


def test_apng_of_one_frame_is_a_picture():
    data = saved(Image.fromarray(RGB), "PNG")
    chunks = png.read_chunks(data, "x")
    one = png.join(png.insert_before_pixels(chunks, [png.Chunk(b"acTL", struct.pack(">II", 1, 0))]))
    assert np.array_equal(read_picture(one).rgb, RGB)


@pytest.mark.parametrize("text", [b"hello, I am a text file", b"BM but not a bitmap", b"P6", b"RIFF", b"\xff\xd8\xff"])
def test_text_renamed_to_jpg(tmp_path, text):
    path = tmp_path / "photo.jpg"
    path.write_bytes(text)
    with pytest.raises(UnreadableInputError, match=r"photo\.jpg"):
        read_picture(path)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "BMP", "GIF", "AVIF", "PPM"])
@pytest.mark.parametrize("share", [0.2, 0.5, 0.8])
def test_truncated_files(kind, share):
    data = saved(Image.fromarray(pixels(40, 50)), kind)
    with pytest.raises(UnreadableInputError):
        read_picture(data[: int(len(data) * share)])


def test_png_with_a_flipped_pixel_byte():
    data = bytearray(saved(Image.fromarray(RGB), "PNG"))
    data[data.index(b"IDAT") + 30] ^= 4
    with pytest.raises(UnreadableInputError, match="CRC"):
        read_picture(bytes(data))


@pytest.mark.parametrize(
    "data",
    [
        raw_png(100_000, 100_000, 8, 2, b""),
        b"BM" + struct.pack("<IHHIIiiHHIIiiII", 54, 0, 0, 54, 40, 60_000, 60_000, 1, 24, 0, 0, 0, 0, 0, 0),
        b"P6 60000 60000 255\n",
        b"GIF89a"
        + struct.pack("<HHBBB", 65535, 65535, 0, 0, 0)
        + b",\0\0\0\0"
        + struct.pack("<HHB", 65535, 65535, 0)
        + b"\x08\x02\x4c\x01\0;",
        b"RIFF\x16\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0\xff\xff\xff\xff\x00\x00",
    ],
    ids=["png", "bmp", "ppm", "gif", "webp"],
)
def test_huge_pictures_are_refused_before_they_are_decoded(data, monkeypatch):
    monkeypatch.setattr(Image.core, "new", lambda *a: pytest.fail("pixels were allocated"))
    with pytest.raises(LimitError, match="limit"):
        read_picture(data, limits=Limits(max_hr_pixels=1_000_000))


def test_a_picture_just_at_the_limit_is_read():
    data = saved(Image.fromarray(RGB), "PNG")
    assert read_picture(data, limits=Limits(max_hr_pixels=35)).size == (5, 7)
    with pytest.raises(LimitError):
        read_picture(data, limits=Limits(max_hr_pixels=34))


def test_large_metadata_is_refused():
    data = saved(Image.fromarray(RGB), "JPEG", icc_profile=bytes(5000))
    with pytest.raises(LimitError, match="colour profile"):
        read_picture(data, limits=Limits(max_metadata_bytes=4999))


def test_text_bombs_beside_the_picture_are_not_opened():
    info = PngImagePlugin.PngInfo()
    info.add_text("comment", "x" * 3_000_000, zip=True)
    assert read_picture(saved(Image.fromarray(RGB), "PNG", pnginfo=info)).size == (5, 7)


@given(st.data())
@settings(max_examples=300, deadline=None)
def test_damaged_pictures_give_our_errors_and_no_warnings(data):
    kind = data.draw(st.sampled_from(["PNG", "JPEG", "WEBP", "TIFF", "GIF", "BMP", "PPM", "AVIF"]))
    damaged = bytearray(SMALL[kind])
    for _ in range(data.draw(st.integers(1, 4))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(UnshrinkError):  # anything else, a warning too, fails the test
        size = read_picture(bytes(damaged), limits=Limits(max_hr_pixels=100_000)).size
        assert 0 < size[0] * size[1] <= 100_000


def test_reading_in_threads_leaves_the_warning_filters_alone():
    before = list(warnings.filters)
    threads = [threading.Thread(target=read_picture, args=(SMALL["JPEG"],)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert list(warnings.filters) == before
