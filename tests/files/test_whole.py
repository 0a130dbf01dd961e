"""Half-empty files do not pass as whole; a missing end mark alone is a note."""

from __future__ import annotations

import io
import itertools
import struct
import zlib

import numpy as np
import pytest
from file_samples import pixels, saved
from PIL import Image

from unshrink.errors import LimitError, UnreadableInputError, UnsupportedPictureError
from unshrink.files import jpeg, png
from unshrink.files.picture import read_picture
from unshrink.limits import Limits

LENIENT = Limits(lenient=True)
SMOOTH = np.asarray(Image.fromarray(pixels(6, 8)).resize((128, 96), Image.Resampling.BICUBIC))
RGB = pixels(20, 30)


def png_of_rows(rows: int, *, interlaced: bool = False) -> bytes:
    """A PNG of 20 rows that holds `rows` of them."""
    data = saved(Image.fromarray(RGB), "PNG")
    chunks = png.read_chunks(data, "x")
    raw = b"".join(b"\0" + row.tobytes() for row in RGB[:rows])
    if interlaced:
        order = [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1)]
        passes = [RGB[top::down, left::across] for top, left, down, across in order]
        raw = b"".join(b"\0" + row.tobytes() for one in passes[: 7 if rows == 20 else 5] for row in one)
    head = chunks[0].data[:12] + bytes([interlaced])
    return png.join([png.Chunk(b"IHDR", head), png.Chunk(b"IDAT", zlib.compress(raw)), png.Chunk(b"IEND", b"")])


@pytest.mark.parametrize("interlaced", [False, True])
def test_a_png_of_half_its_rows(interlaced):
    assert np.array_equal(read_picture(png_of_rows(20, interlaced=interlaced)).rgb, RGB)
    half = png_of_rows(10, interlaced=interlaced)
    with pytest.raises(UnreadableInputError, match=r"cut short: it holds \d+ of \d+ bytes.*--lenient"):
        read_picture(half)
    if not interlaced:
        read = read_picture(half, limits=LENIENT)
        assert np.array_equal(read.rgb[:10], RGB[:10])
        assert any("the rest is empty" in note for note in read.notes)


def test_a_png_without_its_end_mark():
    data = saved(Image.fromarray(RGB), "PNG")
    for cut in (12, 8, 4):
        read = read_picture(data[:-cut])
        assert np.array_equal(read.rgb, RGB)
        assert any("end mark is missing" in note for note in read.notes)
    with pytest.raises(UnreadableInputError, match="cut short"):
        read_picture(data[:-13])


def test_a_png_with_a_wrong_checksum_of_its_pixels():
    raw = zlib.compress(b"".join(b"\0" + row.tobytes() for row in RGB))
    head = png.read_chunks(saved(Image.fromarray(RGB), "PNG"), "x")[0]
    data = png.join([head, png.Chunk(b"IDAT", raw[:-4] + bytes(4)), png.Chunk(b"IEND", b"")])
    with pytest.raises(UnreadableInputError, match="do not unpack"):
        read_picture(data)


def test_rows_too_many_in_a_png_are_passed_over():
    assert np.array_equal(read_picture(png_of_rows(20)).rgb, RGB)
    raw = zlib.compress(b"".join(b"\0" + row.tobytes() for row in RGB) + bytes(500))
    head = png.read_chunks(saved(Image.fromarray(RGB), "PNG"), "x")[0]
    data = png.join([head, png.Chunk(b"IDAT", raw), png.Chunk(b"IEND", b"")])
    assert np.array_equal(read_picture(data).rgb, RGB)


def jpeg_data(**options: object) -> bytes:
    return saved(Image.fromarray(SMOOTH), "JPEG", quality=85, **options)


JPEGS = {
    "baseline": jpeg_data(),
    "4:4:4": jpeg_data(subsampling="4:4:4"),
    "progressive": jpeg_data(progressive=True),
    "restarts by block": jpeg_data(restart_marker_blocks=5),
    "restarts by row": jpeg_data(restart_marker_rows=1),
    "grey": saved(Image.fromarray(SMOOTH).convert("L"), "JPEG"),
}


def ended_early(data: bytes, share: float) -> bytes:
    """Its last scan cut, and the end mark put behind it, as a transfer that failed and was repaired leaves it."""
    scans = jpeg.walk(data, "x", max_scans=100).scans
    scan = scans[0]
    return data[: scan.start + int((scan.end - scan.start) * share)].rstrip(b"\xff") + data[scan.end :]


