"""What the pages of docs/ tell people to type works; the README has a test of its own."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from unshrink.cli import main

ROOT = Path(__file__).parents[1]
PAGES = sorted(ROOT.glob("docs/*.md"))
TAKES_LONG = {"--max-time": "1s"}
"""Options of the pages that are given smaller values here."""
ELSEWHERE = {"export.md": "tests/export/test_onnx.py", "web.md": "tests/web/test_serve.py"}
"""Pages whose commands another test runs, in Python."""
PYTHON_ELSEWHERE = {
    "export.md": "tests/export/test_onnx.py",
    "file-format.md": "tests/files/test_format_page.py",
    "library.md": "tests/test_many.py",
}
"""The tests that run the Python of each page that has any."""


def commands(page: Path) -> list[list[str]]:
    """The commands that can be typed as they stand: indented, without what explains them, and with no placeholder."""
    lines = re.findall(r"^    (unshrink .*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    typed = [shlex.split(re.split(r"\s{2,}|#", line)[0])[1:] for line in lines]
    return [words for words in typed if not any(re.fullmatch(r"\[?[A-Z]+[A-Z.]*\]?", word) for word in words)]


def soft(size: tuple[int, int]) -> Image.Image:
    coarse = np.random.default_rng(0).integers(0, 255, (9, 12, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC)


@pytest.fixture
def desk(tmp_path, monkeypatch):
    """A folder with the pictures that the pages speak of."""
    monkeypatch.chdir(tmp_path)
    for name in (
        "photo.jpg",
        "page.png",
        "holiday/a.jpg",
        "holiday/day 2/a.jpg",
        "Set5/a.png",
        "Set14/a.png",
        "BSD100/a.png",
    ):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        soft((97, 70)).save(name)
    for number in range(18):
        Path("pictures").mkdir(exist_ok=True)
        soft((256, 256)).save(f"pictures/{number}.png")
    return tmp_path


@pytest.mark.parametrize("page", [page for page in PAGES if commands(page)], ids=lambda page: page.name)
def test_the_commands_of_a_page_work_in_their_order(page, desk):
    if page.name in ELSEWHERE:
        assert page.name in (ROOT / ELSEWHERE[page.name]).read_text(encoding="utf-8")
        return
    for words in commands(page):
        shorter = [TAKES_LONG.get(before, word) for before, word in zip(["", *words], words, strict=False)]
        assert main([*shorter, "--overwrite"] if words[0] in ("down", "up") else shorter) == 0, words


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_python_of_a_page_is_run_by_a_test(page):
    if "```python" in page.read_text(encoding="utf-8"):
        assert page.name in (ROOT / PYTHON_ELSEWHERE[page.name]).read_text(encoding="utf-8")


def test_the_overview_of_commands_is_whole():
    import typer

    from unshrink.cli.app import app

    page = (ROOT / "docs/cli.md").read_text(encoding="utf-8").partition("## ")[0]
    assert re.findall(r"^    unshrink (\w+)", page, re.MULTILINE) == list(typer.main.get_command(app).commands)


def test_modules_that_pages_run_are_there():
    for page in [*PAGES, ROOT / "README.md"]:
        for module in re.findall(r"python -m ([\w.]+)", page.read_text(encoding="utf-8")):
            assert list(ROOT.glob(f"**/{module.replace('.', '/')}*")), (page.name, module)
