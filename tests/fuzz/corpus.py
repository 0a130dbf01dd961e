"""The corpus of `readers.py` made anew: `python tests/fuzz/corpus.py`. One small file of each kind."""

from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "files"))

from file_samples import ENCODED, SMALL, exif_block, pixels, saved  # noqa: E402
from PIL import Image  # noqa: E402
from tiff_samples import SHORT, deflated_planes, simple  # noqa: E402

from unshrink.files.picture import Picture  # noqa: E402


def main() -> None:
    """Write the files."""
    full = Picture(pixels(6, 9), exif=exif_block(), xmp=b"<x:xmpmeta/>", dpi=(300.0, 300.0))
    files = {f"lr.{kind}": data for kind, data in ENCODED.items()}
    files |= {f"plain.{kind.lower()}": data for kind, data in SMALL.items()}
    files |= {f"full.{kind}": full.encode(kind) for kind in ("png", "webp", "tiff", "jpeg")}
    files["progressive.jpeg"] = saved(Image.fromarray(pixels(16, 16)), "JPEG", progressive=True)
    files["jpeg.tiff"] = saved(Image.fromarray(pixels(16, 16)), "TIFF", compression="jpeg")
    files["planes.tiff"] = deflated_planes(pixels(5, 6, 4), [2])
    files["big.tiff"] = simple(pixels(5, 6), {274: (SHORT, [6])}, order=">", big=True)
    folder = HERE / "corpus"
    folder.mkdir(exist_ok=True)
    for name, data in files.items():
        (folder / name).write_bytes(data)


if __name__ == "__main__":
    main()
