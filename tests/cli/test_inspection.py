from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from unshrink.files import colour, png
from unshrink.files.picture import Picture


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
        "profile": None,
        "pixels": None,
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


# --- what pixels carry ----------------------------------------------------------------------------------------------


@pytest.fixture
def coded(call, draw, tmp_path):
    """photo.x4.png, an LR file whose pixels carry the picture, with a profile; and in bare/ its pixels alone."""
    profile = colour.coded_profile(12, 13, "x", grey=False)
    draw("photo.png", (240, 320), icc_profile=profile)
    draw("grey.png", (240, 320), mode="L")
    assert call("down", "photo.png", "grey.png", "-o", "./", "-s", "4", "-m", "hidden-avif").code == 0
    (tmp_path / "bare").mkdir()
    for name in ("photo", "grey"):
        with Image.open(f"{name}.x4.png") as image:
            bare = Image.fromarray(np.asarray(image.convert("RGB")))
        bare.save(f"bare/{name}.webp", lossless=True)
    return tmp_path


def test_info_names_the_profile_and_what_pixels_carry(call, coded):
    (entry,) = call("info", "photo.x4.png", "--json").json["results"]
    assert entry["profile"] == "Display P3"
    assert entry["pixels"]["kind"] == "avif"
    assert entry["pixels"]["bytes"] > 300
    text = call("info", "photo.x4.png").text
    assert "  colours    Display P3\n" in text
    assert f"  pixels     carry {entry['pixels']['bytes']:,} bytes (avif)\n" in text


@pytest.mark.parametrize("name", ["photo", "grey"])
def test_of_a_file_of_which_only_the_pixels_are_left_info_tells_what_they_say(call, coded, name):
    (whole,) = call("info", f"{name}.x4.png", "--json").json["results"]
    (entry,) = call("info", f"bare/{name}.webp", "--json").json["results"]
    for key in ("model", "scale", "size", "lr_size", "grey", "carrier", "pixels"):
        assert entry[key] == whole[key], key
    assert (entry["version"], entry["writer"], entry["sections"]) == (None, None, {})
    assert "of which only the pixels are left" in call("info", f"bare/{name}.webp").text
    assert "sound" in call("verify", f"bare/{name}.webp").text


def test_every_command_knows_such_a_file(call, coded):
    done = call("down", "bare", "-o", "again/", "-s", "4", "--json")
    assert done.code == 0
    assert {entry["reason"] for entry in done.json["passed_over"]} == {"already an LR file"}
    assert "is an LR file itself" in call("down", "bare/photo.webp", "-o", "again.png", "-s", "2").err
    done = call("up", "bare", "-o", "back/", "--json")
    assert [entry["size"] for entry in done.json["results"]] == [{"width": 320, "height": 240}] * 2
    done = call("up", "bare", "-o", "back/", "--json", "--skip-existing")
    assert [entry["reason"] for entry in done.json["passed_over"]] == ["finished already"] * 2


@pytest.mark.parametrize("name", ["photo", "grey"])
def test_strip_takes_out_what_pixels_alone_carry(call, coded, name):
    assert call("strip", f"bare/{name}.webp", "stripped.webp").code == 0
    assert call("info", "stripped.webp").code == 4
    assert call("up", "stripped.webp").code == 4
    assert call("strip", "stripped.webp", "more.webp").code == 4


def test_info_says_where_edited_pixels_carry_nothing_any_more(call, coded):
    chunks = [chunk for chunk in png.read_chunks((coded / "photo.x4.png").read_bytes(), "x") if chunk.kind == b"unSH"]
    blank = png.read_chunks(Picture(np.zeros((60, 80, 3), np.uint8)).encode("png"), "x")
    (coded / "painted.png").write_bytes(png.join(png.insert_before_pixels(blank, chunks)))
    assert "carry nothing any more" in call("info", "painted.png").text
