"""The command line as its own process."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

import unshrink

PROGRAM = [sys.executable, "-m", "unshrink"]
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1"}


def run(*arguments: str, cwd: Path, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [*PROGRAM, *arguments], cwd=cwd, input=stdin, capture_output=True, check=False, env=ENVIRONMENT, timeout=120
    )


def test_version_and_help(tmp_path):
    version = run("--version", cwd=tmp_path)
    assert (version.returncode, version.stdout) == (0, f"unshrink {unshrink.__version__}\n".encode())
    text = run("--help", cwd=tmp_path)
    assert (text.returncode, text.stderr) == (0, b"")
    for command in ("down", "up", "roundtrip", "info", "verify", "strip", "models", "eval", "train"):
        assert f" {command} ".encode() in text.stdout
    assert run(cwd=tmp_path).returncode == 2


@pytest.mark.parametrize("module", ["unshrink", "unshrink.cli"])
def test_imports_stay_light(module):
    code = f"import sys, {module}; print(sorted({{'torch', 'numpy', 'PIL'}} & set(sys.modules)))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert result.stdout == b"[]\n"


def test_down_and_up_through_a_pipe(draw, weights, tmp_path):
    photo = draw("photo.jpg").read_bytes()
    small = run("down", "-", "--weights", weights[4], cwd=tmp_path, stdin=photo)
    assert small.returncode == 0, small.stderr
    (tmp_path / "photo.x4.png").write_bytes(small.stdout)
    restored = run("up", "photo.x4.png", "--weights", weights[4], cwd=tmp_path)
    assert restored.returncode == 0, restored.stderr
    assert restored.stderr == b""
    with Image.open(tmp_path / "photo.restored.png") as image:
        assert image.size == (38, 25)


def test_an_error_is_one_line_without_a_traceback(tmp_path):
    result = run("info", "missing.png", cwd=tmp_path)
    assert (result.returncode, result.stdout) == (3, b"")
    assert result.stderr == b"unshrink: missing.png does not exist; check the path.\n"


def test_a_name_that_is_no_text(tmp_path):
    name = os.fsdecode(b"caf\xe9.png")
    result = run("info", name, "--json", cwd=tmp_path)
    assert result.returncode == 3
    assert b"Traceback" not in result.stderr
    assert b"does not exist" in result.stdout


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_stopped_while_it_waits(tmp_path, number, code):
    os.mkfifo(tmp_path / "slow.png")
    process = subprocess.Popen([*PROGRAM, "info", "slow.png"], cwd=tmp_path, stderr=subprocess.PIPE, env=ENVIRONMENT)
    with open(tmp_path / "slow.png", "wb"):  # opens when the program reads
        process.send_signal(number)
        _, err = process.communicate(timeout=60)
    assert process.returncode == code
    assert b"Traceback" not in err


def test_an_interruption_stops_all_processes(tmp_path, weights):
    for name in ("a.png", "b.png", "c.png"):
        os.mkfifo(tmp_path / name)
    process = subprocess.Popen(
        [*PROGRAM, "down", "a.png", "b.png", "c.png", "-o", "out/", "-j", "2", "--json", "--weights", weights[4]],
        cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=ENVIRONMENT,
    )  # fmt: skip
    with open(tmp_path / "a.png", "wb"):  # opens when a process reads
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=120)
    assert process.returncode == 130, err
    assert json.loads(out)["left"] == ["a.png", "b.png", "c.png"]
    assert b"Traceback" not in err
    for name in ("a.png", "b.png", "c.png"):
        with pytest.raises(OSError, match="No such device"):  # nobody reads any more
            os.open(tmp_path / name, os.O_WRONLY | os.O_NONBLOCK)


def test_a_reader_that_goes_away(tmp_path):
    process = subprocess.Popen(
        [*PROGRAM, "--help"], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=ENVIRONMENT
    )
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    err = process.stderr.read()
    process.stderr.close()
    process.wait(timeout=60)
    assert b"Traceback" not in err
