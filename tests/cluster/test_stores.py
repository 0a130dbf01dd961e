"""Stores other than folders: memory, and S3 as moto's server plays it. Objects are there whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from cluster.jobs import BROKEN, Copying, draw, job, rows, run, shrinking
from unshrink.cluster.places import Place
from unshrink.errors import UsageError
from unshrink.files.lrfile import is_lrfile
from unshrink.limits import DEFAULT_LIMITS


@pytest.fixture
def memory() -> Iterator[str]:
    import fsspec

    fs = fsspec.filesystem("memory")
    fs.store.clear()
    yield "memory://test"
    fs.store.clear()


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    pytest.importorskip("s3fs", reason="S3 needs s3fs")
    moto = pytest.importorskip("moto.server", reason="moto plays S3")
    one = moto.ThreadedMotoServer(port=0)
    one.start()
    host, port = one.get_host_and_port()
    yield f"http://{host}:{port}"
    one.stop()


@pytest.fixture
def s3(server: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    import s3fs

    for name, value in {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_ENDPOINT_URL": server,
    }.items():
        monkeypatch.setenv(name, value)
    s3fs.S3FileSystem.clear_instance_cache()
    s3fs.S3FileSystem().mkdir("shelf")
    yield "s3://shelf"
    s3fs.S3FileSystem().rm("shelf", recursive=True)


def fill(place: Place, source: Path) -> None:
    for path in sorted(source.rglob("*.*")):
        place.write(str(path.relative_to(source)), path.read_bytes())


@pytest.mark.filterwarnings("ignore")  # of what S3's and moto's own packages do
@pytest.mark.parametrize("store", ["memory", "s3"])
def test_a_job_goes_from_store_to_store_and_is_done_once(store, request, tmp_path, weights):
    url = request.getfixturevalue(store)
    source, target = Place(f"{url}/in"), f"{url}/out"
    fill(source, draw(tmp_path / "in", 3))
    statuses = run(job(shrinking(weights), source.url, target))
    assert statuses == {"broken.png": "failed", "deep/p0.png": "done", "deep/p2.png": "done", "p1.png": "done"}
    assert is_lrfile(Place(target).read("deep/p2.x4.png", DEFAULT_LIMITS))
    assert run(job(shrinking(weights), source.url, target)) == {}
    source.write("p1.png", BROKEN)
    assert run(job(shrinking(weights), source.url, target)) == {"p1.png": "failed"}


def test_an_object_that_fails_half_way_is_not_there(memory, tmp_path, monkeypatch):
    from fsspec.implementations.memory import MemoryFileSystem

    source, target = Place(f"{memory}/in"), f"{memory}/out"
    fill(source, draw(tmp_path / "in", 2))
    usual = MemoryFileSystem.pipe_file

    def full(self, path, value, **options):
        if path.endswith("p1.copy"):
            raise OSError(28, "No space left on device")
        return usual(self, path, value, **options)

    monkeypatch.setattr(MemoryFileSystem, "pipe_file", full)
    assert run(job(Copying(), source.url, target))["p1.png"] == "again"
    assert "p1.copy" not in Place(target).find()
    assert "No space left" in rows(target)["p1.png"].error
    monkeypatch.undo()
    assert run(job(Copying(), source.url, target)) == {"p1.png": "done"}


def test_stores_that_show_unfinished_files_get_a_name_at_the_end(tmp_path, monkeypatch):
    """An fsspec file system of a kind that is not known to write whole objects."""
    import fsspec
    from fsspec.implementations.local import LocalFileSystem

    seen = []

    class Plain(LocalFileSystem):
        protocol = "plainstore"

        def pipe_file(self, path, value, **options):
            seen.append(os.path.basename(path))
            return super().pipe_file(path, value, **options)

    fsspec.register_implementation("plainstore", Plain, clobber=True)
    Place(f"plainstore://{tmp_path}").write("deep/a.copy", b"whole")
    assert (tmp_path / "deep" / "a.copy").read_bytes() == b"whole"
    assert seen[0].startswith(".")
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["a.copy"]


def test_a_store_that_nobody_knows_is_told():
    with pytest.raises(UsageError, match="cannot be opened"):
        Place("nowhere://a").find()
