"""`up --format same` and `--quality`: the original's format and quality, remembered in the small file."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from samples import names
from unshrink.cli.output import Output, origin_in
from unshrink.errors import UsageError
from unshrink.files.origin import Origin, decode_origin, encode_origin, origin_of


@pytest.fixture
def small(down, draw):
    """LR files of a JPEG, a TIFF, a GIF, and of a PNG with alpha."""
    draw("in/a.jpg", (90, 130), quality=62)
    draw("in/b.tif")
    draw("in/c.gif")
    draw("in/d.png", mode="RGBA")
    assert down("in", "-o", "small/").code == 0


def test_each_picture_comes_back_in_the_format_of_its_original(up, small, tmp_path):
    assert up("small", "-o", "back/", "--format", "same").code == 0
    assert names(tmp_path / "back") == ["a.restored.jpg", "b.restored.tif", "c.restored.png", "d.restored.png"]
    assert origin_of((tmp_path / "back" / "a.restored.jpg").read_bytes(), {}).quality == 62
    png = up("small/a.x4.png", "--json").json["results"][0]
    assert (tmp_path / "back" / "a.restored.jpg").stat().st_size < png["output_bytes"] / 2
    assert up("small", "-o", "poor/", "--format", "same", "--quality", "20").code == 0
    assert origin_of((tmp_path / "poor" / "a.restored.jpg").read_bytes(), {}).quality == 20


def test_a_larger_file_than_the_original_is_told(up, small):
    line = up("small/a.x4.png").text
    assert "more than the original" in line
    assert "JPEG; see --format same" in line


def test_to_standard_output_too(up, small, tmp_path):
    result = up("-", "-", "--format", "same", stdin=(tmp_path / "small" / "a.x4.png").read_bytes())
    with Image.open(io.BytesIO(result.out)) as image:
        assert (image.format, image.size) == ("JPEG", (130, 90))


def test_a_quality_goes_with_jpegs_only(up, small):
    for options in (["--format", "png", "--quality", "80"], ["--quality", "101"], ["--format", "sam"]):
        assert up("small/a.x4.png", *options).code == 2
    assert up("small/a.x4.png", "a.jpg", "--quality", "80").code == 0
    with pytest.raises(UsageError, match="Only a JPEG"):
        Output("tiff", 80)


def test_an_origin_survives_its_section_and_nonsense_is_none():
    origin = Origin("jpeg", 1234, "ab" * 16, 90, {"effort": 3})
    assert decode_origin({"FROM": encode_origin(origin)}) == origin
    good = encode_origin(origin)
    for data in (b"", b"{", b"[]", b"7", good[:-5], good.replace(b"90", b"900"), good.replace(b"1234", b"null")):
        assert decode_origin({"FROM": data}) is None
    assert origin_in(b"no picture") is None


@pytest.mark.parametrize("quality", [25, 50, 75, 90, 95, 100])
def test_the_quality_of_a_jpeg_is_found(draw, quality):
    found = origin_of(draw("a.jpg", quality=quality).read_bytes(), {}).quality
    assert found is not None
    assert abs(found - quality) <= 1
