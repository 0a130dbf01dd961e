"""EXIF, XMP and resolution come along in every format; what does not is named."""

from __future__ import annotations

import io
import struct
import zlib
from dataclasses import replace

import numpy as np
import pytest
from file_samples import exif_block, header, in_each_container, picture, pixels, saved
from PIL import Image
from tiff_samples import ASCII, LONG, SHORT, simple

from unshrink.files import exif, png, tiff
from unshrink.files.lrfile import LRFile, decode, encode
from unshrink.files.picture import Picture, read_picture

RGB = pixels(30, 40)
XMP = b'<?xpacket begin=""?><x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:Description tiff:Orientation="6"/></x:xmpmeta>'
WRITTEN = ("png", "webp", "tiff", "jpeg")


def portrait_exif(orientation: int = 6, *, sides: tuple[int, int] = (40, 30)) -> bytes:
    """A block as phones write it: orientation, sides (width, height), and a preview that lies as the pixels do."""
    preview = saved(Image.fromarray(RGB[::3, ::3]), "JPEG")
    head = struct.pack("<2sHI", b"II", 42, 8)
    first = struct.pack("<H", 2) + struct.pack("<HHIHH", 0x112, SHORT, 1, orientation, 0)
    first += struct.pack("<HHII", 0x8769, LONG, 1, 38) + struct.pack("<I", 68)
    sub = struct.pack("<H", 2) + struct.pack("<HHIHH", 0xA002, SHORT, 1, sides[0], 0)
    sub += struct.pack("<HHII", 0xA003, LONG, 1, sides[1]) + bytes(4)
    second = struct.pack("<H", 2) + struct.pack("<HHII", 0x201, LONG, 1, 98)
    second += struct.pack("<HHII", 0x202, LONG, 1, len(preview)) + bytes(4)
    return head + first + sub + second + preview


def sides_in(block: bytes | None) -> tuple[int, int]:
    """Width and height that the block states."""
    tags = Image.Exif()
    tags.load(block)
    found = tags.get_ifd(0x8769)
    return found[0xA002], found[0xA003]


def full() -> Picture:
    return Picture(RGB, exif=exif_block(), xmp=XMP, dpi=(300.0, 150.0))


# --- kept -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", WRITTEN)
def test_exif_xmp_and_resolution_come_along(kind):
    read = read_picture(full().encode(kind))
    assert read.xmp == XMP
    assert read.dpi == pytest.approx((300, 150), abs=0.02)
    tags = Image.Exif()
    tags.load(read.exif)
    assert tags[0x010E] == "a harbour at dawn"
    assert not read.notes


@pytest.mark.parametrize("kind", WRITTEN)
def test_other_programs_find_them(kind):
    with Image.open(io.BytesIO(full().encode(kind))) as image:
        image.load()
        assert image.info.get("xmp", b"") in (XMP, XMP.decode())
        dpi = image.info.get("dpi") or (image.getexif()[282], image.getexif()[283])
        assert tuple(map(float, dpi)) == pytest.approx((300, 150), abs=0.02)


@in_each_container
def test_they_come_along_in_an_lr_file(container):
    lr = replace(picture(metadata=True), xmp=XMP, dpi=(300.0, 300.0))
    read = decode(encode(LRFile(lr, header(lr)), container)).picture
    assert read.xmp == XMP
    assert read.dpi == pytest.approx((300, 300), abs=0.01)
    assert not read.notes


def test_without_metadata_only_the_profile_stays():
    bare = replace(full(), icc=b"p" * 130).without_metadata()
    assert (bare.exif, bare.xmp, bare.dpi) == (None, None, None)
    assert bare.icc == b"p" * 130


@pytest.mark.parametrize("unit", [2, 3])
def test_resolution_of_a_tiff(unit):
    fields = {
        282: (5, struct.pack("<II", 300, 1)),
        283: (5, struct.pack("<II", 600, 2)),
        296: (SHORT, struct.pack("<H", unit)),
    }
    data = tiff.with_entries(simple(RGB), fields, keep=True)
    assert read_picture(data).dpi == pytest.approx((300, 300) if unit == 2 else (762, 762))


