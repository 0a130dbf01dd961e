"""Whole round trips of files that pictures used to be lost by: hidden colours, edited metadata, orientation."""

from __future__ import annotations

import io
import struct
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image, ImageDraw

import unshrink
from unshrink.errors import EditedLRFileError
from unshrink.files import lrfile, png, webp
from unshrink.files.hidden import with_hidden_filled
from unshrink.files.lrfile import LRFile
from unshrink.files.picture import Picture, read_picture


def disc(size: int = 96) -> np.ndarray:
    """Alpha of a disc with a soft edge."""
    large = Image.new("L", (size * 4, size * 4))
    ImageDraw.Draw(large).ellipse([40, 40, size * 4 - 40, size * 4 - 40], fill=255)
    return np.array(large.resize((size, size), Image.Resampling.BOX))


def on(picture: Picture, ground: int) -> np.ndarray:
    """The picture laid over one grey."""
    alpha = picture.alpha[..., None].astype(float) / 255 if picture.alpha is not None else 1.0
    return picture.rgb * alpha + ground * (1 - alpha)


def with_hidden(colour: int | None, shown: tuple[int, int, int]) -> Picture:
    alpha = disc()
    rgb = np.empty((*alpha.shape, 3), np.uint8)
    rgb[:] = shown
    noise = np.random.default_rng(0).integers(0, 256, rgb.shape, dtype=np.uint8)
    rgb[alpha == 0] = noise[alpha == 0] if colour is None else colour
    return Picture(rgb, alpha=alpha)


# --- colours under alpha --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("hidden", "shown"), [(0, (255, 255, 255)), (255, (0, 0, 0)), (None, (220, 30, 30))])
def test_hidden_colours_do_not_bleed_into_edges(hidden, shown):
    original = with_hidden(hidden, shown)
    small = unshrink.down(original, scale=4)
    restored = unshrink.up(small)
    assert np.array_equal(restored.alpha, original.alpha)
    for made in (small.lrfile.picture, restored):
        seen = made.alpha > 0
        assert np.abs(made.rgb[seen].astype(int) - shown).max() <= 8


def test_filling_takes_the_nearest_colours_that_can_be_seen_and_shows_the_same():
    original = with_hidden(None, (220, 30, 30))
    filled = with_hidden_filled(original)
    assert (filled.rgb == (220, 30, 30)).all()
    assert np.array_equal(on(filled, 90), on(original, 90))
    opaque = Picture(original.rgb)
    assert with_hidden_filled(opaque) is opaque
    unseen = replace(original, alpha=np.zeros_like(original.alpha))
    assert with_hidden_filled(unseen) is unseen


@pytest.mark.parametrize("size", [(1, 1), (1, 7), (3, 2), (257, 5), (5, 513)])
def test_filling_leaves_what_is_seen_at_any_size(size):
    rng = np.random.default_rng(0)
    alpha = np.where(rng.random(size) < 0.7, 0, rng.integers(0, 256, size)).astype(np.uint8)
    alpha.flat[0] = 9
    picture = Picture(rng.integers(0, 256, (*size, 3), dtype=np.uint8), alpha=alpha)
    filled = with_hidden_filled(picture)
    assert np.array_equal(filled.rgb[alpha > 0], picture.rgb[alpha > 0])
    seen = picture.rgb[alpha > 0]
    assert (filled.rgb >= seen.min(axis=0)).all()
    assert (filled.rgb <= seen.max(axis=0)).all()


def test_hidden_colours_can_be_kept():
    original = with_hidden(0, (255, 255, 255))
    restored = unshrink.up(unshrink.down(original, scale=4, keep_hidden=True))
    assert np.abs(restored.rgb[:8, :8].astype(int)).max() <= 16


# --- an edit of metadata --------------------------------------------------------------------------------------------


def exif(**tags: str) -> bytes:
    made = Image.Exif()
    for number, text in ((0x010E, tags.get("description")), (0x013B, tags.get("artist"))):
        if text is not None:
            made[number] = text
    return made.tobytes().removeprefix(b"Exif\0\0")


def with_exif(data: bytes, block: bytes) -> bytes:
    """The file with another EXIF block, as an ordinary program that edits metadata leaves it."""
    if data.startswith(b"\x89PNG"):
        chunks = [chunk for chunk in png.read_chunks(data, "x") if chunk.kind != b"eXIf"]
        return png.join([*chunks[:-1], png.Chunk(b"eXIf", block), chunks[-1]])
    chunks = webp.read_chunks(data, "x")
    return webp.join([webp.Chunk(kind, block if kind == b"EXIF" else held) for kind, held in chunks])