@pytest.mark.parametrize("kind", JPEGS)
def test_a_whole_jpeg_is_read_as_pillow_reads_it(kind):
    data = JPEGS[kind]
    with Image.open(io.BytesIO(data)) as image:
        read = read_picture(data)
        assert np.array_equal(read.rgb, np.asarray(image.convert("RGB")))
        assert not read.notes


@pytest.mark.parametrize("kind", JPEGS)
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_a_jpeg_whose_scan_ends_early(kind, share):
    half = ended_early(JPEGS[kind], share)
    with Image.open(io.BytesIO(half)) as image:
        image.load()  # Pillow alone finds nothing wrong
    with pytest.raises(UnreadableInputError, match=r"ends before its last row.*--lenient"):
        read_picture(half)
    assert any("ends before its last row" in note for note in read_picture(half, limits=LENIENT).notes)


@pytest.mark.parametrize("kind", JPEGS)
def test_a_jpeg_without_its_end_mark(kind):
    read = read_picture(JPEGS[kind][:-2])
    assert np.array_equal(read.rgb, read_picture(JPEGS[kind]).rgb)
    assert any("end mark is missing" in note for note in read.notes)


def test_a_progressive_jpeg_that_is_cut_in_or_behind_any_scan():
    data = JPEGS["progressive"]
    scans = jpeg.walk(data, "x", max_scans=100).scans
    for before, scan in itertools.pairwise(scans):
        for cut in (before.end, scan.start + (scan.end - scan.start) // 2):
            with pytest.raises(UnreadableInputError, match="cut short"):
                read_picture(data[:cut])
    without = data[: scans[-2].end] + data[scans[-1].end :]
    assert any("some of its scans" in note for note in read_picture(without).notes)


@pytest.mark.parametrize("share", [0.3, 0.6, 0.95])
def test_a_jpeg_that_is_cut(share):
    data = JPEGS["baseline"]
    with pytest.raises(UnreadableInputError, match="cut short"):
        read_picture(data[: int(len(data) * share)])


def of_many_scans(number: int) -> bytes:
    """A progressive JPEG with a scan that adds nothing, over and over."""
    data = JPEGS["progressive"]
    scan = jpeg.walk(data, "x", max_scans=100).scans[-1]
    head = data.rindex(b"\xff\xda", 0, scan.start)
    return data[: scan.end] + data[head : scan.end] * number + b"\xff\xd9"


def test_a_jpeg_of_very_many_scans_is_refused_at_once():
    with pytest.raises(LimitError, match="more than 100 scans"):
        read_picture(of_many_scans(10_000))


def test_jpegs_of_other_kinds_are_refused_by_what_they_are():
    data = JPEGS["baseline"]
    at = data.index(b"\xff\xc0")
    twelve = data[: at + 4] + b"\x0c" + data[at + 5 :]
    with pytest.raises(UnsupportedPictureError, match="12 bits"):
        read_picture(twelve)
    with pytest.raises(UnsupportedPictureError, match="lossless JPEG"):
        read_picture(data[: at + 1] + b"\xc3" + data[at + 2 :])


def test_apples_own_png_is_refused_by_name():
    chunks = png.read_chunks(saved(Image.fromarray(RGB), "PNG"), "x")
    data = png.join([png.Chunk(b"CgBI", b"\x50\0\x20\6"), *chunks])
    with pytest.raises(UnsupportedPictureError, match="CgBI"):
        read_picture(data)


def bmp(masks: tuple[int, int, int, int], words: np.ndarray) -> bytes:
    height, width = words.shape
    bits = words.dtype.itemsize * 8
    rows = b"".join(row.tobytes().ljust((width * bits // 8 + 3) // 4 * 4, b"\0") for row in words[::-1])
    head = struct.pack("<IiiHHIIiiII4I", 56, width, height, 1, bits, 3, len(rows), 0, 0, 0, 0, *masks)
    return b"BM" + struct.pack("<IHHI", 14 + len(head) + len(rows), 0, 0, 14 + len(head)) + head + rows


@pytest.mark.parametrize("masks", [(0x7C00, 0x3E0, 0x1F, 0x8000), (0xF00, 0xF0, 0xF, 0xF000), (0x1F, 0x7E0, 0xF800, 0)])
def test_a_bmp_of_16_bits_keeps_every_channel(masks):
    words = np.random.default_rng(1).integers(0, 65536, (5, 7), dtype="<u2")
    expected = []
    for mask in (one for one in masks if one):
        shift = (mask & -mask).bit_length() - 1
        expected.append(np.floor((words & mask).astype(int) / (1 << shift) * 255 / (mask >> shift) + 0.5))
    assert np.array_equal(read_picture(bmp(masks, words)).samples, np.stack(expected, axis=2))
