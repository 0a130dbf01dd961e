from __future__ import annotations

import os

import numpy as np
import pytest
from PIL import Image

from samples import names, pixels


def test_down_and_up_with_default_names(down, up, draw, tmp_path):
    size = draw("photo.jpg", quality=95).stat().st_size
    shrunk = down("photo.jpg")
    small = tmp_path / "photo.x4.png"
    assert shrunk.code == 0
    assert shrunk.err == ""
    assert shrunk.text == f"photo.jpg -> photo.x4.png 10x7 for 38x25, {small.stat().st_size:,} bytes (irn-q-x4)" + (
        f": more than the original, {size:,}\n"
    )
    assert pixels(small).shape == (7, 10, 3)
    restored = up("photo.x4.png")
    assert (restored.code, restored.err) == (0, "")
    assert restored.text.startswith("photo.x4.png -> photo.restored.png 38x25, ")
    assert pixels(tmp_path / "photo.restored.png").shape == (25, 38, 3)
    assert names(tmp_path) == ["photo.jpg", "photo.restored.png", "photo.x4.png"]


def test_restored_picture_is_near_the_original(down, up, draw, tmp_path):
    original = pixels(draw("photo.png", (64, 64))).astype(float)
    down("photo.png", "--no-exact-blocks")
    up("photo.x4.png")
    error = pixels(tmp_path / "photo.restored.png") - original
    assert 20 * np.log10(255 / np.sqrt(np.mean(error**2))) > 20


@pytest.mark.parametrize("out", ["small.webp", "small.tif", "small.png"])
def test_the_ending_of_out_chooses_the_format(down, up, draw, tmp_path, out):
    draw("photo.png")
    assert down("photo.png", out).code == 0
    with Image.open(tmp_path / out) as image:
        assert image.format == {"webp": "WEBP", "tif": "TIFF", "png": "PNG"}[out[6:]]
    assert up(out, "restored.bmp").code == 0
    assert pixels(tmp_path / "restored.bmp").shape == (25, 38, 3)


def test_format_option_names_files_for_us(down, up, draw, tmp_path):
    draw("photo.png")
    assert down("photo.png", "-f", "webp").code == 0
    assert up("photo.x4.webp", "-f", "jpeg").code == 0
    assert names(tmp_path) == ["photo.png", "photo.restored.jpg", "photo.x4.webp"]


def test_out_may_be_a_folder_that_is_made(down, draw, tmp_path):
    draw("photo.png")
    assert down("photo.png", "new/deep/").code == 0
    assert (tmp_path / "new" / "deep" / "photo.x4.png").is_file()


def test_a_failure_makes_no_folder(down, tmp_path):
    assert down("missing.png", "new/").code == 3
    assert names(tmp_path) == []
    assert not (tmp_path / "new").exists()


def test_nothing_is_overwritten_unasked(down, draw, tmp_path):
    draw("photo.png")
    down("photo.png")
    small = tmp_path / "photo.x4.png"
    small.write_bytes(b"precious")
    result = down("photo.png")
    assert (result.code, result.text) == (2, "")
    assert result.err.count("\n") == 1
    assert "--overwrite" in result.err
    assert small.read_bytes() == b"precious"
    assert down("photo.png", "--overwrite").code == 0
    assert pixels(small).shape == (7, 10, 3)


def test_an_input_is_never_the_output(down, draw, tmp_path):
    path = draw("photo.png")
    before = path.read_bytes()
    assert down("photo.png", "-o", "photo.png", "--overwrite").code == 2
    assert path.read_bytes() == before


def test_a_second_picture_is_not_taken_for_the_output(down, draw, tmp_path):
    draw("a.png")
    before = draw("b.png").read_bytes()
    result = down("a.png", "b.png", "--overwrite")
    assert result.code == 2
    assert "-o FOLDER" in result.err
    assert (tmp_path / "b.png").read_bytes() == before
    assert down("a.png", "b.png", "-o", ".").code == 0
    assert names(tmp_path) == ["a.png", "a.x4.png", "b.png", "b.x4.png"]


