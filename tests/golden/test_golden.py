"""Files that earlier versions wrote restore to the pixels that they restored to then."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from unshrink.rescale import Engine

FILES = Path(__file__).parent / "files"
NAMES = sorted(path.name for path in FILES.iterdir() if path.is_file())
FAR = 0.002
"""Of all values: what may be a level off, where machines add up in another order."""


def test_there_are_files_of_every_container_and_little_of_them():
    assert {Path(name).suffix for name in NAMES} == {".png", ".webp", ".tif"}
    assert sum(path.stat().st_size for path in FILES.rglob("*") if path.is_file()) < 150_000


@pytest.mark.parametrize("name", NAMES)
def test_an_old_file_restores_to_the_same_pixels(name):
    restored = Engine(precision="float32").up(FILES / name).to_pil()
    kept = Image.open(FILES / "restored" / f"{name}.png")
    assert (restored.size, restored.mode) == (kept.size, kept.mode)
    off = np.abs(np.asarray(restored).astype(int) - np.asarray(kept).astype(int))
    assert off.max() <= 1
    assert (off > 0).mean() < FAR
