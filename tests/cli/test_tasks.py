from __future__ import annotations

from pathlib import Path

import pytest

from unshrink.cli.tasks import (
    Found,
    arrange,
    ending_for,
    expand,
    restored_name,
    small_name,
    split_names,
)
from unshrink.errors import UnknownNameError, UnreadableInputError, UsageError


def never(path: Path) -> bool:
    return False


def always(path: Path) -> bool:
    return True


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("b.jpg", "a.jpg", "a.x4.png", ".hidden.jpg"):
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "c.jpg").write_bytes(b"x")
    (tmp_path / "empty").mkdir()
    return tmp_path


@pytest.mark.parametrize(
    ("names", "out", "expected"),
    [
        (["a.jpg"], None, (["a.jpg"], None)),
        (["a.jpg", "new.png"], None, (["a.jpg"], "new.png")),
        (["a.jpg", "-"], None, (["a.jpg"], "-")),
        (["a.jpg", "sub"], None, (["a.jpg"], "sub")),
        (["a.jpg", "new/"], None, (["a.jpg"], "new/")),
        (["a.jpg", "b.jpg", "sub"], None, (["a.jpg", "b.jpg"], "sub")),
        (["a.jpg", "b.jpg", "c.jpg"], None, (["a.jpg", "b.jpg", "c.jpg"], None)),
        (["a.jpg", "b.jpg"], "sub", (["a.jpg", "b.jpg"], "sub")),
        (["a.jpg", "sub"], "new/", (["a.jpg", "sub"], "new/")),
    ],
)
def test_split_names_tells_inputs_from_output(names, out, expected):
    assert split_names(names, out, never) == expected


def test_split_names_refuses_an_output_that_may_be_an_input():
    with pytest.raises(UsageError, match=r"-o FOLDER"):
        split_names(["a.jpg", "b.jpg"], None, never)
    assert split_names(["a.jpg", "b.jpg"], None, always) == (["a.jpg"], "b.jpg")


def test_expand_lists_files_of_folders_and_patterns_once_and_in_order():
    names = [found.name for found in expand(["b.jpg", ".", "sub/*.jpg"])]
    assert names == ["b.jpg", "a.jpg", "a.x4.png", "sub/c.jpg"]
    assert [found.listed for found in expand(["b.jpg", "sub"])] == [False, True]
    assert [found.name for found in expand(["**/c.jpg"])] == ["sub/c.jpg"]


def test_expand_takes_a_file_whose_name_looks_like_a_pattern(folder):
    (folder / "a[1].jpg").write_bytes(b"x")
    assert expand(["a[1].jpg"]) == [Found("a[1].jpg")]


@pytest.mark.parametrize("name", ["*.gif", "empty"])
def test_expand_refuses_what_holds_nothing(name):
    with pytest.raises(UnreadableInputError, match="no file"):
        expand([name])


def rename(path: Path, whole: bool) -> str:
    return small_name(path, "x4", ".png", whole)


@pytest.mark.parametrize(
    ("name", "out", "expected"),
    [
        ("sub/c.jpg", None, "sub/c.x4.png"),
        ("sub/c.jpg", "new.png", "new.png"),
        ("sub/c.jpg", "empty", "empty/c.x4.png"),
        ("sub/c.jpg", "new/", "new/c.x4.png"),
        ("a.jpg", None, "a.x4.png"),
        ("-", None, "-"),
        ("-", "new/", "new/stdin.x4.png"),
    ],
)
def test_arrange_names_the_output(name, out, expected):
    (task,) = arrange([Found(name)], out, rename, never)
    assert (task.output, task.problem) == (expected, None)


def test_arrange_refuses_one_file_for_several():
    with pytest.raises(UsageError, match=r"name a folder \(x.png/\)"):
        arrange([Found("a.jpg"), Found("b.jpg")], "x.png", rename, never)
    with pytest.raises(UsageError, match="to standard output; name a folder"):
        arrange([Found("a.jpg"), Found("b.jpg")], "-", rename, never)
    with pytest.raises(UsageError, match="name a folder"):
        arrange([Found("a.jpg", listed=True)], "x.png", rename, never)


def test_arrange_never_writes_over_an_input():
    (alone,) = arrange([Found("a.jpg")], "a.jpg", rename, always)
    assert alone.problem is not None
    both = [Found("a.jpg"), Found("a.x4.png")]
    assert arrange(both, None, rename, never)[0].problem is not None
    assert arrange(both, None, rename, always)[0].problem is None


def test_default_names():
    assert small_name(Path("d/photo.jpg"), "x4", ".webp") == "photo.x4.webp"
    assert restored_name(Path("d/photo.x4.png"), ".png") == "photo.restored.png"
    assert restored_name(Path("photo.v2.png"), ".tif") == "photo.v2.restored.tif"


def test_ending_for_names_the_nearest_format():
    assert ending_for(None, {"png": ".png"}) == ".png"
    assert ending_for("tiff", {"png": ".png", "tiff": ".tif"}) == ".tif"
    with pytest.raises(UnknownNameError, match="did you mean 'tiff'"):
        ending_for("tif", {"png": ".png", "tiff": ".tif"})
