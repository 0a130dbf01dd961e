"""The manual page and what shells complete."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
import typer

from unshrink.cli import man
from unshrink.cli.app import app


def test_the_page_has_every_command_and_option():
    page, lines = man.page(), man.page().splitlines()
    for name, command in typer.main.get_command(app).commands.items():
        assert any(line.startswith(f".SS unshrink {man._roff(name)} ") for line in lines)
        for param in command.params:
            for option in [*param.opts, *param.secondary_opts] if param.param_type_name == "option" else []:
                assert rf"\fB{man._roff(option)}\fR" in page
    assert page.startswith(".TH UNSHRINK 1")
    assert "5 over a limit" in page


def test_nothing_in_the_text_is_an_order_to_the_formatter():
    assert man._roff(".x -y") == r"\&.x \-y"
    orders = {line.split()[0] for line in man.page().splitlines() if line.startswith((".", "'"))}
    assert orders == {".TH", ".SH", ".SS", ".B", ".I", ".PP", ".TP"}


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("unshrink do", {"down", "doctor"}),
        ("unshrink down --mem", {"--memory"}),
        ("unshrink down -m irn-q-", {"irn-q-x2", "irn-q-x4"}),
        ("unshrink train irrm-l", {"irrm-l-x2", "irrm-l-x4"}),
    ],
)
def test_shells_complete_commands_options_and_names(typed, offered):
    words = {"COMP_WORDS": typed, "COMP_CWORD": str(typed.count(" ")), "_UNSHRINK_COMPLETE": "complete_bash"}
    run = subprocess.run(
        [sys.executable, "-c", "from unshrink.cli import run; run()"],
        capture_output=True, text=True, check=False, env=os.environ | words,
    )  # fmt: skip
    assert set(run.stdout.split()) == offered