def test_an_earlier_output_is_replaced_when_asked(down, draw):
    draw("a.png")
    assert down("a.png", "small.png").code == 0
    assert down("a.png", "small.png", "--overwrite").code == 0


def test_several_inputs_go_on_past_a_failure(down, draw, tmp_path):
    draw("a.png")
    draw("c.png")
    result = down("a.png", "missing.png", "c.png", "-o", "out/", "--json")
    assert result.code == 1
    assert [entry["output"] for entry in result.json["results"]] == ["out/a.x4.png", "out/c.x4.png"]
    (failure,) = result.json["failed"]
    assert failure["input"] == "missing.png"
    assert (failure["error"], failure["exit_code"]) == ("UnreadableInputError", 3)
    assert result.err.startswith(f"unshrink: {failure['message']}\n")
    assert names(tmp_path / "out") == ["a.x4.png", "c.x4.png"]


def test_folders_pass_over_what_does_not_fit(down, up, draw, tmp_path):
    draw("in/a.png")
    draw("in/b.jpg")
    (tmp_path / "in" / "notes.txt").write_text("no picture")
    first = down("in", "--json")
    assert first.code == 0
    assert "2 done, 1 passed over" in first.err
    assert [entry["input"] for entry in first.json["results"]] == ["in/a.png", "in/b.jpg"]
    assert first.json["passed_over"] == [{"input": "in/notes.txt", "reason": "not a picture"}]
    assert "notes.txt: passed over, not a picture" in first.err
    again = down("in", "--json", "--overwrite", "-q")
    assert (again.code, again.err) == (0, "")
    passed = {entry["input"]: entry["reason"] for entry in again.json["passed_over"]}
    assert passed["in/a.x4.png"] == "already an LR file"
    assert len(again.json["results"]) == 2
    back = up("in", "--json")
    assert back.code == 0
    assert [entry["input"] for entry in back.json["results"]] == ["in/a.x4.png", "in/b.x4.png"]
    assert {"input": "in/a.png", "reason": "not an LR file"} in back.json["passed_over"]
    assert up("in", "--overwrite").code == 0


def test_a_spoilt_picture_in_a_folder_is_a_failure(down, draw, tmp_path):
    draw("in/a.png")
    (tmp_path / "in" / "b.jpg").write_bytes(b"")
    result = down("in", "--json")
    assert result.code == 1
    assert [entry["input"] for entry in result.json["failed"]] == ["in/b.jpg"]


def test_patterns(down, draw, tmp_path):
    for name in ("a1.png", "a2.png", "b.png"):
        draw(name)
    assert down("a*.png", "-o", "out/").code == 0
    assert names(tmp_path / "out") == ["a1.x4.png", "a2.x4.png"]
    assert down("z*.png").code == 3


def test_an_lr_file_named_itself_is_shrunk_with_a_note(down, draw, tmp_path):
    draw("a.png", (64, 64))
    down("a.png")
    result = down("a.x4.png", "twice.png")
    assert result.code == 0
    assert "LR file itself" in result.err
    assert pixels(tmp_path / "twice.png").shape == (4, 4, 3)


def test_standard_streams(down, up, draw, tmp_path):
    photo = draw("photo.png").read_bytes()
    small = down("-", stdin=photo)
    assert small.code == 0
    assert "standard input -> standard output 10x7 for 38x25" in small.err
    restored = up("-", "-", stdin=small.out)
    assert restored.code == 0
    (tmp_path / "restored.png").write_bytes(restored.out)
    assert pixels(tmp_path / "restored.png").shape == (25, 38, 3)
    assert down("-", "-o", "out.png", stdin=photo).code == 0
    assert (tmp_path / "out.png").read_bytes() == small.out


def test_standard_input_is_named_in_errors(down):
    result = down("-", stdin=b"no picture at all")
    assert (result.code, result.out) == (3, b"")
    assert result.err.startswith("unshrink: standard input")


