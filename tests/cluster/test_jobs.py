"""Jobs with a manifest: what is missing or changed is done, no more; bad pictures are rows; shards are shares."""

from __future__ import annotations

import hashlib
import os
from functools import partial
from pathlib import Path

import pytest

from cluster.jobs import BROKEN, Copying, draw, job, rows, run, shrinking
from unshrink.cluster.here import run_here
from unshrink.cluster.manifest import Manifest
from unshrink.cluster.places import Place
from unshrink.cluster.plan import Shard
from unshrink.errors import UnreadableInputError, UsageError
from unshrink.files.lrfile import is_lrfile
from unshrink.rescale import Engine


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return draw(tmp_path / "in")


def below(folder: Path, ending: str) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob(f"*{ending}"))


def test_a_job_shrinks_a_tree_and_says_what_became_of_each_picture(source, tmp_path, weights):
    out = tmp_path / "out"
    run(job(shrinking(weights, measure=True), source, out))
    assert below(out, ".png") == sorted(name.replace(".png", ".x4.png") for name in below(source / ".", ".png")[1:])
    found = rows(out)
    assert set(found) == set(below(source, ".png"))
    assert found["broken.png"].status == "failed"
    assert "cut short" in found["broken.png"].error
    row = found["p1.png"]
    made = (out / row.output).read_bytes()
    assert is_lrfile(made)
    assert row.output_sha256 == hashlib.sha256(made).hexdigest()
    assert row.input_sha256 == hashlib.sha256((source / "p1.png").read_bytes()).hexdigest()
    assert (row.input_bytes, row.output_bytes) == ((source / "p1.png").stat().st_size, len(made))
    assert min(row.psnr_y, row.psnr_rgb, row.lr_psnr_y, row.lr_psnr_rgb) > 10
    assert row.seconds > 0


def test_measured_decibels_are_those_of_a_round_trip(source, tmp_path, weights):
    from unshrink.files.picture import read_picture
    from unshrink.metrics.quality import psnr_y

    run(job(shrinking(weights, measure=True), source, tmp_path / "out"))
    restored = Engine(weights=weights).up(tmp_path / "out" / "p1.x4.png")
    original = read_picture(source / "p1.png")
    assert rows(tmp_path / "out")["p1.png"].psnr_y == pytest.approx(psnr_y(original.rgb, restored.rgb, 4))


def test_a_second_run_does_nothing(source, tmp_path):
    out = tmp_path / "out"
    run(job(Copying(), source, out))
    parts = Manifest(Place(str(out))).place.parts()
    assert run(job(Copying(), source, out)) == {}
    assert Manifest(Place(str(out))).place.parts() == parts


def test_a_later_run_does_what_is_missing_or_changed_and_nothing_else(source, tmp_path):
    out = tmp_path / "out"
    run(job(Copying(), source, out))
    (out / "p1.copy").unlink()
    (out / "p3.copy").write_bytes(b"cut")
    (source / "deep" / "p0.png").write_bytes(b"another")
    (source / "new.png").write_bytes(b"new")
    (source / "broken.png").write_bytes(b"mended")
    touched = ["broken.png", "deep/p0.png", "new.png", "p1.png", "p3.png"]
    assert run(job(Copying(), source, out)) == dict.fromkeys(touched, "done")
    assert (out / "deep" / "p0.copy").read_bytes() == b"another"
    assert (out / "p3.copy").read_bytes() == (source / "p3.png").read_bytes()


def test_an_input_with_a_new_time_and_the_same_bytes_is_not_made_again(source, tmp_path):
    out = tmp_path / "out"
    run(job(Copying(), source, out))
    before = (out / "p1.copy").stat().st_mtime_ns
    os.utime(source / "p1.png", (1, 1))
    assert run(job(Copying(), source, out)) == {"p1.png": "done"}
    assert (out / "p1.copy").stat().st_mtime_ns == before
    assert run(job(Copying(), source, out)) == {}


def test_another_order_makes_all_anew(source, tmp_path):
    run(job(Copying(), source, tmp_path / "out"))
    assert len(run(job(Copying(asked="otherwise"), source, tmp_path / "out"))) == 7


def test_what_nobody_foresaw_is_a_row_too(source, tmp_path):
    statuses = run(job(Copying(), source, tmp_path / "out"))
    assert sorted(statuses.values()) == ["done"] * 6 + ["failed"]
    assert "ValueError: nobody foresaw this" in rows(tmp_path / "out")["broken.png"].error


def test_an_output_that_is_anothers_is_refused(source, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    (out / "p1.copy").write_bytes(b"mine")
    assert run(job(Copying(), source, out))["p1.png"] == "again"
    assert (out / "p1.copy").read_bytes() == b"mine"
    assert "--overwrite" in rows(out)["p1.png"].error
    assert run(job(Copying(), source, out, overwrite=True)) == {"p1.png": "done"}


def test_two_inputs_with_one_stem_keep_their_whole_names(tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    for name in ("a.png", "a.x.png", "b.png"):
        (folder / name).write_bytes(name.encode())

    class Short(Copying):
        def rename(self, path, *, whole):
            return f"{path.name if whole else path.name.split('.')[0]}.copy"

    run(job(Short(), folder, tmp_path / "out"))
    assert below(tmp_path / "out", ".copy") == ["a.png.copy", "a.x.png.copy", "b.copy"]


def test_shards_share_a_job_without_rest(source, tmp_path):
    out = tmp_path / "out"
    done = [run(job(Copying(), source, out, shard=Shard(number, 3))) for number in (1, 2, 3)]
    assert sum(map(len, done)) == len(set().union(*done)) == 7
    assert run(job(Copying(), source, out)) == {}


@pytest.mark.parametrize(("number", "of"), [(0, 3), (4, 3), (1, 0)])
def test_there_is_no_such_shard(number, of):
    with pytest.raises(UsageError, match="shard"):
        Shard(number, of)


def test_an_interrupted_job_keeps_what_it_did_and_goes_on(source, tmp_path):
    out = tmp_path / "out"
    one = job(Copying(), source, out)
    going = one.run(one.plan(), partial(run_here, workers=1))
    first = [next(going).input for _ in range(2)]
    going.close()
    held = rows(out)
    assert {held[name].status for name in first} == {"done"}
    assert sum(row.status == "due" for row in held.values()) == 5
    assert not set(run(job(Copying(), source, out))) & set(first)


def test_a_stopped_process_loses_its_picture_only(source, tmp_path):
    statuses = run(job(Copying(stops="p3.png"), source, tmp_path / "out"), workers=2)
    assert statuses.pop("p3.png") == "again"
    assert sorted(statuses.values()) == ["done"] * 5 + ["failed"]
    assert run(job(Copying(), source, tmp_path / "out")) == {"p3.png": "done"}


def test_a_folder_without_files_is_told(tmp_path):
    with pytest.raises(UnreadableInputError, match="no files"):
        job(Copying(), tmp_path / "nothing", tmp_path / "out").plan()


def test_a_damaged_part_is_named(source, tmp_path):
    run(job(Copying(), source, tmp_path / "out"))
    (tmp_path / "out" / "manifest.parquet" / "part-9.parquet").write_bytes(BROKEN)
    with pytest.raises(UnreadableInputError, match=r"part-9\.parquet"):
        job(Copying(), source, tmp_path / "out").plan()


def test_a_name_that_is_no_text_is_a_row(source, tmp_path):
    try:
        (source / os.fsdecode(b"\xff.png")).write_bytes(b"x")
    except OSError:
        pytest.skip("this file system takes no such name")
    assert run(job(Copying(), source, tmp_path / "out"))["\\xff.png"] == "again"
