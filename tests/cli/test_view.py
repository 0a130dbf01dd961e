from __future__ import annotations

import json
import math

import pytest

from unshrink.cli.quantities import read_duration
from unshrink.cli.view import View, _figures, dimensions, scale_value, to_json
from unshrink.errors import UsageError
from unshrink.rescale.progress import Step


def test_json_has_no_infinities():
    value = {"psnr": math.inf, "list": [1.5, -math.inf, math.nan], "pair": (1, 2), "text": "é"}
    assert json.loads(to_json(value)) == {"psnr": None, "list": [1.5, None, None], "pair": [1, 2], "text": "é"}


def test_sizes_are_told_width_first():
    assert dimensions((480, 640)) == "640x480"


def test_scale_is_one_number_where_it_can_be():
    assert scale_value((4.0, 4.0)) == 4
    assert scale_value((1.5, 1.5)) == 1.5
    assert scale_value((2.0, 4.0)) == {"width": 4, "height": 2}


def test_results_and_notes_go_to_their_streams(capsys):
    view = View()
    view.result("result")
    view.note("note")
    view.error("error")
    view.document({})
    assert capsys.readouterr() == ("result\n", "unshrink: note\nunshrink: error\n")


def test_quiet_keeps_errors_and_results(capsys):
    view = View(quiet=True)
    view.result("result")
    view.note("note")
    view.error("error")
    assert capsys.readouterr() == ("result\n", "unshrink: error\n")


def test_results_make_way_for_a_picture(capsys):
    View(results_to_stderr=True).result("result")
    assert capsys.readouterr() == ("", "result\n")


def test_progress_draws_nothing_where_there_is_no_terminal(capsys):
    view = View()
    with view.progress(3):
        view.step("one", done=1)
    assert capsys.readouterr() == ("", "")


def test_progress_on_a_terminal_makes_way_for_results(capsys, monkeypatch):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    view = View()
    with view.progress(3):
        view.step("one.png", done=1)
        view.result("result")
    out, err = capsys.readouterr()
    assert out == "result\n"
    assert "one.png" in err or "1/3" in err


def test_progress_has_a_row_for_each_process(capsys, monkeypatch):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    view = View()
    with view.progress(3, rows=2):
        view.show(0, "one.png", Step("improve", 0.5))
        view.show(1, "two.png", "read")
        assert view._bar is not None
        assert [task.completed for task in view._bar.tasks] == [0.5, 0.5, 0.0]
        view.finished(1)
        view.show(1, "two.png", Step("improve", 0.25))
        assert view._bar.tasks[0].completed == 1.25
        view.result("result")
    assert capsys.readouterr().out == "result\n"


@pytest.mark.parametrize(
    ("done", "total", "seconds", "text"),
    [
        (0, 40, 3.0, "0/40"),
        (10, 40, 5.0, "10/40 2/s 0:15 left"),
        (10.5, 40, 42.0, "10/40 4 s each 1:58 left"),
        (1, 2000, 10.0, "1/2000 10 s each 5:33:10 left"),
        (5, None, 61.0, "1:01"),
    ],
)
def test_figures_of_progress(done, total, seconds, text):
    assert _figures(done, total, seconds) == text


@pytest.mark.parametrize(
    ("text", "seconds"), [("90m", 5400), ("1h30m", 5400), ("45s", 45), ("2d", 172800), ("0.5h", 1800), ("20", 20)]
)
def test_durations(text, seconds):
    assert read_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "m", "5y", "1h 30m", "-5m", "0s", "90mm", "1e3"])
def test_wrong_durations(text):
    with pytest.raises(UsageError, match="--max-time"):
        read_duration(text)