def test_picture_and_json_do_not_share_standard_output(down, draw):
    draw("photo.png")
    result = down("photo.png", "-", "--json")
    assert (result.code, result.out) == (2, b"")


def test_exact_blocks_are_carried_unless_refused(down, up, call, tmp_path):
    y, x = np.mgrid[:40, :50]
    board = ((y + x) % 2 * 255).astype(np.uint8)
    Image.fromarray(board).save(tmp_path / "board.png")
    assert down("board.png", "exact.png").code == 0
    (entry,) = down("board.png", "bare.png", "--no-exact-blocks", "--json").json["results"]
    assert entry["exact_bytes"] == 0
    for name in ("exact", "bare"):
        assert up(f"{name}.png", f"{name}.restored.png").code == 0
    assert np.array_equal(pixels(tmp_path / "exact.restored.png"), board)
    assert not np.array_equal(pixels(tmp_path / "bare.restored.png"), board)
    (entry,) = call("info", "exact.png", "--json").json["results"]
    assert entry["sections"]["BLKS"] == entry["exact_bytes"] > 0


def test_json_of_down_and_up(down, up, draw, tmp_path, weights):
    photo = draw("photo.png", mode="RGBA")
    (entry,) = down("photo.png", "--json").json["results"]
    assert len(entry.pop("weights")) == 64
    assert entry.pop("seconds") >= 0
    assert 0 <= entry.pop("exact_bytes") < entry.pop("payload_bytes")
    assert entry == {
        "input": "photo.png",
        "output": "photo.x4.png",
        "model": "irn-q-x4",
        "scale": 4,
        "size": {"width": 38, "height": 25},
        "lr_size": {"width": 10, "height": 7},
        "input_bytes": photo.stat().st_size,
        "lr_bytes": (tmp_path / "photo.x4.png").stat().st_size,
        "notes": [],
    }
    document = up("photo.x4.png", "--json").json
    assert list(document) == ["command", "results", "failed", "passed_over"]
    (entry,) = document["results"]
    assert entry.pop("seconds") >= 0
    assert entry == {
        "input": "photo.x4.png",
        "output": "photo.restored.png",
        "plain": False,
        "size": {"width": 38, "height": 25},
        "input_bytes": (tmp_path / "photo.x4.png").stat().st_size,
        "output_bytes": (tmp_path / "photo.restored.png").stat().st_size,
        "notes": [],
    }
    assert np.array_equal(pixels(tmp_path / "photo.restored.png")[..., 3], pixels(photo)[..., 3])


def test_scale_and_model_choose_each_other(call, draw, weights):
    draw("photo.png")
    assert "(irn-q-x2)" in call("down", "photo.png", "-m", "irn-q-x2", "--weights", weights[2]).text
    assert "(irn-q-x2)" in call("down", "photo.png", "b.png", "-s", "2", "--weights", weights[2]).text
    assert "(irn-q-x2)" in call("down", "photo.png", "c.png", "--weights", weights[2]).text


def test_keep_mtime_and_strip_metadata(down, up, draw, tmp_path):
    exif = Image.Exif()
    exif[0x013B] = "me"
    photo = draw("photo.jpg", exif=exif.tobytes())
    os.utime(photo, (1e9, 1e9))
    assert down("photo.jpg", "--keep-mtime", "--strip-metadata").code == 0
    assert up("photo.x4.png", "--keep-mtime").code == 0
    for name in ("photo.x4.png", "photo.restored.png"):
        assert (tmp_path / name).stat().st_mtime == 1e9
        with Image.open(tmp_path / name) as image:
            assert not image.getexif()
    assert down("photo.jpg", "--overwrite").code == 0
    assert (tmp_path / "photo.x4.png").stat().st_mtime != 1e9
    with Image.open(tmp_path / "photo.x4.png") as image:
        assert image.getexif()[0x013B] == "me"
