"""Pack a folder of pictures once into one memory-mapped array, so that drawing patches costs no decoding."""

import hashlib
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from unshrink.errors import UnreadableInputError, UsageError
from unshrink.files.disk import open_new, write_bytes
from unshrink.files.formats import ENDINGS
from unshrink.files.picture import read_picture


@dataclass(frozen=True, eq=False)
class Pack:
    """Pictures of any sizes, one after the other in `pixels`."""

    names: tuple[str, ...]
    shapes: tuple[tuple[int, int], ...]
    """(H, W) of each."""
    pixels: NDArray[np.uint8]
    """Flat; 3 bytes a pixel."""
    digest: str
    """SHA-256 over names, shapes and pixels, hex."""

    def picture(self, index: int) -> NDArray[np.uint8]:
        """The picture as a view (H, W, 3), not a copy."""
        height, width = self.shapes[index]
        start = sum(h * w * 3 for h, w in self.shapes[:index])
        return self.pixels[start : start + height * width * 3].reshape(height, width, 3)

    def split(self, holdout: int) -> tuple[list[int], list[int]]:
        """Indices for training and for validation: about one picture in `holdout` is held out, 0 holds out none.

        Tiles of one picture (names that differ in a last number only) fall on the same side.
        """
        held = [i for i, name in enumerate(self.names) if _is_held_out(name, holdout)]
        return [i for i in range(len(self.names)) if i not in set(held)], held


def pack_folder(folder: Path, cache: Path, *, progress: Callable[[int, int], None] | None = None) -> Pack:
    """Pack all pictures directly in `folder` into `cache` (made if absent), or reuse the pack made before.

    A pack is reused while the files' names, sizes and times are the same. Raises UsageError where there is none.
    """
    files = _pictures_in(folder)
    index = cache / f"{_listing_digest(files)}.json"
    if not index.exists():
        _write_pack(files, index, progress)
    return _open_pack(index)


def held_out(folder: Path, holdout: int) -> list[Path]:
    """Those pictures directly in `folder` that `Pack.split(holdout)` keeps from training; UsageError as above."""
    return [path for path in _pictures_in(folder) if _is_held_out(path.name, holdout)]


def _pictures_in(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise UsageError(f"{folder} is not a folder; name one that holds training pictures.")
    files = sorted(path for path in folder.iterdir() if path.suffix.lower() in ENDINGS)
    if not files:
        raise UsageError(f"{folder} holds no pictures ({', '.join(sorted(ENDINGS))}).")
    return files


def _write_pack(files: Sequence[Path], index: Path, progress: Callable[[int, int], None] | None) -> None:
    index.parent.mkdir(parents=True, exist_ok=True)
    digest, names, shapes = hashlib.sha256(), [], []
    with open_new(index.with_suffix(".bin"), overwrite=True) as stream:
        for number, path in enumerate(files):
            rgb = np.ascontiguousarray(read_picture(path).rgb)
            names.append(path.name)
            shapes.append(rgb.shape[:2])
            digest.update(f"{path.name} {rgb.shape}".encode())
            digest.update(rgb.data)
            stream.write(rgb.data)
            if progress:
                progress(number + 1, len(files))
    entry = {"names": names, "shapes": shapes, "digest": digest.hexdigest()}
    write_bytes(index, json.dumps(entry).encode(), overwrite=True)


def _open_pack(index: Path) -> Pack:
    entry = json.loads(index.read_text())
    shapes = tuple((int(h), int(w)) for h, w in entry["shapes"])
    pixels = np.memmap(index.with_suffix(".bin"), dtype=np.uint8, mode="r")
    if pixels.size != sum(h * w * 3 for h, w in shapes):
        raise UnreadableInputError(f"The pack {index.with_suffix('.bin')} is damaged; delete it and start again.")
    return Pack(tuple(entry["names"]), shapes, pixels, entry["digest"])


def _listing_digest(files: Sequence[Path]) -> str:
    lines = [f"{path.resolve()} {path.stat().st_size} {path.stat().st_mtime_ns}" for path in files]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]


def _is_held_out(name: str, holdout: int) -> bool:
    return bool(holdout) and _group_hash(name) % holdout == 0


def _group_hash(name: str) -> int:
    group = re.sub(r"_\d+$", "", Path(name).stem)
    return int.from_bytes(hashlib.sha256(group.encode()).digest()[:4], "big")
