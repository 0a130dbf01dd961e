"""The record itself, and what is written from it."""

from __future__ import annotations

import io

import numpy as np
import pytest
from file_samples import SMALL, exif_block, frames, picture, pixels, same_picture
from PIL import Image

from unshrink.errors import (
    LimitError,
    OutputExistsError,
    UnsupportedPictureError,
    UsageError,
)
from unshrink.files.picture import Picture, read_picture

RGB = pixels(5, 7)


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("kind", ["png", "webp", "tiff"])
def test_lossless_formats_keep_everything(channels, kind):
    made = picture(9, 6, channels, metadata=True)
    read = read_picture(made.encode(kind))
    assert read.icc == made.icc
    if kind == "webp":  # which knows no grey
        assert np.array_equal(read.rgb, made.rgb)
    else:
        assert np.array_equal(read.samples, made.samples)
    assert read.alpha is made.alpha or np.array_equal(read.alpha, made.alpha)
    tags = Image.Exif()
    tags.load(read.exif)
    assert tags.get_ifd(0x8825)[1] == "N"
    assert kind == "tiff" or read.exif == made.exif


def test_jpeg_and_bmp():
    made = picture(16, 16, metadata=True)
    smooth = Picture(np.full((16, 16, 3), (200, 30, 30), dtype=np.uint8), icc=made.icc, exif=made.exif)
    read = read_picture(smooth.encode("jpeg"))
    assert (read.icc, read.exif) == (made.icc, made.exif)
    assert np.abs(read.rgb.astype(int) - smooth.rgb).max() <= 2
    assert Image.open(io.BytesIO(made.encode("jpeg"))).layer[0][1:3] == (1, 1)  # 4:4:4
    assert np.array_equal(read_picture(made.encode("bmp")).rgb, made.rgb)
    for kind in ("jpeg", "bmp"):
        with pytest.raises(UsageError, match="alpha"):
            picture(channels=4).encode(kind)


def test_grey_is_written_as_grey():
    with Image.open(io.BytesIO(picture(channels=1).encode("png"))) as image:
        assert image.mode == "L"
    with Image.open(io.BytesIO(picture(channels=2).encode("tiff"))) as image:
        assert image.mode == "LA"


@pytest.mark.parametrize(("kind", "side"), [("webp", 16384), ("jpeg", 65501)])
def test_sides_that_a_format_cannot_hold(kind, side):
    wide = Picture(np.zeros((1, side, 3), dtype=np.uint8))
    with pytest.raises(LimitError, match="PNG"):
        wide.encode(kind)
    assert wide.encode("png")


def test_exif_too_long_for_jpeg():
    with pytest.raises(LimitError, match="EXIF"):
        Picture(RGB, exif=exif_block() + bytes(70_000)).encode("jpeg")


def test_save_goes_by_the_extension_and_overwrites_only_when_asked(tmp_path):
    made = picture()
    for name, magic in (("a.PNG", b"\x89PNG"), ("a.webp", b"RIFF"), ("a.tif", b"II*\0"), ("a.jpeg", b"\xff\xd8")):
        made.save(tmp_path / name)
        assert (tmp_path / name).read_bytes().startswith(magic)
    with pytest.raises(OutputExistsError):
        made.save(tmp_path / "a.webp")
    made.save(tmp_path / "a.webp", overwrite=True)
    with pytest.raises(UsageError, match=r"\.png"):
        made.save(tmp_path / "a.pgn")
    with pytest.raises(UsageError):
        made.save(tmp_path / "noextension")
    with pytest.raises(UsageError, match="did you mean"):
        made.encode("pngg")


def test_the_record_refuses_what_does_not_fit():
    for arguments in (
        {"rgb": RGB.astype(np.float32)},
        {"rgb": RGB[..., 0]},
        {"rgb": RGB[:0]},
        {"rgb": RGB, "alpha": RGB[:2, :, 0]},
        {"rgb": RGB, "grey": True},
    ):
        with pytest.raises(UsageError):
            Picture(**arguments)


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_arrays_and_pillow_images_go_in_and_out(channels):
    array = pixels(5, 7, channels)
    made = Picture.from_array(array)
    assert np.array_equal(made.samples, array)
    assert same_picture(Picture.from_pil(made.to_pil()), made)
    full = picture(channels=channels, metadata=True)
    assert same_picture(Picture.from_pil(full.to_pil()), full)


def test_from_array_copies_and_refuses():
    array = pixels(2, 2)
    made = Picture.from_array(array)
    array[:] = 0
    assert made.rgb.any()
    assert Picture.from_array(array[..., 0]).grey
    for wrong in (
        np.zeros((2, 2)),
        np.zeros((2, 2, 5), np.uint8),
        np.zeros(4, np.uint8),
        np.zeros((0, 2, 3), np.uint8),
    ):
        with pytest.raises(UnsupportedPictureError, match="array"):
            Picture.from_array(wrong)


def test_from_pil_is_upright_and_refuses_what_read_picture_refuses():
    image = Image.open(io.BytesIO(SMALL["JPEG"]))
    assert Picture.from_pil(image).size == (9, 6)
    assert same_picture(Picture.from_pil(Image.open(io.BytesIO(SMALL["JPEG"]))), read_picture(SMALL["JPEG"]))
    for mode, words in (("CMYK", "CMYK"), ("F", "floating"), ("I;16", "16 bits"), ("HSV", "HSV")):
        with pytest.raises(UnsupportedPictureError, match=words):
            Picture.from_pil(Image.new(mode, (2, 2)))
    with pytest.raises(UnsupportedPictureError, match="frames"):
        Picture.from_pil(Image.open(io.BytesIO(frames("GIF"))))
