"""`down` and `up` as jobs with a manifest."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from cluster.jobs import draw, rows
from samples import names
from unshrink.cli import main

Call = Callable[..., int]


@pytest.fixture
def call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Call:
    monkeypatch.chdir(tmp_path)
    draw(tmp_path / "in", 4)
    return lambda *words: main(words)


def test_down_and_up_keep_the_tree_and_a_second_run_is_idle(call, weights, tmp_path, capsys):
    down = ["down", "in", "small", "--manifest", "--weights", weights]
    assert call(*down) == 1
    assert "4 done, 1 failed" in capsys.readouterr().out
    assert call(*down) == 0
    assert "nothing to do; settled before: 4 done, 1 failed" in capsys.readouterr().out
    assert call("up", "small", "back", "--manifest", "--weights", weights, "-f", "webp") == 0
    assert (tmp_path / "back" / "deep" / "p0.restored.webp").is_file()
    assert call("up", "small", "back", "--manifest", "--weights", weights, "-f", "webp") == 0


def test_processes_give_the_same_files(call, weights, tmp_path):
    call("down", "in", "one", "--manifest", "--weights", weights)
    call("down", "in", "two", "--manifest", "--weights", weights, "-j", "2")
    one, two = rows(tmp_path / "one"), rows(tmp_path / "two")
    assert {row.output_sha256 for row in one.values()} == {row.output_sha256 for row in two.values()}


def test_shards_and_json(call, weights, tmp_path, capsys):
    documents = []
    for shard in ("1/2", "2/2"):
        call("down", "in", "out", "--shard", shard, "--weights", weights, "--json")
        documents.append(json.loads(capsys.readouterr().out)["results"][0])
    assert sum(sum(document["now"].values()) for document in documents) == 5
    assert all(document["left"] == 0 for document in documents)
    assert len(rows(tmp_path / "out")) == 5


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["in", "--manifest"], "from one folder or URL to another"),
        (["in", "out", "--shard", "3"], "third of sixteen"),
        (["in", "out", "--shard", "3/2"], "shard"),
        (["in", "out", "--manifest", "--skip-existing"], "knows what is done"),
        (["in", "out", "--on", "rai"], "did you mean 'ray'"),
        (["in", "out", "--manifest", "--actors", "2"], "go with --on ray"),
        (["in", "out", "--measure"], "goes with --manifest"),
        (["in", "memory://out", "--manifest", "-j", "2"], "one process only"),
    ],
)
def test_what_does_not_go_together_is_told(call, words, message, weights, capsys):
    assert call("down", *words, "--weights", weights) == 2
    assert message in capsys.readouterr().err
    assert names(Path("in")) == ["broken.png", "notes.txt", "p0.png", "p1.png", "p2.png", "p3.png"]


def test_same_format_cannot_be_planned(call, capsys):
    assert call("up", "in", "out", "--manifest", "-f", "same") == 2
    assert "--format" in capsys.readouterr().err


def test_nothing_of_the_extra_is_imported_without_need(call, weights):
    code = (
        "import sys; from unshrink.cli import main;"
        f"main(['down', 'in/p1.png', 'a.png', '--weights', {weights!r}]);"
        "print([name for name in ('pyarrow', 'ray', 'fsspec.core', 'unshrink.cluster') if name in sys.modules])"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize("missing", ["pyarrow", "fsspec.core"])
def test_a_missing_extra_is_told(call, weights, monkeypatch, capsys, missing):
    monkeypatch.setitem(sys.modules, missing, None)
    assert call("down", "in", "out", "--manifest", "--weights", weights) == 2
    assert "unshrink[cluster]" in capsys.readouterr().err
