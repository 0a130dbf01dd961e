"""Trained weights that are installed: which there are and where they lie, as an index beside them says.

`unshrink` carries the default models; the others come with the distribution `unshrink-zoo`, or with any other that
names a folder by the entry point group `unshrink.zoo`.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any

from unshrink.errors import MissingWeightsError, WeightsError
from unshrink.models.listing import known

GROUP = "unshrink.zoo"
"""Entry points of this group are paths of folders like `OWN`."""
OWN = Path(__file__).parent / "zoo"
"""The folder that comes with `unshrink`: NAME/VERSION/model.safetensors, config.json and figures, and the index."""
INDEX = "index.json"
TENSORS = "model.safetensors"


@dataclass(frozen=True)
class Weights:
    """One version of a model's weights."""

    name: str
    version: str
    """Folder name, "v1", "v2", ...; or the folder's path for weights from elsewhere."""
    path: Path
    """The folder, or a .pth checkpoint of the IRN authors."""
    digest: str
    """SHA-256 of model.safetensors, hex; LR files name it."""


def versions(name: str) -> list[Weights]:
    """All installed versions of a model's weights, newest last; older ones stay, so that old LR files restore.

    Read from indexes; no weights are opened. Raises UnknownNameError, WeightsError (damaged index).
    """
    found: dict[str, Weights] = {}
    for folder in folders():
        for entry in _index(folder)["models"].get(known(name), ()):
            version = entry["version"]
            found.setdefault(version, Weights(name, version, folder / name / version, entry["sha256"]))
    return sorted(found.values(), key=lambda weights: number(weights.version))


def find(name: str, *, digest: str | None = None) -> Weights:
    """The newest installed weights, or those of a digest.

    Raises WeightsError where none are installed, MissingWeightsError where a digest is asked for that is not there.
    """
    known = versions(name)
    if digest is None:
        if not known:
            raise WeightsError(f"No weights of {name} are installed; {_how_to_get(name)}.")
        return known[-1]
    for weights in known:
        if weights.digest == digest:
            return weights
    advice = "install the newest unshrink and unshrink-zoo" if known else _how_to_get(name, train=False)
    raise MissingWeightsError(
        f"This file was made with weights {digest[:12]} of {name}, which are not installed; {advice}, "
        "or name the folder that holds them with --weights."
    )


def comes_with(name: str) -> str | None:
    """The distribution that has weights of a model which `unshrink` has not; None where there is none."""
    return next((key for key, listed in _index(OWN).get("elsewhere", {}).items() if name in listed), None)


def folders() -> tuple[Path, ...]:
    """Where weights lie: the folder of `unshrink`, then those that other distributions name."""
    return (OWN, *_others())


def number(version: str) -> int:
    """2 for "v2"."""
    return int(version.removeprefix("v"))


@cache
def _others() -> tuple[Path, ...]:
    return tuple(_folder_of(entry) for entry in entry_points(group=GROUP))


def _folder_of(entry: EntryPoint) -> Path:
    try:
        return Path(entry.load())
    except (ImportError, AttributeError, TypeError) as error:
        raise WeightsError(f"The weights of {entry.value} cannot be found ({error}); install them anew.") from error


def _how_to_get(name: str, *, train: bool = True) -> str:
    """What to do where a model has no weights here, as half a sentence."""
    if (distribution := comes_with(name)) is not None:
        return f"they come with {distribution} (pip install 'unshrink[zoo]')"
    return "none are shipped: train it, or name a folder with --weights" if train else "none are shipped for it"


@cache
def _index(folder: Path) -> Mapping[str, Any]:
    try:
        found: Mapping[str, Any] = json.loads((folder / INDEX).read_text(encoding="utf-8"))
        return found if "models" in found else {"models": {}}
    except (OSError, ValueError) as error:
        raise WeightsError(f"{folder / INDEX} is missing or no valid JSON; install the weights anew.") from error
