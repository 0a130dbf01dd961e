"""Write the indexes beside the weights anew: `python -m lab.index`. They say which versions there are, unread."""

import hashlib
import sys
from pathlib import Path
from typing import Any

from lab.command import write_json
from unshrink.models import registry
from unshrink.models.zoo import INDEX, OWN, TENSORS, number

EXTRA = "unshrink-zoo"
"""The distribution that holds what `unshrink` does not."""
EXTRA_FOLDER = Path(__file__).parent.parent / "zoo" / "unshrink_zoo"


def home(name: str) -> Path:
    """Where versions of a model are published: defaults in `unshrink`, and with it what is there already."""
    return OWN if registry.get(name).default or (OWN / name).is_dir() else EXTRA_FOLDER


def make_index(folder: Path) -> dict[str, Any]:
    """Versions by model, oldest first, each with its SHA-256 and bytes; weights are read for it.

    That of `unshrink` also says which models come with another distribution.
    """
    models = {path.name: _entries(path) for path in sorted(folder.iterdir()) if path.name in registry.names()}
    index: dict[str, Any] = {"models": {name: entries for name, entries in models.items() if entries}}
    if folder == OWN:
        others = sorted(path.name for path in EXTRA_FOLDER.iterdir() if path.name in registry.names())
        index["elsewhere"] = {EXTRA: [name for name in others if name not in index["models"]]}
    return index


def write_index(folder: Path) -> None:
    """Write the index of `folder` into it."""
    write_json(folder / INDEX, make_index(folder))


def main() -> int:
    """The command; 0."""
    for folder in (EXTRA_FOLDER, OWN):
        write_index(folder)
    return 0


def _entries(model: Path) -> list[dict[str, Any]]:
    folders = sorted((path.parent for path in model.glob(f"v*/{TENSORS}")), key=lambda path: number(path.name))
    return [_entry(folder) for folder in folders]


def _entry(folder: Path) -> dict[str, Any]:
    data = (folder / TENSORS).read_bytes()
    return {"version": folder.name, "sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}


if __name__ == "__main__":
    sys.exit(main())