PHOTO = Picture(
    np.array(Image.fromarray(np.random.default_rng(3).integers(0, 256, (9, 12, 3), dtype=np.uint8)).resize((92, 70))),
    exif=exif(description="a harbour"),
)


@pytest.mark.parametrize("container", ["png", "webp"])
def test_an_edit_of_metadata_brings_back_the_same_pixels_and_the_edited_metadata(container):
    data = unshrink.down(PHOTO, scale=4).encode(container)
    before, after = unshrink.up(data), unshrink.up(with_exif(data, exif(artist="me")))
    assert np.array_equal(after.rgb, before.rgb)
    assert before.exif == PHOTO.exif
    assert after.exif == exif(artist="me")
    assert not before.notes
    assert any("was edited" in note for note in after.notes)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_an_orientation_given_to_the_small_file_turns_what_is_restored(orientation):
    data = unshrink.down(PHOTO, scale=4).encode("png")
    block = struct.pack("<2sHIHHHIHHI", b"II", 42, 8, 1, 0x112, 3, 1, orientation, 0, 0)
    before, after = unshrink.up(data), unshrink.up(with_exif(data, block))
    image = Image.fromarray(before.rgb)
    image.getexif()[0x112] = orientation
    from PIL import ImageOps

    assert np.array_equal(after.rgb, np.asarray(ImageOps.exif_transpose(image)))


def test_a_tiff_that_another_program_wrote_anew_with_our_tag_restores():
    data = unshrink.down(PHOTO, scale=4).encode("tiff")
    stream = io.BytesIO()
    with Image.open(io.BytesIO(data)) as image:
        body = image.tag_v2[65107]
        image.save(stream, "TIFF", compression="tiff_lzw", tiffinfo={65107: body, 270: "another"})
    again = unshrink.up(stream.getvalue())
    assert np.array_equal(again.rgb, unshrink.up(data).rgb)
    assert any("was edited" in note for note in again.notes)


@pytest.mark.parametrize("container", ["png", "webp", "tiff"])
def test_an_edit_of_one_pixel_forfeits_the_detail_as_before(container):
    made = unshrink.down(PHOTO, scale=4, model="irn-q-x4").lrfile
    rgb = made.picture.rgb.copy()
    rgb[0, 0, 0] ^= 1
    edited = lrfile.encode(LRFile(replace(made.picture, rgb=rgb), made.header, made.sections), container)
    whole = lrfile.encode(made, container)
    assert unshrink.up(edited) is not None  # sealed anew, it is another file
    forged = _body_of(whole, edited, container)
    with pytest.raises(EditedLRFileError, match="pixels"):
        unshrink.up(forged)


def _body_of(whole: bytes, shown: bytes, container: str) -> bytes:
    """`shown` with the body of `whole`."""
    if container == "png":
        body = [chunk for chunk in png.read_chunks(whole, "x") if chunk.kind == b"unSH"]
        rest = [chunk for chunk in png.read_chunks(shown, "x") if chunk.kind != b"unSH"]
        return png.join(png.insert_before_pixels(rest, body))
    if container == "webp":
        body = webp.only(webp.read_chunks(whole, "x"), b"unSH")
        return webp.join(webp.Chunk(k, body if k == b"unSH" else d) for k, d in webp.read_chunks(shown, "x"))
    from unshrink.files import tiff

    bodies = [tiff.first_directory(data)[tiff.BODY_TAG] for data in (whole, shown)]
    held = whole[bodies[0].start : bodies[0].end]
    return shown[: bodies[1].start] + held.ljust(bodies[1].end - bodies[1].start, b"\0") + shown[bodies[1].end :]


def test_a_body_behind_the_pixels_is_found_everywhere():
    data = unshrink.down(PHOTO, scale=4).encode("png")
    chunks = png.read_chunks(data, "x")
    body = [chunk for chunk in chunks if chunk.kind == b"unSH"]
    moved = png.join([*(chunk for chunk in chunks[:-1] if chunk.kind != b"unSH"), *body, chunks[-1]])
    assert lrfile.is_lrfile(moved)
    assert lrfile.verify(moved)["intact"]
    assert np.array_equal(unshrink.up(moved).rgb, unshrink.up(data).rgb)
    assert not lrfile.is_lrfile(lrfile.strip(moved))


def test_metadata_can_be_left_out():
    small = unshrink.down(PHOTO, scale=4, strip_metadata=True)
    assert unshrink.up(small).exif is None
    assert read_picture(small.encode("png")).exif is None
