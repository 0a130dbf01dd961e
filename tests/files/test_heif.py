"""HEIF by its plugin: read, or refused by name; without the plugin, how to get it."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from unshrink.errors import LimitError, UnreadableInputError, UnsupportedPictureError
from unshrink.files import sniff
from unshrink.files.picture import read_picture
from unshrink.limits import Limits

HEAD = b"\0\0\0\x18ftypheic" + bytes(8)
plugin = pytest.importorskip("pillow_heif")


def heif(pixels: np.ndarray, mode: str = "RGB", **options) -> bytes:
    stream = io.BytesIO()
    plugin.from_bytes(mode, (pixels.shape[1], pixels.shape[0]), pixels.tobytes()).save(stream, **options)
    return stream.getvalue()


def soft(height: int, width: int) -> np.ndarray:
    y, x = np.mgrid[:height, :width]
    return np.stack([128 + 100 * np.sin(x / 9 + c) * np.cos(y / 7) for c in range(3)], -1).astype(np.uint8)


def test_it_is_read_upright_with_its_exif():
    exif = Image.Exif()
    exif[0x010F], exif[0x0112] = "Maker", 6
    picture = read_picture(heif(soft(40, 62), quality=95, exif=exif.tobytes()))
    assert picture.rgb.std() > 30
    assert picture.exif is not None
    assert b"Maker" in picture.exif
    plain = read_picture(heif(soft(41, 62), quality=95))
    assert plain.size == (41, 62)
    assert np.abs(plain.rgb.astype(int) - soft(41, 62)).mean() < 6


def test_more_than_8_bits_and_several_pictures_are_refused_by_name():
    deep = heif(np.random.default_rng(0).integers(0, 1 << 16, (40, 60, 3), dtype=np.uint16), "RGB;16", quality=90)
    with pytest.raises(UnsupportedPictureError, match="bits per sample"):
        read_picture(deep)
    two = plugin.from_bytes("RGB", (60, 40), soft(40, 60).tobytes())
    two.add_frombytes("RGB", (60, 40), soft(40, 60).tobytes())
    stream = io.BytesIO()
    two.save(stream)
    with pytest.raises(UnsupportedPictureError, match="several pictures"):
        read_picture(stream.getvalue())


def test_damage_and_size_are_told():
    data = heif(soft(40, 60))
    with pytest.raises(UnreadableInputError, match="damaged"):
        read_picture(data[: len(data) // 2])
    with pytest.raises(LimitError):
        read_picture(data, limits=Limits(max_hr_pixels=100))


def test_without_the_plugin_the_message_says_how_to_get_it(monkeypatch):
    without = {kind: one for kind, one in sniff.FORMATS.items() if kind != "heif"}
    monkeypatch.setattr(sniff, "FORMATS", without)
    with pytest.raises(UnsupportedPictureError, match=r"HEIF file.*unshrink\[heif\]"):
        sniff.sniff(HEAD, "a.heic")