def test_resolution_is_added_to_a_block_without_moving_anything_in_it():
    block = exif_block()
    changed = exif.with_resolution(block, (300.0, 300.0))
    assert changed is not None
    assert exif.resolution(changed) == (300, 300)
    assert changed[8 : len(block)] == block[8:]
    assert exif.with_resolution(changed, (300.0, 300.0)) == changed


# --- how the pixels lie ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_sides_in_exif_are_those_of_the_picture_and_a_sideways_preview_goes(kind, orientation):
    block = portrait_exif(orientation)
    read = read_picture(saved(Image.fromarray(RGB), kind, exif=b"Exif\0\0" + block))
    assert read.size == ((40, 30) if orientation >= 5 else (30, 40))
    assert sides_in(read.exif) == (read.width, read.height)
    assert exif.has_preview(read.exif) == (orientation == 1)
    assert exif.orientation(read.exif) == 1
    assert (b"\xff\xd8" in (read.exif or b"")) == (orientation == 1)
    assert any("preview in its EXIF" in note for note in read.notes) == (orientation != 1)


def test_sides_follow_the_picture_into_the_small_file_and_back():
    block = portrait_exif(1)
    lr = Picture(RGB[:10, :8], exif=block)
    assert sides_in(lr.exif) == (8, 10)
    assert sides_in(Picture(np.zeros((70_000, 1, 3), np.uint8), exif=lr.exif).exif) == (1, 70_000)


def test_orientation_in_xmp_is_upright_once_the_pixels_are():
    data = saved(Image.fromarray(RGB), "JPEG", exif=b"Exif\0\0" + portrait_exif(6), xmp=XMP)
    read = read_picture(data)
    assert read.xmp == XMP.replace(b'"6"', b'"1"')


@pytest.mark.parametrize("compressed", [False, True])
def test_exif_in_a_text_chunk_is_read(compressed):
    block = b"Exif\0\0" + portrait_exif(6)
    digits = block.hex()
    lines = "\n".join(digits[at : at + 72] for at in range(0, len(digits), 72))
    text = f"\nexif\n{len(block):8d}\n{lines}\n".encode()
    key = b"Raw profile type exif\0"
    chunk = png.Chunk(b"zTXt", key + b"\0" + zlib.compress(text)) if compressed else png.Chunk(b"tEXt", key + text)
    chunks = png.read_chunks(saved(Image.fromarray(RGB), "PNG"), "x")
    read = read_picture(png.join(png.insert_before_pixels(chunks, [chunk])))
    assert np.array_equal(read.rgb, np.rot90(RGB, -1))
    assert sides_in(read.exif) == (30, 40)


# --- named where it is not kept -------------------------------------------------------------------------------------


def with_segment(marker: int, data: bytes) -> bytes:
    jpeg = saved(Image.fromarray(RGB), "JPEG")
    return jpeg[:2] + struct.pack(">BBH", 0xFF, marker, len(data) + 2) + data + jpeg[2:]


def with_text(key: bytes) -> bytes:
    chunks = png.read_chunks(saved(Image.fromarray(RGB), "PNG"), "x")
    return png.join(png.insert_before_pixels(chunks, [png.Chunk(b"tEXt", key + b"\0hello")]))


def phone_picture() -> bytes:
    return saved(Image.fromarray(RGB), "MPO", save_all=True, append_images=[Image.fromarray(RGB[::2, ::2])])


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (with_segment(0xED, b"Photoshop 3.0\0" + bytes(40)), "IPTC"),
        (with_segment(0xE1, b"http://ns.adobe.com/xmp/extension/\0" + bytes(90)), "second part of its XMP"),
        (phone_picture(), "further pictures"),
        (saved(Image.fromarray(RGB), "JPEG") + b"\0\0\0\x18ftypmp42" + bytes(90), "motion clip"),
        (with_text(b"parameters"), "text is not kept (parameters)"),
        (with_text(b"Raw profile type iptc"), "(IPTC)"),
        (simple(RGB, {33723: (ASCII, b"\x1c\2\0\0\0")}), "IPTC"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_not_kept_is_named(data, words):
    notes = read_picture(data).notes
    assert any(words in note for note in notes), notes
