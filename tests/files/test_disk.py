from __future__ import annotations

import errno
import io
import os
import stat

import pytest

from unshrink.errors import LimitError, OutputExistsError, UnreadableInputError, UnshrinkError, UsageError
from unshrink.files import disk
from unshrink.limits import Limits


def names_in(folder):
    return sorted(path.name for path in folder.iterdir())


def test_reads_paths_streams_and_bytes_alike(tmp_path):
    path = tmp_path / "a.bin"
    path.write_bytes(b"abc")
    with open(path, "rb") as stream:
        assert disk.read_bytes(stream) == b"abc"
    assert disk.read_bytes(path) == disk.read_bytes(str(path)) == disk.read_bytes(b"abc") == b"abc"
    assert disk.read_bytes(io.BytesIO(b"abc")) == b"abc"


def test_missing_folder_and_empty_inputs_say_which(tmp_path):
    (tmp_path / "empty.png").touch()
    for path, words in ((tmp_path / "no.png", "does not exist"), (tmp_path, "is a folder"),
                        (tmp_path / "empty.png", "is empty"), ("nul\0byte", "could not be read")):  # fmt: skip
        with pytest.raises(UnreadableInputError, match=words):
            disk.read_bytes(path)


def test_permission_denied_is_unreadable_input(tmp_path, monkeypatch):
    def refuse(*args: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr("builtins.open", refuse)
    with pytest.raises(UnreadableInputError, match="may not be read"):
        disk.read_bytes(tmp_path / "secret.png")


def test_no_more_than_the_limit_is_read():
    class Endless(io.RawIOBase):
        asked = 0

        def read(self, count: int = -1) -> bytes:
            self.asked = count
            return b"x" * count

    stream = Endless()
    with pytest.raises(LimitError):
        disk.read_bytes(stream, limits=Limits(max_file_bytes=100))
    assert stream.asked == 101


def test_writes_and_refuses_to_overwrite(tmp_path):
    path = tmp_path / "out.png"
    disk.write_bytes(path, b"one")
    with pytest.raises(OutputExistsError, match=r"already exists.*--overwrite"):
        disk.write_bytes(path, b"two")
    assert path.read_bytes() == b"one"
    disk.write_bytes(path, b"two", overwrite=True)
    assert path.read_bytes() == b"two"
    assert names_in(tmp_path) == ["out.png"]


def test_mode_honours_umask(tmp_path):
    before = os.umask(0o027)
    try:
        disk.write_bytes(tmp_path / "out", b"x")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "out").stat().st_mode) == 0o640


def test_somebody_faster_is_not_overwritten(tmp_path):
    path = tmp_path / "out"

    def write_and_lose_the_race():
        with disk.open_new(path) as stream:
            stream.write(b"ours")
            path.write_bytes(b"theirs")

    with pytest.raises(OutputExistsError):
        write_and_lose_the_race()
    assert path.read_bytes() == b"theirs"
    assert names_in(tmp_path) == ["out"]


def test_file_systems_without_hard_links(tmp_path, monkeypatch):
    def no_links(*args: object) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", no_links)
    disk.write_bytes(tmp_path / "out", b"x")
    assert (tmp_path / "out").read_bytes() == b"x"
    with pytest.raises(FileExistsError):
        disk._rename_to_free_name(tmp_path / "out", tmp_path / "out")
    assert names_in(tmp_path) == ["out"]


@pytest.mark.parametrize(("code", "kind"), [(errno.ENOSPC, UnshrinkError), (errno.EACCES, UsageError)])
def test_a_failing_disk_leaves_the_old_file_whole(tmp_path, monkeypatch, code, kind):
    path = tmp_path / "out"
    path.write_bytes(b"old")

    def fail(descriptor: int) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(kind, match="could not be written") as caught:
        disk.write_bytes(path, b"new", overwrite=True)
    assert type(caught.value) is kind
    assert path.read_bytes() == b"old"
    assert names_in(tmp_path) == ["out"]


def test_outputs_that_cannot_be_are_refused_early(tmp_path):
    with pytest.raises(UsageError, match="is a folder"):
        disk.check_output(tmp_path)
    with pytest.raises(UsageError, match="does not exist"):
        disk.check_output(tmp_path / "no" / "out.png")
    disk.check_output(tmp_path / "out.png")


def test_links_are_followed_and_devices_written_through(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "real")
    (tmp_path / "real").write_bytes(b"old")
    disk.write_bytes(tmp_path / "link", b"new", overwrite=True)
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_bytes() == b"new"
    disk.write_bytes(os.devnull, b"gone")
    assert stat.S_ISCHR(os.stat(os.devnull).st_mode)


def test_a_long_name_still_has_room_for_the_temporary_one(tmp_path):
    path = tmp_path / ("n" * 250 + ".png")
    disk.write_bytes(path, b"x")
    assert path.read_bytes() == b"x"


@pytest.mark.parametrize(
    ("source", "name"), [("a/b.png", "a/b.png"), (b"abc", "the data given"), (io.BytesIO(), "the data given")]
)
def test_source_name(source, name):
    assert disk.source_name(source) == name
