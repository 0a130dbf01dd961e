"""What says how colours are meant comes along in every container, whatever way a file says it."""

from __future__ import annotations

import io
import struct

import numpy as np
import pytest
from file_samples import pixels, saved
from PIL import Image, ImageCms

from unshrink.errors import UnsupportedPictureError
from unshrink.files import colour, png
from unshrink.files.picture import Picture, read_picture

RGB = pixels(6, 9)
GREY = pixels(6, 9, 1)
WRITTEN = ("png", "webp", "tiff", "jpeg")
SRGB_POINTS = (0.3127, 0.329, 0.64, 0.33, 0.3, 0.6, 0.15, 0.06)
P3_POINTS = (0.3127, 0.329, 0.68, 0.32, 0.265, 0.69, 0.15, 0.06)


def with_chunks(samples: np.ndarray, *extra: tuple[bytes, bytes]) -> bytes:
    image = Image.fromarray(samples[..., 0] if samples.shape[2] == 1 else samples)
    chunks = png.read_chunks(saved(image, "PNG"), "x")
    return png.join(png.insert_before_pixels(chunks, [png.Chunk(kind, data) for kind, data in extra]))


def gamma(value: float) -> tuple[bytes, bytes]:
    return b"gAMA", struct.pack(">I", round(value * 100_000))


def points(values: tuple[float, ...]) -> tuple[bytes, bytes]:
    return b"cHRM", struct.pack(">8I", *(round(value * 100_000) for value in values))


def shown(picture: Picture) -> np.ndarray:
    """The pixels as a viewer that heeds profiles shows them on an sRGB screen."""
    if picture.icc is None:
        return picture.rgb
    image = Image.fromarray(picture.rgb[..., 0] if picture.grey else picture.rgb)
    profile = ImageCms.ImageCmsProfile(io.BytesIO(picture.icc))
    srgb = ImageCms.createProfile("sRGB")
    return np.asarray(ImageCms.profileToProfile(image, profile, srgb, renderingIntent=1, outputMode="RGB"))


def to_srgb(light: np.ndarray) -> np.ndarray:
    light = light.clip(0, 1)
    return np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055) * 255


def from_srgb(values: np.ndarray) -> np.ndarray:
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


P3_TO_SRGB = np.array([[1.2249, -0.2247, 0.0], [-0.0420, 1.0419, 0.0], [-0.0197, -0.0786, 1.0979]])
"""Of linear light; the two have one white."""
PLAIN = RGB / 255
CASES = {
    "gamma 0.55": (with_chunks(RGB, gamma(0.55)), to_srgb(PLAIN ** (1 / 0.55))),
    "gamma 0.55 and primaries": (with_chunks(RGB, gamma(0.55), points(SRGB_POINTS)), to_srgb(PLAIN ** (1 / 0.55))),
    "linear": (with_chunks(RGB, gamma(1.0)), to_srgb(PLAIN)),
    "as sRGB": (with_chunks(RGB, gamma(0.45455), points(SRGB_POINTS)), RGB),
    "sRGB": (with_chunks(RGB, (b"sRGB", b"\0")), RGB),
    "P3": (with_chunks(RGB, (b"cICP", bytes([12, 13, 0, 1]))), to_srgb(from_srgb(PLAIN) @ P3_TO_SRGB.T)),
    "P3 primaries": (
        with_chunks(RGB, gamma(0.45455), points(P3_POINTS)), to_srgb(PLAIN ** (1 / 0.45455) @ P3_TO_SRGB.T)
    ),
    "cICP before iCCP": (with_chunks(RGB, (b"cICP", bytes([1, 13, 0, 1])), (b"gAMA", struct.pack(">I", 1))), RGB),
    "grey": (with_chunks(GREY, gamma(0.55)), to_srgb((np.repeat(GREY, 3, axis=2) / 255) ** (1 / 0.55))),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_colours_that_a_png_states_without_a_profile_are_shown_the_same(case):
    data, expected = CASES[case]
    assert np.abs(shown(read_picture(data)).astype(float) - expected).max() <= 1.5


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("kind", WRITTEN)
def test_they_come_along_in_every_format(case, kind):
    first = read_picture(CASES[case][0])
    again = read_picture(first.encode(kind))
    assert np.abs(shown(again).astype(int) - shown(first)).max() <= (1 if kind != "jpeg" else 60)
    assert again.icc == (colour.coloured(first.icc) if kind == "webp" else first.icc)
    assert (first.icc or b"")[16:20] == (b"GRAY" if first.grey else b"RGB ")


def test_srgb_is_said_in_thirteen_bytes_in_a_png():
    data = read_picture(CASES["sRGB"][0]).encode("png")
    kinds = [chunk.kind for chunk in png.read_chunks(data, "x")]
    assert b"sRGB" in kinds
    assert b"iCCP" not in kinds


@pytest.mark.parametrize(("transfer", "name"), [(16, "PQ"), (18, "HLG")])
def test_hdr_is_refused_by_name(transfer, name):
    with pytest.raises(UnsupportedPictureError, match=rf"HDR picture \({name}\)"):
        read_picture(with_chunks(RGB, (b"cICP", bytes([9, transfer, 0, 1]))))


def avif(primaries: int, transfer: int) -> bytes:
    data = saved(Image.fromarray(RGB), "AVIF", quality=100, subsampling="4:4:4")
    at = data.index(b"colrnclx") + 8
    return data[:at] + struct.pack(">HH", primaries, transfer) + data[at + 4 :]


def test_the_numbered_colours_of_an_avif_become_a_profile():
    read = read_picture(avif(12, 13))
    assert colour.describe(read.icc) == "Display P3"
    expected = to_srgb(from_srgb(read.rgb / 255) @ P3_TO_SRGB.T)
    assert np.abs(shown(read).astype(float) - expected).max() <= 1.5
    assert read_picture(avif(2, 2)).icc is None
    with pytest.raises(UnsupportedPictureError, match="HLG"):
        read_picture(avif(9, 18))


def test_a_grey_picture_keeps_the_curve_of_an_rgb_profile():
    data = saved(Image.fromarray(GREY[..., 0]), "PNG", icc_profile=colour.gamma_profile(0.55, None, grey=False))
    read = read_picture(data)
    assert any("a grey one with the same curve" in note for note in read.notes)
    assert np.abs(shown(read).astype(float) - CASES["grey"][1]).max() <= 1.5


def test_a_grey_jpeg_with_the_srgb_profile_of_littlecms_is_shown_as_before():
    data = saved(
        Image.fromarray(GREY[..., 0]),
        "JPEG",
        icc_profile=ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes(),
    )
    read = read_picture(data)
    assert (read.icc or b"")[16:20] == b"GRAY"
    assert np.abs(shown(read).astype(int) - read.rgb).max() <= 1


def test_profiles_of_other_kinds_of_pictures_are_dropped_with_a_note():
    grey = colour.srgb_profile(grey=True)
    for profile, words in ((grey, "grey"), (grey[:16] + b"CMYK" + grey[20:], "CMYK")):
        read = read_picture(saved(Image.fromarray(RGB), "PNG", icc_profile=profile))
        assert read.icc is None
        assert any(f"is one of {words} pictures" in note for note in read.notes)
