"""Small folders of made-up pictures, and the standard test sets where they are at hand.

That this file is here lets every folder of tests import `samples`.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from samples import smooth_picture


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """A folder "toys": a colour picture of odd size, a grey one, and things that are no pictures."""
    folder = tmp_path / "toys"
    folder.mkdir()
    smooth_picture(51, 70).save(folder / "b.png")
    smooth_picture(48, 48, seed=1, channels=1).save(folder / "a.PNG")
    (folder / "notes.txt").write_text("not a picture")
    (folder / ".hidden.png").write_bytes(b"not a picture either")
    (folder / "folder.png").mkdir()
    return folder


@pytest.fixture(scope="session")
def eval_set() -> Callable[[str], Path]:
    """Finds a standard test set, or skips."""

    def find(name: str) -> Path:
        root = os.environ.get("UNSHRINK_EVAL_DATA")
        if not root:
            pytest.skip("UNSHRINK_EVAL_DATA is not set: it names the folder that holds Set5, Set14 and BSD100")
        if not (Path(root) / name).is_dir():
            pytest.skip(f"UNSHRINK_EVAL_DATA has no folder {name}")
        return Path(root) / name

    return find
