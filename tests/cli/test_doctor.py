from __future__ import annotations

import pytest

from unshrink import checkup
from unshrink.checkup import Finding

GOOD = Finding("torch", "9.9", required=True, facts={"version": "9.9"})
ABSENT = Finding("extra plots", "not installed; for plots", ok=False, advice="pip install 'unshrink[plots]'")
BROKEN = Finding("models", "irn-q-x4 is damaged", ok=False, required=True, advice="Install unshrink anew.")


@pytest.fixture
def found(monkeypatch):
    """Makes the checks find what the test says."""

    def find(*findings: Finding) -> None:
        monkeypatch.setattr(checkup, "examine", lambda thorough: list(findings))

    return find


def test_a_sound_installation_for_people(call, found):
    found(GOOD, ABSENT)
    result = call("doctor")
    assert (result.code, result.err) == (0, "")
    lines = [line.split() for line in result.text.splitlines()]
    assert lines[0] == ["ok", "torch", "9.9"]
    assert lines[1][:3] == ["-", "extra", "plots"]
    assert lines[1][-3:] == ["pip", "install", "'unshrink[plots]'"]


def test_a_broken_one_says_so_and_fails(call, found):
    found(GOOD, BROKEN)
    result = call("doctor")
    assert result.code == 1
    assert result.err == "unshrink: down and up cannot be relied on here; see models.\n"
    assert "BROKEN  models" in result.text


def test_json(call, found):
    found(GOOD, BROKEN)
    result = call("doctor", "--json")
    assert result.code == 1
    assert result.json["command"] == "doctor"
    assert result.json["sound"] is False
    assert result.json["results"][0] == {
        "name": "torch",
        "text": "9.9",
        "ok": True,
        "required": True,
        "advice": "",
        "facts": {"version": "9.9"},
    }
