from __future__ import annotations

import shutil
import struct
import zlib
from pathlib import Path

import pytest
from PIL import Image

from samples import names, pixels

# What goes wrong: (arguments, exit code, part of the sentence)
WRONG_USE = [
    (["down", "--overwite", "a.png"], 2, "No such option: --overwite. Did you mean --overwrite?"),
    (["up", "--plian", "a.png"], 2, "Did you mean --plain?"),
    (["down", "--zzz", "a.png"], 2, "No such option: --zzz. Try 'unshrink down --help'."),
    (["donw", "a.png"], 2, "Did you mean 'down'?"),
    (["down", "a.png", "-m", "irn-q-x5"], 2, "did you mean 'irn-q-x4'?"),
    (["down", "a.png", "-f", "pgn"], 2, "did you mean 'png'?"),
    (["down", "a.png", "-s", "5"], 2, "no model for scale 5"),
    (["down", "a.png", "-s", "two"], 2, "'--scale'"),
    (["down", "a.png", "-s", "0"], 2, "'--scale'"),
    (["down", "a.png", "-s", "2", "-m", "irn-q-x4"], 2, "irn-q-x4 has scale 4, not 2"),
    (["down", "a.png", "a.jpg"], 2, "must end in .png, .webp, .tif or .tiff"),
    (["down", "a.png", "nowhere/a.png"], 2, "nowhere does not exist"),
    (["down"], 2, "Missing argument"),
    (["up", "a.png", "-m", "irn-q-x4"], 2, "only with --plain"),
    (["up", "a.png", "-s", "4"], 2, "only with --plain"),
    (["up", "a.png", "a.xyz"], 2, ".xyz"),
    (["down", "missing.png"], 3, "missing.png does not exist"),
    (["down", "."], 3, "holds no files"),
    (["up", "a.png"], 4, "not an LR file"),
]


@pytest.mark.parametrize(("arguments", "code", "part"), WRONG_USE, ids=[" ".join(case[0]) for case in WRONG_USE])
def test_wrong_use_gets_one_sentence(call, draw, tmp_path, arguments, code, part):
    if arguments[-1] != ".":
        draw("a.png")
    before = names(tmp_path)
    result = call(*arguments)
    assert (result.code, result.out) == (code, b"")
    assert part in result.err
    assert result.err.startswith("unshrink: ")
    assert result.err.count("\n") == 1
    assert names(tmp_path) == before


def png_header(width: int, height: int) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


def spoil(kind: str, photo: Path, small: Path) -> bytes:
    data = {"small": small.read_bytes(), "photo": photo.read_bytes()}
    with Image.open(small) as image:
        repainted = image.convert("RGB")
        repainted.putpixel((3, 3), (0, 0, 0))
        repainted.save("repainted.png")
    return {
        "text": b"these are words",
        "empty": b"",
        "cut photo": data["photo"][: len(data["photo"]) // 2],
        "huge": png_header(100_000, 100_000),
        "cut small": data["small"][:-40],
        "flipped": data["small"][:-30] + bytes([data["small"][-30] ^ 1]) + data["small"][-29:],
        "repainted": _with_pixels_of(data["small"], Path("repainted.png").read_bytes()),
    }[kind]


def _with_pixels_of(small: bytes, other: bytes) -> bytes:
    """The LR file `small` with the pixel data of the PNG `other`, as an editor that keeps unknown chunks leaves it."""
    start, end = small.index(b"IDAT") - 4, small.index(b"IEND") - 4
    return small[:start] + other[other.index(b"IDAT") - 4 : other.index(b"IEND") - 4] + small[end:]


@pytest.mark.parametrize(
    ("command", "kind", "code"),
    [
        ("down", "text", 3),
        ("down", "empty", 3),
        ("down", "cut photo", 3),
        ("down", "huge", 5),
        ("up", "text", 3),
        ("up", "cut small", 4),
        ("up", "flipped", 4),
        ("up", "repainted", 4),
        ("up --plain", "huge", 5),
        ("verify", "repainted", 4),
        ("verify", "flipped", 4),
        ("info", "text", 3),
        ("strip", "text", 3),
    ],
)
def test_bad_input_gets_one_sentence_and_its_own_code(call, down, draw, tmp_path, weights, command, kind, code):
    photo = draw("photo.png")
    down("photo.png")
    (tmp_path / "bad.png").write_bytes(spoil(kind, photo, tmp_path / "photo.x4.png"))
    before = names(tmp_path)
    verb, *options = command.split()
    options += ["--weights", weights[4]] if verb in ("down", "up") else []
    options += ["out.png"] if verb == "strip" else []
    result = call(verb, "bad.png", *options)
    assert (result.code, result.out) == (code, b""), result.err
    assert result.err.startswith("unshrink: bad.png")
    assert result.err.count("\n") == 1
    assert names(tmp_path) == before


def test_plain_restores_an_edited_file_and_a_foreign_one(call, down, up, draw, tmp_path, weights):
    photo = draw("photo.png")
    down("photo.png")
    (tmp_path / "edited.x4.png").write_bytes(spoil("repainted", photo, tmp_path / "photo.x4.png"))
    assert "--plain" in up("edited.x4.png").err
    assert up("edited.x4.png", "--plain").code == 0
    assert pixels(tmp_path / "edited.restored.png").shape == (25, 38, 3)
    assert up("photo.png", "--plain").code == 0
    assert pixels(tmp_path / "photo.restored.png").shape == (100, 152, 3)
    assert call("up", "photo.png", "x2.png", "--plain", "-s", "2", "--weights", weights[2]).code == 0
    assert pixels(tmp_path / "x2.png").shape == (50, 76, 3)


def test_up_names_weights_that_are_not_at_hand(call, draw, weights, tmp_path):
    draw("photo.png")
    call("down", "photo.png", "--weights", weights[4])
    other = tmp_path / "other"
    shutil.copytree(weights[4], other)
    tensors = other / "model.safetensors"
    tensors.write_bytes(tensors.read_bytes()[:-1] + b"\x01")
    result = call("up", "photo.x4.png", "--weights", str(other))
    assert (result.code, result.out) == (4, b"")
    assert "--weights" in result.err


def test_weights_that_are_none(call, draw, tmp_path):
    draw("photo.png")
    result = call("down", "photo.png", "--weights", ".")
    assert result.code == 1
    assert "model.safetensors" in result.err
    assert names(tmp_path) == ["photo.png"]
