"""Faults while files are written: never half a file, never an old file lost, nothing left behind that looks like one.

UNSHRINK_SOAK is how many times as often to try (`make soak`).
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from unshrink.errors import UnreadableInputError, UnshrinkError, UsageError
from unshrink.files import disk

TIMES = int(os.environ.get("UNSHRINK_SOAK", "1"))
posix = pytest.mark.skipif(os.name != "posix", reason="signals and limits of POSIX")

WRITE_ON_AND_ON = """
import sys
from unshrink.files.disk import write_bytes
print("ready", flush=True)
for number in range(10**6):
    write_bytes(sys.argv[1], bytes([number % 251]) * 3_000_000, overwrite=True)
"""


def child(code: str, *arguments: str, **options: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", code, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options
    )


def is_whole(data: bytes) -> bool:
    return len(data) == 3_000_000 and data.count(data[:1]) == len(data)


@posix
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_killed_while_writing(tmp_path: Path, number: signal.Signals) -> None:
    target = tmp_path / "out.bin"
    rng = random.Random(0)
    for _ in range(3 * TIMES):
        writer = child(WRITE_ON_AND_ON, str(target))
        assert writer.stdout is not None
        assert writer.stdout.readline() == "ready\n"
        time.sleep(rng.random() * 0.15)
        writer.send_signal(number)
        writer.communicate()
        assert not target.exists() or is_whole(target.read_bytes())
        left = [path.name for path in tmp_path.iterdir() if path != target]
        assert all(name.endswith(".unshrink.tmp") and name.startswith(".") for name in left)
        if number == signal.SIGINT:
            assert not left
    assert target.exists()


WRITE_WITHIN = """
import resource, signal, sys
from unshrink.errors import UnshrinkError
from unshrink.files.disk import write_bytes
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))
try:
    write_bytes(sys.argv[1], bytes(5_000_000), overwrite=True)
except UnshrinkError as error:
    print(error)
    sys.exit(error.exit_code)
"""


@posix
def test_a_full_disk_leaves_the_old_file(tmp_path: Path) -> None:
    target = tmp_path / "out.bin"
    target.write_bytes(b"old")
    writer = child(WRITE_WITHIN, str(target))
    said, _ = writer.communicate()
    assert writer.returncode == UnshrinkError.exit_code
    assert "could not be written" in said
    assert target.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [target]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 1 MB, where the tests may make one."""
    place = tmp_path / "disk"
    place.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "none", str(place)], capture_output=True, check=False
    )
    if made.returncode:
        pytest.skip("no file system may be mounted here")
    yield place
    subprocess.run(["umount", str(place)], check=True)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="mounts as Linux does")
def test_a_disk_that_is_really_full_leaves_the_old_file(small_disk: Path) -> None:
    target = small_disk / "out.bin"
    target.write_bytes(b"old" * 100_000)
    for _ in range(TIMES):
        with pytest.raises(UnshrinkError, match="No space left"):
            disk.write_bytes(target, bytes(900_000), overwrite=True)
        assert target.read_bytes() == b"old" * 100_000
        assert list(small_disk.iterdir()) == [target]


WRITE_ONCE = """
import sys
from unshrink.errors import OutputExistsError
from unshrink.files.disk import write_bytes
sys.stdin.read(1)
try:
    write_bytes(sys.argv[1], sys.argv[2].encode() * 1_000_000)
except OutputExistsError:
    sys.exit(2)
"""


@posix
def test_of_several_writers_of_one_file_one_wins(tmp_path: Path) -> None:
    for number in range(TIMES):
        target = tmp_path / f"out{number}.bin"
        writers = [child(WRITE_ONCE, str(target), letter, stdin=subprocess.PIPE) for letter in "abcd"]
        for writer in writers:
            assert writer.stdin is not None
            writer.stdin.write("x")
            writer.stdin.flush()
        for writer in writers:
            writer.communicate()
        codes = [writer.returncode for writer in writers]
        assert sorted(codes) == [0, 2, 2, 2]
        assert target.read_bytes() == "abcd"[codes.index(0)].encode() * 1_000_000


ODD = ["new\nline.png", "\N{GRINNING FACE}" * 50 + ".png", "a" * 251 + ".png", "-rf", " ", "\x1b[31m.png",
       os.fsdecode(b"not\xfftext.png")]  # fmt: skip


@pytest.mark.parametrize("name", ODD, ids=ascii)
def test_odd_names_are_written_and_read(tmp_path: Path, name: str) -> None:
    disk.write_bytes(tmp_path / name, b"x")
    assert disk.read_bytes(tmp_path / name) == b"x"
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("name", ["a" * 252 + ".png", "\N{GRINNING FACE}" * 64])
def test_a_name_too_long_is_noticed_before_any_work(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="name of more than"):
        disk.check_output(tmp_path / name)


@posix
def test_links_in_a_circle(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to(tmp_path / "b")
    (tmp_path / "b").symlink_to(tmp_path / "a")
    with pytest.raises(UnreadableInputError):
        disk.read_bytes(tmp_path / "a")
    with pytest.raises(UnshrinkError):
        disk.write_bytes(tmp_path / "a", b"x", overwrite=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b"]


@posix
def test_a_folder_that_may_not_be_written_is_noticed_before_any_work(tmp_path: Path, monkeypatch) -> None:
    # A privileged user may write everywhere, so the answer of the system is what is changed.
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path) != tmp_path)
    with pytest.raises(UsageError, match="may not be written"):
        disk.check_output(tmp_path / "out.png")
    with pytest.raises(UsageError, match="may not be written"):
        disk.check_folder(tmp_path / "new" / "folder")
    assert not (tmp_path / "new").exists()


def test_a_folder_below_a_file_is_none(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(UsageError, match="no folder"):
        disk.check_folder(tmp_path / "file" / "below")


def test_an_endless_input_takes_no_more_than_its_limit() -> None:
    from unshrink.errors import LimitError
    from unshrink.limits import Limits

    with open("/dev/zero", "rb") as stream, pytest.raises(LimitError, match="larger than"):
        disk.read_bytes(stream, limits=Limits(max_file_bytes=1_000_000))
