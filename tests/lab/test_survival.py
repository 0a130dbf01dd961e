"""The table of docs/survival.md says what happens, as far as the programs are here."""

from __future__ import annotations

import pytest

from lab import survival

SORTS = ["stream-x4", "irn-q-x4"]


def test_rows_of_the_table_are_true() -> None:
    found, told = dict(survival.measure(list(survival.PROGRAMS), SORTS, side=96)), survival.read_rows()
    assert "Pillow" in found
    for name, row in found.items():
        assert row.kept == told[name].kept, name
        assert row.answers == {sort: told[name].answers[sort] for sort in SORTS}, name
    if absent := [program.absent for name, program in survival.PROGRAMS.items() if name not in found]:
        pytest.skip(f"true as far as tried; there is no {', '.join(sorted(set(map(str, absent))))}")


def test_the_page_is_made_of_what_was_measured() -> None:
    assert f"\n{survival.page(survival.read_rows())}\n" in survival.PAGE.read_text(encoding="utf-8")


def test_no_program_makes_another_picture_of_a_file() -> None:
    rows = survival.read_rows()
    assert rows.keys() >= {"Pillow", "cropped by a pixel", "Pillow, to JPEG"}
    for row in rows.values():
        assert all(answer.startswith(("back", "4: ")) for answer in row.answers.values())
        if row.kept["pixels"]:
            assert all(row.answers[sort].startswith("back") for sort in ("stream-x4", "hidden-avif"))
