"""Make LR files to be kept, and what they restore to: `python tests/golden/make.py FOLDER`.

Run it with the version of unshrink whose files are to be kept. `test_golden.py` restores them with every later one.
"""

import sys
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from unshrink.models import zoo
from unshrink.rescale import Engine

CASES: dict[str, dict[str, Any]] = {
    "irn-q-x2-grey.png": {"model": "irn-q-x2", "mode": "L"},
    "irn-q-x4.webp": {"model": "irn-q-x4", "effort": 1, "exact_blocks": True},
    "irn-q-x4-alpha.png": {"model": "irn-q-x4", "mode": "RGBA"},
    "irn-q-x4-first.tif": {"model": "irn-q-x4", "version": "v1"},
    "irn-qa-x2-chunk.png": {"model": "irn-qa-x2"},
    "irn-qa-x2-alpha.webp": {"model": "irn-qa-x2", "carrier": "alpha"},
    "irn-qa-x2-own-alpha.png": {"model": "irn-qa-x2", "carrier": "alpha", "mode": "RGBA"},
    "lite-x2.tif": {"model": "lite-x2", "mode": "L"},
    "dlv-a-x4.png": {"model": "dlv-a-x4", "effort": 2},
    "dlv-a-x4-floor.tif": {"model": "dlv-a-x4", "carrier": "floor"},
    "dlv-m-x2.webp": {"model": "dlv-m-x2"},
    "dlv-m-x2-bounded.png": {"model": "dlv-m-x2", "payload_budget": 40},
    "dlv-m-x2-none.png": {"model": "dlv-m-x2", "payload_budget": 0},
    "iarn-q-x2.5.png": {"model": "iarn-q", "scale": 2.5},
    "iarn-q-x1.5x3.webp": {"model": "iarn-q", "scale": (1.5, 3.0)},
    "iarn-x1.5.tif": {"model": "iarn", "scale": 1.5, "mode": "RGBA"},
    "irn-sigma-x4.png": {"model": "irn-sigma-x4"},
    "irrm-s-x2.webp": {"model": "irrm-s-x2"},
}


def picture(seed: int, mode: str) -> Image.Image:
    """Soft colours with noise and a little writing, 24 to 41 pixels a side, odd sizes among them."""
    rng = np.random.default_rng(seed)
    size = int(rng.integers(24, 42)), int(rng.integers(20, 33))
    coarse = rng.integers(0, 256, (5, 6, 4), dtype=np.uint8)
    soft = np.asarray(Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC)).astype(int)
    image = Image.fromarray((soft + rng.integers(-9, 10, soft.shape)).clip(0, 255).astype(np.uint8)).convert(mode)
    ImageDraw.Draw(image).text((1, 1), "ab", fill=0 if mode == "L" else (0,) * 3 + (255,) * (mode == "RGBA"))
    return image


def make(folder: Path, name: str, seed: int, *, mode: str = "RGB", version: str | None = None, **asked: Any) -> None:
    """An LR file of that name in `folder`, and what it restores to in its subfolder."""
    old = None if version is None else next(one.path for one in zoo.versions(asked["model"]) if one.version == version)
    blocks = asked.pop("exact_blocks", False)  # they would hide what the network restores
    small = Engine(weights=old, precision="float32").down(picture(seed, mode), exact_blocks=blocks, **asked)
    small.save(folder / name)
    restored = Engine(precision="float32").up(folder / name)
    (folder / "restored").mkdir(exist_ok=True)
    restored.to_pil().save(folder / "restored" / f"{name}.png", optimize=True)


if __name__ == "__main__":
    for number, (file, options) in enumerate(CASES.items()):
        make(Path(sys.argv[1]), file, number, **options)
