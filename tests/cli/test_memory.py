"""`--memory` and `ulimit -v`: what fits is done, what does not is refused before work begins."""

from __future__ import annotations

import struct
import subprocess
import sys
import zlib
from pathlib import Path

import pytest
from PIL import Image

WITHIN = """
import resource, sys
limit = int(sys.argv[1]) * 1_000_000
if limit:
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
from unshrink.cli import main
code = main(sys.argv[2:])
# getrusage would count what the process that started this one held
peak = next(line for line in open('/proc/self/status') if line.startswith('VmHWM'))
print(int(peak.split()[1]) // 1000)
sys.exit(code)
"""
linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="counts memory as Linux does")


def within(megabytes: int, *arguments: str) -> tuple[int, int, str]:
    """Exit code, MB held at most, and standard error of a command line that has so many MB of addresses (0: all)."""
    done = subprocess.run(
        [sys.executable, "-c", WITHIN, str(megabytes), *arguments], capture_output=True, text=True, check=False
    )
    lines = done.stdout.split()
    return done.returncode, int(lines[-1]) if lines else 0, done.stderr


def one_colour(path: Path, side: int) -> None:
    """A PNG of many pixels and few bytes."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    packer = zlib.compressobj(9, wbits=-15)
    some = packer.compress(bytes((3 * side + 1) * side // 100)) + packer.flush(zlib.Z_FULL_FLUSH)
    # A block that refers to nothing before it may stand a hundred times; Adler-32 of n zeros is n, 1
    total = (3 * side + 1) * side // 100 * 100
    rows = b"\x78\xda" + some * 100 + packer.flush() + struct.pack(">HH", total % 65521, 1)
    head = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    data = chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + data)


def test_too_little_is_refused_by_every_command_with_what_is_needed(call, draw, weights):
    photo = draw("photo.png")
    small = photo.with_name("small.png")
    assert call("down", str(photo), str(small), "--weights", weights[4], "--memory", "64GB").code == 0
    for command in (["down", str(photo)], ["up", str(small)], ["roundtrip", str(photo)]):
        done = call(*command, "--weights", weights[4], "--memory", "50MB")
        assert done.code == 5
        assert "GB in all" in done.err
        assert "--memory" in done.err
    assert not photo.with_name("photo.x4.png").exists()


@pytest.mark.parametrize("amount", ["2", "lots", "-1GB"])
def test_an_amount_needs_a_unit(call, draw, amount):
    assert call("down", str(draw("photo.png")), "--memory", amount).code == 2


def test_decoding_is_not_begun_where_it_does_not_fit(call, draw, weights, monkeypatch):
    photo = draw("photo.jpg", (400, 400))

    def decode(*_, **__):
        raise AssertionError("decoded")

    monkeypatch.setattr("unshrink.files.picture.decode_image", decode)
    done = call("down", str(photo), "--weights", weights[4], "--memory", "50MB")
    assert done.code == 5
    assert "400x400" in done.err


@linux
def test_what_is_too_large_for_memory_is_not_decoded(tmp_path: Path) -> None:
    giant = tmp_path / "giant.png"
    one_colour(giant, 22_000)
    for command in (["up"], ["verify"]):
        code, held, said = within(0, *command, str(giant), "--memory", "500MB")
        assert code == 5
        assert held < 400  # with torch; the picture would be 1450
        assert said.count("\n") == 1
        assert "22000x22000" in said


@linux
@pytest.mark.parametrize("megabytes", [150, 400, 750])
def test_too_few_addresses_are_told_in_a_sentence(tmp_path: Path, megabytes: int) -> None:
    photo = tmp_path / "photo.png"
    Image.new("RGB", (2000, 1500), (90, 120, 60)).save(photo)
    code, _, said = within(megabytes, "down", str(photo), "-m", "irn-q-x4")
    assert code == 5, said
    assert said.count("\n") == 1
    assert "memory" in said
    assert [path.name for path in tmp_path.iterdir()] == ["photo.png"]


@linux
def test_addresses_that_are_enough_are_used(tmp_path: Path) -> None:
    photo, small = tmp_path / "photo.png", tmp_path / "small.png"
    Image.new("RGB", (800, 600), (90, 120, 60)).save(photo)
    code, _, said = within(2000, "down", str(photo), str(small), "-m", "lite-x4", "--no-exact-blocks")
    assert (code, said) == (0, "")
    assert small.exists()
