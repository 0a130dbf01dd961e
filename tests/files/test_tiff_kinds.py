"""TIFF: every kind that is read has the pixels that a second reader has, and every other is refused by what it is."""

from __future__ import annotations

import io
import itertools

import numpy as np
import pytest
import tifffile
from file_samples import pixels, saved
from PIL import Image
from tiff_samples import ASCII, BYTE, LONG, SHORT, deflated_planes, picture_fields, simple, tiff

from unshrink.errors import UnreadableInputError, UnsupportedPictureError
from unshrink.files.picture import Picture, read_picture
from unshrink.limits import Limits

RGB, RGBA, GREY, GREY_ALPHA = (pixels(21, 33, channels) for channels in (3, 4, 1, 2))
PREVIEW = pixels(12, 16)
SENSOR = np.random.default_rng(0).integers(0, 4000, (90, 120, 1), dtype=np.uint16)
MAKE = (ASCII, b"NIKON CORPORATION\0")


def samples_of(picture: Picture) -> np.ndarray:
    return picture.samples


# --- read, and the same as elsewhere --------------------------------------------------------------------------------

LAYOUTS = [
    (channels, planar, compression, tile, order, big)
    for channels, planar in ((1, "contig"), *itertools.product((2, 3, 4), ("contig", "separate")))
    for compression, tile in itertools.product((None, "zlib", "predicted"), (None, (16, 16)))
    for order, big in itertools.product("<>", (False, True))
]


@pytest.mark.parametrize(("channels", "planar", "compression", "tile", "order", "big"), LAYOUTS)
def test_every_layout_has_the_pixels_of_a_second_reader(channels, planar, compression, tile, order, big):
    samples = pixels(21, 33, channels)
    stored = samples[..., 0] if channels == 1 else samples.transpose(2, 0, 1) if planar == "separate" else samples
    stream = io.BytesIO()
    tifffile.imwrite(
        stream, stored, photometric="rgb" if channels > 2 else "minisblack",
        planarconfig=planar if channels > 1 else None, compression="zlib" if compression else None,
        predictor=compression == "predicted", tile=tile, byteorder=order, bigtiff=big,
        extrasamples=["unassalpha"] if channels in (2, 4) else None, metadata=None,
    )  # fmt: skip
    second = tifffile.imread(io.BytesIO(stream.getvalue()))
    second = second.transpose(1, 2, 0) if planar == "separate" else second
    assert np.array_equal(second.reshape(samples.shape), samples)
    assert np.array_equal(read_picture(stream.getvalue()).samples, samples)


