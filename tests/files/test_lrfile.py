from __future__ import annotations

import hashlib
import io
import json
from dataclasses import replace

import numpy as np
import pytest
from file_samples import ICC, exif_block, header, lrfile, picture, pixels, same_lrfile, same_picture, saved
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from unshrink import files
from unshrink.errors import (
    DamagedLRFileError,
    EditedLRFileError,
    LimitError,
    LRFileError,
    NewerFormatError,
    NotAnLRFileError,
    UnreadableInputError,
    UnshrinkError,
    UsageError,
)
from unshrink.files import LRFile, Picture, png, tiff, webp
from unshrink.files.body import unpack
from unshrink.files.tiffpixels import tiff_bytes
from unshrink.limits import DEFAULT_LIMITS, Limits

CONTAINERS = ("png", "webp", "tiff")
in_each_container = pytest.mark.parametrize("container", CONTAINERS)


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
    assert same_lrfile(files.decode(files.encode(made, container)), made)


@in_each_container
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_any_viewer_shows_the_lr_picture(container, channels):
    made = lrfile(channels)
    data = files.encode(made, container)
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
        assert same_lrfile(files.decode(files.encode(made, container)), made)


def test_a_payload_of_several_chunks():
    body = pixels(1, 50_000)[0].tobytes()
    made = lrfile(sections={"LATN": body})
    small = Limits(chunk_bytes=4000)
    chunks = png.read_chunks(files.encode(made, "png", limits=small), "x")
    kinds = [chunk.kind for chunk in chunks]
    assert kinds.count(b"unSH") == 38
    assert max(i for i, kind in enumerate(kinds) if kind == b"unSH") < kinds.index(b"IDAT")
    assert files.decode(files.encode(made, limits=small)).sections["LATN"] == body


# --- any flipped byte, any truncation -------------------------------------------------------------------------------


def outcome_is_honest(data: bytes, original: LRFile) -> bool:
    try:
        return same_lrfile(files.decode(data), original)
    except UnshrinkError as error:
        return str(error) != "" and "\n" not in str(error)


@in_each_container
@pytest.mark.parametrize("channels", [1, 4])
def test_every_flipped_byte_is_an_error_or_changes_nothing(container, channels):
    made = lrfile(channels)
    data = files.encode(made, container)
    for at in range(len(data)):
        for mask in (0x01, 0x10, 0xFF):
            flipped = bytearray(data)
            flipped[at] ^= mask
            assert outcome_is_honest(bytes(flipped), made), (at, mask)


@in_each_container
def test_every_truncation_is_an_error_or_changes_nothing(container):
    made = lrfile()
    data = files.encode(made, container)
    for length in range(len(data)):
        assert outcome_is_honest(data[:length], made), length
    with pytest.raises(UnshrinkError):
        files.decode(data[:-2])


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
    files.is_lrfile(bytes(changed))  # never raises


ORIGINAL = lrfile(4)
ENCODED = {container: files.encode(ORIGINAL, container) for container in CONTAINERS}


@pytest.mark.parametrize("container", ["png"])
def test_a_flipped_byte_in_the_payload_is_called_damage(container):
    data = bytearray(ENCODED[container])
    data[data.index(b"unSH") + 20] ^= 1
    with pytest.raises(DamagedLRFileError, match="damaged"):
        files.decode(bytes(data))


@in_each_container
def test_a_wrong_digest_is_called_damage_though_the_container_is_sound(container):
    with pytest.raises(DamagedLRFileError):
        files.decode(with_body(ENCODED[container], lambda body: body[:-40] + bytes([body[-40] ^ 1]) + body[-39:]))


# --- told apart -----------------------------------------------------------------------------------------------------


