"""Streams that are closed, names that are odd: the work is done, and what is said is one line."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from unshrink.cli.streams import shown

CLOSED = "import os, sys; [os.close(int(n)) for n in sys.argv[1].split(',')]; os.execv(sys.argv[2], sys.argv[2:])"


def run_closed(closed: str, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    """The command line with some standard streams closed."""
    line = [sys.executable, "-c", CLOSED, closed, sys.executable, "-m", "unshrink", *arguments]
    return subprocess.run(line, capture_output=True, check=False)


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    Image.effect_noise((24, 16), 60).save(tmp_path / "x.png")
    return tmp_path / "x.png"


def test_without_standard_error_the_work_is_done(photo, tmp_path, weights):
    done = run_closed("2", "down", str(photo), "-o", str(tmp_path / "o.png"), "--weights", weights[4])
    assert done.returncode == 0
    with Image.open(tmp_path / "o.png") as image:
        assert image.size == (6, 4)


def test_without_standard_input_there_is_nothing_to_read(tmp_path):
    done = run_closed("0", "down", "-", str(tmp_path / "o.png"))
    assert done.returncode == 3
    assert done.stderr.decode().count("\n") == 1
    assert b"is empty; give a picture file" in done.stderr
    assert not (tmp_path / "o.png").exists()


@pytest.mark.parametrize("name", ["new\nline.png", "\x1b[31mred.png", "right\u202eto left.png"])
def test_names_do_not_steer_the_terminal(name, tmp_path, call):
    (tmp_path / name).write_bytes(b"no picture")
    result = call("down", name)
    assert result.code == 3
    assert result.err.count("\n") == 1
    assert not set(result.err[:-1]) & set(map(chr, [*range(32), 0x202E]))


def test_json_has_names_as_they_are(tmp_path, call):
    name = "new\nline \u00fc.png"
    (tmp_path / name).write_bytes(b"no picture")
    result = call("down", name, "--json")
    assert json.loads(result.out)["failed"][0]["input"] == name


def test_shown_escapes_what_is_no_text():
    assert shown("a\nb\x1b\x85\u2028c \u00fc \N{GRINNING FACE}") == "a\\nb\\x1b\\x85\\u2028c \u00fc \N{GRINNING FACE}"
    assert shown("a\nb\tc", lines=True) == "a\nb\\tc"
