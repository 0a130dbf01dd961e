from __future__ import annotations

import numpy as np
import pytest
from PIL import Image


@pytest.fixture
def small(call, draw, weights, tmp_path):
    """An LR file of a picture with alpha, photo.x4.png."""
    draw("photo.png", mode="RGBA")
    assert call("down", "photo.png", "--no-exact-blocks", "--weights", weights[4]).code == 0
    return tmp_path / "photo.x4.png"


def test_info_states_the_header(call, small):
    result = call("info", "photo.x4.png", "--json")
    assert result.code == 0
    (entry,) = result.json["results"]
    assert len(entry.pop("weights")) == 64
    assert entry.pop("writer").startswith("unshrink ")
    sections = entry.pop("sections")
    assert list(sections) == ["ALPH", "FROM"]
    assert entry == {
        "input": "photo.x4.png",
        "format": "png",
        "version": 1,
        "model": "irn-q-x4",
        "scale": 4,
        "size": {"width": 38, "height": 25},
        "lr_size": {"width": 10, "height": 7},
        "grey": False,
        "alpha": "lossless",
        "carrier": "none",
        "lr_bytes": small.stat().st_size,
        "payload_bytes": sections["ALPH"] + sections["FROM"],
        "exact_bytes": 0,
        "intact": True,
    }


def test_info_for_people(call, small):
    text = call("info", "photo.x4.png").text
    assert text.startswith("photo.x4.png: LR file, version 1, in PNG\n")
    for part in ("10x7", "38x25", "alpha lossless", "irn-q-x4, scale 4", "ALPH"):
        assert part in text


def test_info_and_verify_read_standard_input(call, small):
    data = small.read_bytes()
    assert call("info", "-", stdin=data).text.startswith("standard input: LR file")
    assert call("verify", "-", stdin=data).text == "standard input: sound, 10x7 for 38x25\n"


def test_verify_tells_sound_from_other_files(call, small):
    result = call("verify", "photo.x4.png", "photo.png", "missing.png", "--json")
    assert result.code == 1
    assert [entry["input"] for entry in result.json["results"]] == ["photo.x4.png"]
    assert [entry["exit_code"] for entry in result.json["failed"]] == [4, 3]
    assert call("verify", "photo.png").code == 4


def test_strip_keeps_the_pixels_and_nothing_else(call, small, tmp_path):
    result = call("strip", "photo.x4.png", "bare.png", "--json")
    assert result.code == 0
    (entry,) = result.json["results"]
    assert entry["output_bytes"] == (tmp_path / "bare.png").stat().st_size < entry["input_bytes"]
    with Image.open(small) as before, Image.open(tmp_path / "bare.png") as after:
        assert np.array_equal(np.array(before), np.array(after))
    assert b"unSH" not in (tmp_path / "bare.png").read_bytes()
    assert call("up", "bare.png").code == 4


def test_strip_does_not_overwrite_unasked(call, small, tmp_path):
    before = small.read_bytes()
    assert call("strip", "photo.x4.png", "photo.x4.png", "--overwrite").code == 2
    (tmp_path / "bare.png").write_bytes(b"precious")
    assert call("strip", "photo.x4.png", "bare.png").code == 2
    assert (tmp_path / "bare.png").read_bytes() == b"precious"
    assert call("strip", "photo.x4.png", "bare.png", "--overwrite").code == 0
    assert call("strip", "photo.x4.png", "out/").code == 0
    assert (tmp_path / "out" / "photo.x4.png").is_file()
    assert small.read_bytes() == before


def test_strip_from_and_to_streams(call, small):
    result = call("strip", "-", "-", stdin=small.read_bytes())
    assert result.code == 0
    assert result.out.startswith(b"\x89PNG")
    assert b"unSH" not in result.out


def test_strip_wants_an_output(call, small):
    result = call("strip", "photo.x4.png")
    assert (result.code, result.err) == (2, "unshrink: Missing argument 'OUT'. Try 'unshrink strip --help'.\n")