def with_body(data: bytes, change) -> bytes:
    """Return an LR file with its body changed and every checksum of its container right."""
    if data.startswith(b"\x89PNG"):
        chunks = png.read_chunks(data, "x")
        body = change(png.join_body(chunks, DEFAULT_LIMITS, "x"))
        rest = [chunk for chunk in chunks if chunk.kind != b"unSH"]
        return png.join(png.insert_before_pixels(rest, png.body_chunks(body, DEFAULT_LIMITS)))
    if data.startswith(b"RIFF"):
        chunks = webp.read_chunks(data, "x")
        return webp.join(webp.Chunk(k, change(d)) if k == b"unSH" else webp.Chunk(k, d) for k, d in chunks)
    entry = tiff.first_directory(data)[tiff.BODY_TAG]
    body = change(data[entry.start : entry.end])
    return data[: entry.start] + body.ljust(entry.end - entry.start, b"\0") + data[entry.end :]


def signed(body: bytes) -> bytes:
    return body[:-32] + hashlib.sha256(body[:-32]).digest()


def with_pixels(container: str, change) -> bytes:
    """Return the file with the body of ``ORIGINAL`` around other pixels."""
    body = body_of(ENCODED[container])
    lr = change(ORIGINAL.picture)
    return (
        with_body(files.encode(LRFile(lr, header(lr)), container), lambda old: body)
        if container != "tiff"
        else (tiff_bytes(lr.samples, icc=lr.icc, exif=lr.exif, kept=(), body=body))
    )


def body_of(data: bytes) -> bytes:
    found: list[bytes] = []
    with_body(data, lambda body: found.append(body) or body)
    return found[0]


@in_each_container
def test_painted_cropped_and_retagged_files_are_called_edited(container):
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

    changes = [(painted, "pixels"), (veiled, "pixels"), (cropped, "size"),
               (lambda lr: replace(lr, icc=b"another"), "profile")]  # fmt: skip
    if container != "tiff":
        changes += [(lambda lr: replace(lr, exif=None), "EXIF")]
    for change, words in changes:
        with pytest.raises(EditedLRFileError, match=rf"edited.*{words}.*--plain"):
            files.decode(with_pixels(container, change))


def test_a_grey_file_made_colourful_and_an_opaque_one_made_transparent():
    grey, colour, clear = lrfile(1, metadata=False), lrfile(3, metadata=False), lrfile(4, metadata=False)
    for made, shown in ((grey, colour), (colour, clear)):
        body = body_of(files.encode(made))
        with pytest.raises(EditedLRFileError):
            files.decode(with_body(files.encode(shown), lambda old, body=body: body))


def test_an_optimiser_that_keeps_pixels_and_chunks_is_welcome():
    lr = Picture(np.zeros((5, 7, 3), np.uint8), alpha=np.full((5, 7), 255, np.uint8))
    made = LRFile(lr, header(lr))
    opaque = saved(Image.new("1", (7, 5)), "PNG")
    body = body_of(files.encode(made))
    chunks = png.insert_before_pixels(png.read_chunks(opaque, "x"), png.body_chunks(body, DEFAULT_LIMITS))
    assert same_lrfile(files.decode(png.join(chunks)), made)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "TIFF", "GIF"])
def test_a_foreign_picture_is_no_lr_file(kind):
    data = saved(Image.fromarray(pixels(5, 7)), kind)
    assert not files.is_lrfile(data)
    for function in (files.decode, files.strip, files.inspect, files.verify):
        with pytest.raises(NotAnLRFileError, match=r"photo\.png is a picture, but not an LR file.*--plain"):
            function(data, name="photo.png")


def test_what_is_no_picture_is_unreadable_rather_than_no_lr_file():
    for data in (b"", b"text", b"II*\0" + bytes(20), saved(Image.new("L", (9, 9)), "PNG")[:-9]):
        assert not files.is_lrfile(data)
        with pytest.raises(UnreadableInputError):
            files.decode(data)


@in_each_container
def test_a_later_version_is_named(container):
    later = with_body(ENCODED[container], lambda body: signed(body[:4] + b"\x02" + body[5:]))
    for function in (files.decode, files.inspect):
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
        files.decode(nonsense)


