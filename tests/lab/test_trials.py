"""What docs/security.md counts is what the command counted, and a short run of it finds no fault either."""

from __future__ import annotations

import json

import pytest

from lab import trust


@pytest.mark.parametrize("name", trust.TRIALS)
def test_a_few_tries_have_no_fault(name: str) -> None:
    trial = trust.TRIALS[name]
    counts = trust.Counter(trial.outcomes(max(1, 300 // trial.share)))
    assert trust.faults({name: dict(counts)}) == []
    assert sum(counts.values()) >= 1


def test_the_page_has_what_was_counted() -> None:
    counts = json.loads(trust.RESULTS.read_text(encoding="utf-8"))
    assert counts.keys() == trust.TRIALS.keys()
    assert trust.faults(counts) == []
    assert trust.page(counts) in trust.PAGE.read_text(encoding="utf-8")


def test_a_fault_is_named() -> None:
    assert trust.faults({"LR files cut short": {"refused": 3, "another picture": 2}}) == [
        "LR files cut short: another picture (2 times)"
    ]
