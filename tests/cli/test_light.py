"""What needs no network needs no torch: it is not imported, and may be missing."""

from __future__ import annotations

import subprocess
import sys

import pytest

BLOCKED = """
import sys
class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "torch":
            raise ModuleNotFoundError("No module named 'torch'", name="torch")
sys.meta_path.insert(0, Blocker())
"""
CALL = """
import sys
from unshrink.cli import main
codes = [main(line.split()) for line in sys.argv[1:]]
print("torch" in sys.modules, codes, file=sys.stderr)
"""


@pytest.fixture
def small(call, draw, weights):
    draw("photo.png")
    assert call("down", "photo.png", "--weights", weights[4]).code == 0


def python(code: str, *lines: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code, *lines], capture_output=True, text=True, check=False)


QUICK = ("models", "recipes", "info photo.x4.png", "verify photo.x4.png", "strip photo.x4.png bare.png")


def test_torch_is_not_imported_where_no_network_runs(small):
    result = python(CALL, *QUICK, "strip bare.png bare.jpg", "doctor", "down --help", "--version")
    assert result.stderr.splitlines()[-1] == f"False {[0] * len(QUICK) + [2, 0, 0, 0]}"


def test_without_torch_all_else_works_and_its_absence_is_one_sentence(small):
    result = python(BLOCKED + CALL, *QUICK, "doctor", "down photo.png out.png", "up photo.x4.png")
    *sentences, last = result.stderr.splitlines()
    assert last == f"False {[0] * len(QUICK) + [1, 1, 1]}"
    assert sentences.pop(0) == "unshrink: down and up cannot be relied on here; see torch."
    assert len(sentences) == 2
    for sentence in sentences:
        assert sentence.startswith("unshrink: Networks run on torch, which is not installed")
        assert "pip install torch" in sentence


def test_without_torch_python_says_so_too():
    result = python(BLOCKED + "import unshrink; print(len(unshrink.list_models())); unshrink.down('photo.jpg')")
    assert int(result.stdout) > 20
    assert result.stderr.splitlines()[-1].startswith("unshrink.errors.MissingTorchError: Networks run on torch")