@pytest.mark.parametrize("body", [b"", b"UNSH", bytes(32), signed(b"UNSH\x01" + bytes(32)), b"x" * 500])
def test_bodies_too_short_to_be_one(body):
    for trusting in (False, True):
        with pytest.raises(DamagedLRFileError):
            unpack(body, limits=DEFAULT_LIMITS, trusting=trusting)


# --- limits ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "limits",
    [Limits(max_lr_pixels=34), Limits(max_hr_pixels=19 * 25 - 1), Limits(max_payload_bytes=1),
     Limits(max_header_bytes=50), Limits(max_chunks=2, chunk_bytes=100), Limits(max_metadata_bytes=50)],
)  # fmt: skip
def test_limits_hold_on_the_way_out_and_on_the_way_in(limits):
    made = lrfile()
    with pytest.raises(LimitError):
        files.encode(made, limits=limits)
    chunked = files.encode(made, limits=Limits(chunk_bytes=100))
    with pytest.raises(LimitError):
        files.decode(chunked, limits=limits)


def test_a_declared_giant_is_refused_before_pixels_are_allocated(monkeypatch):
    def giant(body: bytes) -> bytes:
        return signed(body[:8] + (60_000).to_bytes(4) * 2 + body[16:])

    monkeypatch.setattr(Image.core, "new", lambda *a: pytest.fail("pixels were allocated"))
    with pytest.raises(LimitError):
        files.decode(with_body(ENCODED["webp"], giant))


def test_webp_sides_are_refused_before_writing():
    lr = Picture(np.zeros((1, 16_384, 3), np.uint8))
    with pytest.raises(LimitError, match="16383"):
        files.encode(LRFile(lr, header(lr)), "webp")


def test_what_does_not_belong_together():
    lr = picture()
    with pytest.raises(UsageError, match="shrunk by"):
        LRFile(lr, header(lr, size=(100, 100)))
    with pytest.raises(UsageError, match="reserved"):
        LRFile(lr, header(lr), {"EXIF": b""})
    with pytest.raises(UsageError, match="did you mean 'tiff'"):
        files.encode(lrfile(), "tif")
    with pytest.raises(TypeError):
        lrfile().sections["ALPH"] = b""  # type: ignore[index]


# --- strip, inspect, verify -----------------------------------------------------------------------------------------


@in_each_container
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_strip_leaves_the_picture_and_nothing_of_ours(container, channels):
    made = lrfile(channels, sections={"LATN": b"secret detail"})
    clean = files.strip(files.encode(made, container))
    assert not files.is_lrfile(clean)
    assert b"secret detail" not in clean
    assert b"lite-x4" not in clean
    read = files.read_picture(clean)
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
        clean = files.strip(data)
        assert not files.is_lrfile(clean)
        assert files.read_picture(clean).size == (5, 7)


@in_each_container
def test_inspect_tells_what_the_file_says_of_itself(container):
    made = lrfile(2, sections={"ALPH": b"12345", "LATN": b"123"})
    data = files.encode(made, container)
    report = files.inspect(data)
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
    assert files.verify(data) == report


@in_each_container
def test_inspect_looks_into_edited_and_damaged_files_that_verify_refuses(container):
    edited = with_pixels(container, lambda lr: replace(lr, rgb=lr.rgb ^ 1))
    assert files.inspect(edited)["intact"] is True
    damaged = with_body(ENCODED[container], lambda body: body[:-1] + bytes([body[-1] ^ 1]))
    assert files.inspect(damaged)["intact"] is False
    for data in (edited, damaged):
        with pytest.raises(LRFileError):
            files.verify(data)


def test_the_picture_of_an_lr_file_reads_as_a_picture():
    for container in CONTAINERS:
        assert np.array_equal(files.read_picture(ENCODED[container]).samples, ORIGINAL.picture.samples)
    assert same_picture(files.read_picture(ENCODED["png"]), ORIGINAL.picture)
