"""Whole folders: the tree kept, names that never meet, what is finished left alone, interrupted and gone on with."""

from __future__ import annotations

import io
import json
import os
import sys
from pathlib import Path

import pytest

from samples import names, pixels
from unshrink.cli import main
from unshrink.cli.batch import Batch, Done
from unshrink.cli.tasks import Found, Task, arrange, expand, is_restored_name, restored_name, small_name
from unshrink.cli.view import View
from unshrink.errors import UnreadableInputError


def below(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def rename(path: Path, whole: bool) -> str:
    return small_name(path, "x4", ".png", whole)


def outputs(found: list[Found]) -> list[str]:
    tasks = arrange(found, "out/", rename, lambda path: False)
    assert [task.problem for task in tasks] == [None] * len(tasks)
    return [task.output for task in tasks]


@pytest.fixture
def tree(draw) -> list[str]:
    """The same names in several folders."""
    made = [f"tree/{folder}{name}.jpg" for folder in ("", "a/", "a/deep/", "b/") for name in ("one", "two")]
    for name in made:
        draw(name)
    return made


def test_recursive_keeps_the_tree(down, up, tree, tmp_path):
    assert down("tree", "-r", "-o", "small/").code == 0
    expected = [name.removeprefix("tree/").replace(".jpg", ".x4.png") for name in tree]
    assert below(tmp_path / "small") == sorted(expected)
    assert up("small", "-r", "-o", "back/").code == 0
    assert below(tmp_path / "back") == sorted(name.replace(".x4.", ".restored.") for name in expected)


def test_a_pattern_keeps_the_folders_below_its_fixed_part(tree, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert outputs(expand(["tree/**/one.jpg"])) == [
        "out/a/deep/one.x4.png",
        "out/a/one.x4.png",
        "out/b/one.x4.png",
        "out/one.x4.png",
    ]


def test_names_given_one_by_one_keep_their_folders_only_where_they_would_meet(tree, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert outputs(expand(["tree/a/one.jpg", "tree/b/two.jpg"])) == ["out/one.x4.png", "out/two.x4.png"]
    assert outputs(expand(["tree/a/one.jpg", "tree/b/one.jpg"])) == ["out/a/one.x4.png", "out/b/one.x4.png"]


def test_a_folder_of_folders_says_how_to_read_them(down, draw):
    draw("tree/a/one.jpg")
    result = down("tree", "-o", "out/")
    assert result.code == 3
    assert "--recursive" in result.err


def test_the_same_stem_keeps_the_whole_name(down, up, draw, tmp_path):
    for name in ("in/a.png", "in/a.jpg", "in/b.png"):
        draw(name)
    assert down("in", "-o", "out/").code == 0
    assert names(tmp_path / "out") == ["a.jpg.x4.png", "a.png.x4.png", "b.x4.png"]
    assert up("out", "-o", "back/").code == 0
    assert names(tmp_path / "back") == ["a.jpg.restored.png", "a.png.restored.png", "b.restored.png"]
    assert pixels(tmp_path / "back" / "a.jpg.restored.png").shape == (25, 38, 3)


def test_names_without_an_ending_stay_whole(down, draw, tmp_path):
    for name in ("in/Shot 10.15.32", "in/Shot 10.15.40"):
        draw(name + ".png").rename(tmp_path / name)
    assert down("in", "-o", "out/").code == 0
    assert names(tmp_path / "out") == ["Shot 10.15.32.x4.png", "Shot 10.15.40.x4.png"]
    assert restored_name(Path("Shot 10.15.32.x4.png"), ".png") == "Shot 10.15.32.restored.png"


@pytest.mark.parametrize("pattern", ["Trip [2023]/*.png", "Trip [2023]/*[ab].png", "*/a.png", "Trip [[]2023]/*.png"])
def test_brackets_in_the_names_of_folders(draw, tmp_path, monkeypatch, pattern):
    draw("Trip [2023]/a.png")
    monkeypatch.chdir(tmp_path)
    assert [found.name for found in expand([pattern])] == ["Trip [2023]/a.png"]
    with pytest.raises(UnreadableInputError, match="matches no file"):
        expand(["Trip [2023]/*.gif"])


def test_restored_pictures_are_not_shrunk_again(down, up, draw, tmp_path):
    draw("in/a.png")
    assert down("in").code == up("in").code == 0
    again = down("in", "--overwrite", "--json").json
    assert [entry["input"] for entry in again["results"]] == ["in/a.png"]
    assert [entry["input"] for entry in again["passed_over"]] == ["in/a.restored.png", "in/a.x4.png"]
    assert down("in/a.restored.png").code == 0
    assert is_restored_name(Path("a.restored.jpg"))
    assert not is_restored_name(Path("restored.jpg"))


def test_pictures_that_are_small_enough_are_a_note(call, draw):
    draw("in/large.png", (90, 120))
    draw("in/small.png", (20, 30))
    result = call("down", "in", "--max-side", "60", "-o", "out/", "--json", "--no-exact-blocks")
    assert result.code == 0
    (passed,) = result.json["passed_over"]
    assert (passed["input"], passed["reason"][:13]) == ("in/small.png", "small enough:")
    assert call("down", "in/small.png", "--max-side", "60").code == 2


def test_what_is_finished_is_a_note(down, draw, tmp_path):
    draw("in/a.png")
    draw("in/b.png")
    assert down("in/a.png", "-o", "out/").code == 0
    before = (tmp_path / "out" / "a.x4.png").stat().st_mtime_ns
    result = down("in", "-o", "out/", "--skip-existing", "--json")
    assert result.code == 0
    assert result.json["passed_over"] == [{"input": "in/a.png", "reason": "finished already"}]
    assert [entry["input"] for entry in result.json["results"]] == ["in/b.png"]
    assert (tmp_path / "out" / "a.x4.png").stat().st_mtime_ns == before


@pytest.mark.parametrize(
    ("spoil", "options", "message"),
    [
        (lambda path, photo: path.write_bytes(path.read_bytes()[:-40]), (), "no whole LR file"),
        (lambda path, photo: photo.write_bytes(photo.read_bytes() + b" "), (), "made of another file"),
        (lambda path, photo: None, ("--effort", "1"), "made with the defaults"),
        (lambda path, photo: None, ("--no-exact-blocks",), "made with the defaults"),
        (lambda path, photo: path.write_bytes(photo.read_bytes()), (), "no whole LR file"),
    ],
)
def test_what_only_looks_finished_is_told_and_made_anew_when_asked(down, draw, tmp_path, spoil, options, message):
    photo = draw("a.png")
    small = tmp_path / "a.x4.png"
    assert down("a.png").code == 0
    spoil(small, photo)
    before = small.read_bytes()
    result = down("a.png", "--skip-existing", *options)
    assert result.code == 2
    assert message in result.err
    assert small.read_bytes() == before
    assert down("a.png", "--skip-existing", "--overwrite", *options).code == 0
    assert "finished already" in down("a.png", "--skip-existing", *options).err


def test_other_weights_and_sizes_are_not_finished(call, down, draw, weights):
    draw("a.png", (64, 64))
    assert down("a.png", "out.png").code == 0
    other = call("down", "a.png", "out.png", "--skip-existing", "--weights", weights[2])
    assert (other.code, "was made with irn-q-x4" in other.err) == (2, True)


def test_what_is_restored_already_is_a_note(down, up, draw, tmp_path):
    draw("a.png")
    down("a.png")
    assert up("a.x4.png").code == 0
    again = up("a.x4.png", "--skip-existing", "--json")
    assert (again.code, again.json["passed_over"][0]["reason"]) == (0, "finished already")
    restored = tmp_path / "a.restored.png"
    os.utime(tmp_path / "a.x4.png", (restored.stat().st_mtime + 9,) * 2)
    assert "older" in up("a.x4.png", "--skip-existing").err
    draw("a.restored.png", (3, 4))
    assert "another size" in up("a.x4.png", "--skip-existing").err
    restored.write_bytes(b"\x89PNG\r\n\x1a\n")
    assert "no whole picture" in up("a.x4.png", "--skip-existing").err
    assert up("a.x4.png", "--skip-existing", "--overwrite").code == 0
    assert up("a.x4.png", "--skip-existing", "--sigma", "0.5").code == 2


def test_an_interruption_tells_what_is_done_and_the_next_run_goes_on(down, call, tree, tmp_path, monkeypatch):
    from unshrink.cli import rescaling

    work, count = rescaling.Shrinking.__call__, iter(range(9))

    def interrupted(*arguments):
        if next(count) == 3:
            raise KeyboardInterrupt
        return work(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(rescaling.Shrinking, "__call__", interrupted)
        result = down("tree", "-r", "-o", "small/", "--json")
    assert result.code == 130
    document = result.json
    assert document["interrupted"] is True
    assert [entry["input"] for entry in document["results"]] + document["left"] == [
        found.name for found in expand(["tree"], recursive=True)
    ]
    assert len(document["left"]) == 5
    assert "3 done, interrupted with 5 left" in result.err
    again = down("tree", "-r", "-o", "small/", "--json", "--skip-existing")
    assert again.code == 0
    assert [entry["input"] for entry in again.json["results"]] == document["left"]
    assert len(below(tmp_path / "small")) == 8


def test_several_processes_give_the_same_files_in_the_same_order(down, draw, tmp_path):
    for number in range(3):
        draw(f"in/{number}.png", (20 + number, 30))
    (tmp_path / "in" / "1b.png").write_bytes(b"")
    one = down("in", "-o", "one/", "--json")
    many = down("in", "-o", "many/", "--jobs", "2", "--json")
    assert (one.code, many.code) == (1, 1)
    assert [entry["input"] for entry in many.json["results"]] == [entry["input"] for entry in one.json["results"]]
    assert many.json["failed"] == one.json["failed"]
    for number in range(3):
        name = f"{number}.x4.png"
        assert (tmp_path / "many" / name).read_bytes() == (tmp_path / "one" / name).read_bytes()


class Stops:
    """A job whose process is stopped from outside at one of its inputs; it can be pickled."""

    def __call__(self, task: Task, tell: object) -> Done:
        if task.source.name == "1":
            os._exit(9)
        return Done({"input": task.source.name}, task.source.name)


def test_a_process_that_is_stopped_is_a_failure_of_what_it_did_not_do(capsys):
    batch = Batch("down", View(quiet=True))
    assert batch.run([Task(Found(name)) for name in "0123"], Stops(), workers=2) == 1
    assert "1" in [entry["input"] for entry in batch.failed]
    assert all("process was stopped" in entry["message"] for entry in batch.failed)
    assert len(batch.failed) + len(batch.results) == 4


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252"])
def test_json_is_utf8_whatever_the_terminal_speaks(tmp_path, monkeypatch, encoding):
    monkeypatch.chdir(tmp_path)
    out = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(out, encoding=encoding))
    assert main(["info", "été 写真.png", os.fsdecode(b"caf\xe9.png"), "--json"]) == 1
    failed = json.loads(out.getvalue().decode("utf-8"))["failed"]
    assert [entry["input"] for entry in failed] == ["été 写真.png", os.fsdecode(b"caf\xe9.png")]


def test_effort_moves_the_bar_within_a_picture(call, draw, weights, monkeypatch):
    shares = []
    monkeypatch.setattr(
        View, "show", lambda self, row, name, step: shares.append((str(step), getattr(step, "share", 0)))
    )
    draw("a.png")
    assert call("down", "a.png", "-e", "4", "--weights", weights[4]).code == 0
    improving = [share for step, share in shares if step == "improve"]
    assert improving == sorted(improving)
    assert (improving[0], len(improving)) == (0.0, 6)
    assert improving[-1] < 1


@pytest.mark.parametrize("text", ["0", "-1", "two", "1.5", ""])
def test_jobs_and_threads_are_numbers_or_auto(down, draw, text):
    draw("a.png")
    assert down("a.png", "--jobs", text).code == 2
    assert down("a.png", "--threads", text).code == 2
