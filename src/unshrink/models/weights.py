"""Trained weights: find, load and write them. A folder of model.safetensors and config.json for each version."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors
from torch import Tensor

from unshrink.errors import MissingWeightsError, WeightsError
from unshrink.models.authors import read_authors_checkpoint
from unshrink.models.base import Rescaler, use_subnet_dtype
from unshrink.models.registry import ModelSpec, Settings, build, get, read_network
from unshrink.settings import plain

ZOO = Path(__file__).parent / "zoo"
TENSORS = "model.safetensors"
CONFIG = "config.json"
AUTHORS = ".pth"


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


@dataclass(frozen=True, eq=False)
class Loaded:
    """A network ready to use, and where it comes from."""

    model: Rescaler
    """In evaluation mode, on the CPU."""
    spec: ModelSpec
    weights: Weights


def versions(name: str) -> list[Weights]:
    """All shipped versions of a model's weights, newest last; older ones stay, so that old LR files restore."""
    folder = ZOO / get(name).name
    found = [path for path in folder.glob("v*") if (path / TENSORS).is_file()]
    return [_describe(name, path) for path in sorted(found, key=lambda path: int(path.name[1:]))]


def find(name: str, *, digest: str | None = None, path: Path | None = None) -> Weights:
    """The newest shipped weights, those of a digest, or those at `path`: a folder or an authors' .pth.

    Raises WeightsError where the model ships none or the folder holds none, MissingWeightsError where none of the
    candidates has the digest.
    """
    known = [_describe(name, path)] if path else versions(name)
    if not known:
        raise WeightsError(f"No trained weights are shipped for {name}; train it, or name a folder with --weights.")
    if digest is None:
        return known[-1]
    for weights in known:
        if weights.digest == digest:
            return weights
    raise MissingWeightsError(
        f"This file was made with weights {digest[:12]} of {name}, which are not at hand; "
        "install the newest unshrink, or name the folder that holds them with --weights."
    )


def load(
    name: str, *, digest: str | None = None, path: Path | None = None, dtype: torch.dtype = torch.float32
) -> Loaded:
    """The model `name` with trained weights; see `find` for which. Raises WeightsError where they do not fit.

    `dtype` is what sub-networks compute in; the state between couplings is float32 in any case.
    """
    spec = get(name)
    weights = find(name, digest=digest, path=path)
    model, tensors = _read(spec, weights.path)
    _require_fit(model.state_dict(), tensors, weights)
    model.load_state_dict({key: tensor.float() for key, tensor in tensors.items()})
    use_subnet_dtype(model, dtype)
    return Loaded(model.eval().requires_grad_(False), spec, weights)


def stated_model(path: Path) -> str | None:
    """The model that weights at `path` say they are of; None where they do not, as `load` may tell more clearly.

    A .pth checkpoint never says.
    """
    try:
        name = _read_json(path / CONFIG).get("model")
    except WeightsError:
        return None
    return name if isinstance(name, str) else None


def write_weights(model: Rescaler, name: str, folder: Path, *, dtype: torch.dtype = torch.float32) -> None:
    """Write a model's weights and settings as `load` reads them. float16 halves the file."""
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {key: tensor.detach().cpu().to(dtype).contiguous() for key, tensor in model.state_dict().items()}
    config = {"model": name, "settings": plain(model.settings)}
    _replace(folder / TENSORS, save_tensors(tensors))
    _replace(folder / CONFIG, (json.dumps(config, indent=1) + "\n").encode())


def _replace(path: Path, data: bytes) -> None:
    partial = path.with_name(path.name + ".partial")
    partial.write_bytes(data)
    partial.replace(path)


def _describe(name: str, path: Path) -> Weights:
    tensors = path if path.suffix == AUTHORS else path / TENSORS
    if not tensors.is_file():
        raise WeightsError(f"{path} is neither a folder that holds {TENSORS} nor a {AUTHORS} checkpoint.")
    return Weights(name, path.name, path, hashlib.sha256(tensors.read_bytes()).hexdigest())


def _read(spec: ModelSpec, path: Path) -> tuple[Rescaler, dict[str, Tensor]]:
    if path.suffix == AUTHORS:
        return build(spec), read_authors_checkpoint(path)
    settings = _read_config(spec, path / CONFIG)
    try:
        return build(spec, settings=settings), load_tensors((path / TENSORS).read_bytes())
    except SafetensorError as error:
        raise WeightsError(f"{path / TENSORS} is damaged: {error}") from error


def _require_fit(wanted: Mapping[str, Tensor], found: Mapping[str, Tensor], weights: Weights) -> None:
    problems = [
        *(f"there is no tensor {key}" for key in wanted if key not in found),
        *(f"it has no place for tensor {key}" for key in found if key not in wanted),
        *(f"{key} has shape {tuple(found[key].shape)}" for key in wanted if _misfits(wanted[key], found.get(key))),
    ]
    if problems:
        more = f" (and {len(problems) - 1} more like it)" if len(problems) > 1 else ""
        raise WeightsError(f"The weights in {weights.path} do not fit {weights.name}: {problems[0]}{more}.")


def _misfits(wanted: Tensor, found: Tensor | None) -> bool:
    return found is not None and found.shape != wanted.shape


def _read_config(spec: ModelSpec, path: Path) -> Settings:
    config = _read_json(path)
    if config.get("model") != spec.name:
        raise WeightsError(f"{path.parent} holds weights of {config.get('model')}, not of {spec.name}.")
    return read_network(spec, config.get("settings", {}), where=str(path))


def _read_json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise WeightsError(f"{path} is missing or no valid JSON.") from error
    if not isinstance(found, dict):
        raise WeightsError(f"{path} is no table of keys and values.")
    return found
