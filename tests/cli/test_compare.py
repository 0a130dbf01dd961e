"""`compare`: a sheet, and its figures."""

from __future__ import annotations

from PIL import Image

MODELS = ("-m", "hidden-avif", "-m", "irn-q-x2", "-s", "2")


def test_a_sheet_has_a_column_for_every_way(call, draw):
    draw("a.png", (60, 90))
    result = call("compare", "a.png", *MODELS, "--codec", "jpeg", "-o", "sheet.png", "--json", "--side", "16")
    assert result.code == 0, result.err
    entries = result.json["results"]
    assert [entry["way"] for entry in entries] == ["bicubic", "hidden-avif", "irn-q-x2", "jpeg"]
    assert entries[3]["lr_bytes"] <= entries[1]["lr_bytes"]
    assert all({"psnr_y", "psnr_rgb", "lr_bytes"} <= set(entry) for entry in entries)
    assert {"lr_psnr_y", "lr_psnr_rgb", "seconds_up"} <= set(entries[2])
    with Image.open("sheet.png") as sheet:
        assert sheet.width > 5 * 48


def test_lines_are_for_people_and_nothing_is_overwritten(call, draw):
    draw("a.png", (40, 40))
    assert call("compare", "a.png", "-m", "irn-q-x2", "--no-bicubic", "-o", "sheet.webp").text.startswith("irn-q-x2 ")
    again = call("compare", "a.png", "-m", "irn-q-x2", "-o", "sheet.webp")
    assert (again.code, "already exists" in again.err) == (2, True)


def test_what_cannot_be_is_told_before_work(call, draw):
    draw("a.png", (40, 40))
    for words, sentence in (
        (("-m", "irn-x2", "-s", "3", "-o", "s.png"), "irn-x2"),
        (("-m", "steam", "-o", "s.png"), "did you mean 'stream'"),
        (("--codec", "jpg", "-o", "s.png"), "did you mean 'jpeg'"),
        (("-o", "s.txt"), ".txt"),
    ):
        result = call("compare", "a.png", *words)
        assert result.code == 2
        assert sentence in result.err