@pytest.mark.parametrize(
    "compression", ["tiff_lzw", "tiff_adobe_deflate", "packbits", "group3", "group4", "tiff_ccitt"]
)
def test_bilevel_and_packed_pictures_are_read_as_they_were_written(compression):
    bilevel = compression.startswith(("group", "tiff_ccitt"))
    image = Image.fromarray(RGB).convert("1") if bilevel else Image.fromarray(RGB)
    read = read_picture(saved(image, "TIFF", compression=compression))
    assert np.array_equal(read.samples, np.array(image.convert("L"))[..., None] if bilevel else RGB)


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
@pytest.mark.parametrize("photometric", [0, 1])
def test_grey_of_few_bits_is_stretched_and_white_may_be_zero(bits, photometric):
    values = np.random.default_rng(bits).integers(0, 2**bits, (5, 8), dtype=np.uint8)
    rows = np.packbits(np.unpackbits(values[..., None], axis=2)[..., 8 - bits :].reshape(5, -1), axis=1)
    fields = picture_fields(values[..., None]) | {258: (SHORT, [bits]), 262: (SHORT, [photometric])}
    levels = values.astype(int) * (255 // (2**bits - 1))
    expected = 255 - levels if photometric == 0 else levels
    assert np.array_equal(read_picture(tiff([fields], [rows.tobytes()])).rgb[..., 0], expected)


def test_alpha_of_a_grey_picture_in_planes_is_not_lost():
    read = read_picture(deflated_planes(GREY_ALPHA, [2]))
    assert read.alpha is not None
    assert np.array_equal(read.alpha, GREY_ALPHA[..., 1])
    assert np.array_equal(read.rgb[..., 0], GREY_ALPHA[..., 0])


@pytest.mark.parametrize("channels", [2, 4])
def test_colours_multiplied_by_alpha_are_divided_by_it(channels):
    straight = pixels(21, 33, channels)
    straight[..., -1] |= 128
    alpha = straight[..., -1:].astype(int)
    stored = straight.copy()
    stored[..., :-1] = (straight[..., :-1] * alpha + 127) // 255
    read = read_picture(simple(stored, {338: (SHORT, [1])}))
    assert read.alpha is not None
    assert np.array_equal(read.alpha, straight[..., -1])
    assert np.abs(read.samples.astype(int) - straight).max() <= 1
    assert any("multiplied by alpha" in note for note in read.notes)


def test_big_endian_bigtiff_is_read_upright():
    data = simple(RGB, {274: (SHORT, [6])}, order=">", big=True)
    assert np.array_equal(read_picture(data).rgb, np.rot90(RGB, -1))


def test_a_smaller_copy_behind_the_picture_is_passed_over_with_a_note():
    pages = [picture_fields(RGB), {**picture_fields(PREVIEW), 254: (LONG, [1]), 273: (LONG, [1]), 279: (LONG, [1])}]
    read = read_picture(tiff(pages, [RGB.tobytes(), PREVIEW.tobytes()]))
    assert np.array_equal(read.rgb, RGB)
    assert any("smaller copies" in note for note in read.notes)


# --- refused by what they are ---------------------------------------------------------------------------------------


def raw_like(*, dng: bool, photometric: int = 32803, subfile: int = 1) -> bytes:
    first = {**picture_fields(PREVIEW), 254: (LONG, [subfile]), 271: MAKE, 330: (LONG, [0])}
    first |= {50706: (BYTE, [1, 4, 0, 0])} if dng else {}
    sensor = {**picture_fields(SENSOR), 262: (SHORT, [photometric]), 273: (LONG, [1]), 279: (LONG, [1])}
    return tiff([first], [PREVIEW.tobytes(), SENSOR.tobytes()], below=[sensor])


CR2 = tiff([{**picture_fields(PREVIEW), 273: (LONG, [1]), 279: (LONG, [1])}], [b"CR\x02\0", PREVIEW.tobytes()])


@pytest.mark.parametrize(
    "data",
    [raw_like(dng=True), raw_like(dng=False), raw_like(dng=False, subfile=0), raw_like(dng=False, photometric=1),
     simple(SENSOR, {262: (SHORT, [32803])}), CR2,
     raw_like(dng=False, photometric=1, subfile=0)],
    ids=["dng", "nef", "preview not marked", "sensor not marked", "sensor first", "cr2", "larger below"],
)  # fmt: skip
def test_a_raw_file_is_not_taken_for_its_preview(data):
    with pytest.raises(UnsupportedPictureError, match="is a raw file"):
        read_picture(data)


@pytest.mark.parametrize(
    "magic", [b"IIRO\x08\0\0\0", b"IIU\0\x18\0\0\0", b"FUJIFILMCCD-RAW ", b"\0\0\0\x18ftypcrx ", b"FOVb"]
)
def test_raw_files_that_are_no_tiff_are_refused_by_name(magic):
    with pytest.raises(UnsupportedPictureError, match="camera raw"):
        read_picture(magic + bytes(100))


def test_a_reduced_first_page_is_refused():
    pages = [{**picture_fields(PREVIEW), 254: (LONG, [1])}, {**picture_fields(RGB), 273: (LONG, [1]), 279: (LONG, [1])}]
    with pytest.raises(UnsupportedPictureError, match="reduced copy"):
        read_picture(tiff(pages, [PREVIEW.tobytes(), RGB.tobytes()]))


FLOATS = np.random.default_rng(0).random((4, 5, 3), dtype=np.float32)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (simple(RGBA, {338: (SHORT, [0])}), "not plainly alpha"),
        (simple(RGBA), "not plainly alpha"),
        (simple(GREY_ALPHA), "not plainly alpha"),
        (simple(pixels(5, 6, 5), {338: (SHORT, [2, 0])}), "5 samples per pixel"),
        (simple(FLOATS, {339: (SHORT, [3, 3, 3])}), "floating-point"),
        (simple(FLOATS.astype(np.float64), {339: (SHORT, [3, 3, 3])}), "floating-point"),
        (simple(RGB.astype(np.uint16) * 257), "16 bits"),
        (simple(RGB.astype(np.uint16) * 257, order=">", big=True), "16 bits"),
        (simple(GREY.astype(np.uint32)), "32 bits"),
        (simple(GREY, {339: (SHORT, [2])}), "signed"),
        (simple(RGBA, {262: (SHORT, [5])}), "CMYK"),
        (simple(RGB, {262: (SHORT, [8])}), "LAB"),
        (simple(GREY, {262: (SHORT, [32844])}), "LogL"),
        (simple(RGB, {259: (SHORT, [34712])}), "compression 34712"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_8_bit_grey_or_rgb_cannot_hold_is_refused_by_what_it_is(data, words):
    with pytest.raises(UnsupportedPictureError, match=words):
        read_picture(data)


@pytest.mark.parametrize("compression", ["group3", "group4", "tiff_lzw", "tiff_adobe_deflate"])
def test_damaged_strips_are_refused_and_nothing_is_printed(compression, capfd):
    smooth = np.tile(np.arange(64, dtype=np.uint8) * 4, (64, 1))
    image = Image.fromarray(smooth).convert("1" if compression.startswith("group") else "L")
    data = saved(image, "TIFF", compression=compression)
    with Image.open(io.BytesIO(data)) as opened:
        start, length = opened.tag_v2[273][0], opened.tag_v2[279][0]
    damaged = data[: start + length // 2] + b"\x5a" * (length - length // 2) + data[start + length :]
    with pytest.raises(UnreadableInputError):
        read_picture(damaged)
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("rows", [16, 64])
@pytest.mark.parametrize("share", [0.3, 0.8])
def test_jpeg_strips_that_end_early_are_refused(rows, share):
    smooth = np.asarray(Image.fromarray(pixels(6, 6)).resize((64, 64), Image.Resampling.BICUBIC))
    data = saved(Image.fromarray(smooth), "TIFF", compression="jpeg", strip_size=64 * 3 * rows)
    with Image.open(io.BytesIO(data)) as opened:
        start, length = opened.tag_v2[273][-1], opened.tag_v2[279][-1]
    assert read_picture(data).size == (64, 64)
    at = start + int(length * share)
    half = data[:at].rstrip(b"\xff")
    half += b"\xff\xd9".ljust(start + length - len(half), b"\0") + data[start + length :]
    with pytest.raises(UnreadableInputError, match=r"a strip of it ends.*--lenient"):
        read_picture(half)
    assert any("ends before its last row" in note for note in read_picture(half, limits=Limits(lenient=True)).notes)


def test_standard_error_is_as_it_was_afterwards(capfd):
    import os

    read_picture(saved(Image.fromarray(RGB), "TIFF", compression="tiff_lzw"))
    os.write(2, b"still here")
    assert capfd.readouterr().err == "still here"
