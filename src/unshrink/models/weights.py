"""Trained weights: load and write them. A folder of model.safetensors and config.json for each version."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import torch
from safetensors.torch import save as save_tensors
from torch import Tensor, nn

from unshrink.errors import MissingWeightsError, UsageError, WeightsError
from unshrink.files.disk import write_bytes
from unshrink.models import foreign
from unshrink.models.authors import read_authors_checkpoint
from unshrink.models.registry import ModelSpec, Settings, build, get, read_network
from unshrink.models.rescaler import Rescaler
from unshrink.models.zoo import TENSORS, Weights, find
from unshrink.nn.precision import use_subnet_dtype
from unshrink.settings import plain

CONFIG = "config.json"
AUTHORS = ".pth"
NO_WEIGHTS = "0" * 64
"""Where the SHA-256 of weights is asked of a model that has none."""


@dataclass(frozen=True, eq=False)
class Loaded:
    """A network ready to use, and where it comes from."""

    model: Rescaler
    """In evaluation mode, on the CPU. A `StreamNet` where `spec.coded`; for what is no network an empty module."""
    spec: ModelSpec
    weights: Weights


def load(
    name: str, *, digest: str | None = None, path: Path | None = None, dtype: torch.dtype = torch.float32
) -> Loaded:
    """The model `name` with the newest installed weights, those of a digest, or those at `path`.

    `path` is a folder or a .pth checkpoint of the IRN authors. `dtype` is what sub-networks compute in; the state
    between couplings is float32 in any case. Raises WeightsError where there are none, or where they are damaged or do
    not fit, MissingWeightsError where a digest is asked for that is not there.
    """
    spec = get(name)
    if not spec.network:
        return Loaded(cast(Rescaler, nn.Module()), spec, Weights(name, "v1", Path(), NO_WEIGHTS))
    weights, data = _read_installed(name, digest) if path is None else _read_given(name, digest, path)
    model, tensors = _build(spec, weights.path, data)
    foreign.require_fit(model.state_dict(), tensors, f"The weights in {weights.path}", weights.name)
    model.load_state_dict({key: tensor.float() for key, tensor in tensors.items()})
    use_subnet_dtype(model, dtype)
    return Loaded(model.eval().requires_grad_(False), spec, weights)


def stated_model(path: Path) -> str | None:
    """The model that weights at `path` say they are of; None where they do not, as `load` may tell more clearly.

    A .pth checkpoint never says.
    """
    try:
        name = foreign.read_config(path / CONFIG).get("model")
    except WeightsError:
        return None
    return name if isinstance(name, str) else None


def write_weights(model: Rescaler, name: str, folder: Path, *, dtype: torch.dtype = torch.float32) -> None:
    """Write a model's weights and settings as `load` reads them. float16 halves the file."""
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {key: _narrowed(tensor.detach().cpu(), dtype) for key, tensor in model.state_dict().items()}
    config = {"model": name, "settings": plain(model.settings)}
    write_bytes(folder / TENSORS, save_tensors(tensors), overwrite=True)
    write_bytes(folder / CONFIG, (json.dumps(config, indent=1) + "\n").encode(), overwrite=True)


def _narrowed(tensor: Tensor, dtype: torch.dtype) -> Tensor:
    """`tensor` in `dtype`; whole numbers stay as they are."""
    return (tensor.to(dtype) if tensor.is_floating_point() else tensor).contiguous()


def _read_installed(name: str, digest: str | None) -> tuple[Weights, bytes]:
    """The weights and the bytes of their tensors, which are those that the index knows."""
    weights = find(name, digest=digest)
    tensors = weights.path / TENSORS
    data = tensors.read_bytes() if tensors.is_file() else b""
    if hashlib.sha256(data).hexdigest() != weights.digest:
        raise WeightsError(f"{tensors} is damaged: it is not the file that was shipped; install it anew.")
    return weights, data


def _read_given(name: str, digest: str | None, path: Path) -> tuple[Weights, bytes]:
    tensors = path if path.suffix == AUTHORS else path / TENSORS
    if not tensors.is_file():
        raise WeightsError(f"{path} is neither a folder that holds {TENSORS} nor a {AUTHORS} checkpoint.")
    foreign.require_size(tensors)
    data = tensors.read_bytes()
    weights = Weights(name, path.name, path, hashlib.sha256(data).hexdigest())
    if digest not in (None, weights.digest):
        raise MissingWeightsError(
            f"This file was made with weights {str(digest)[:12]} of {name}, and those in {path} are others; "
            "name the folder that holds them with --weights."
        )
    return weights, data


def _build(spec: ModelSpec, path: Path, data: bytes) -> tuple[Rescaler, dict[str, Tensor]]:
    if path.suffix == AUTHORS:
        return build(spec), read_authors_checkpoint(path)
    settings = _read_config(spec, path / CONFIG)
    tensors = foreign.read_tensors(data, path / TENSORS)
    return foreign.build_fitting(spec, settings, tensors, path / CONFIG), tensors


def _read_config(spec: ModelSpec, path: Path) -> Settings:
    config = foreign.read_config(path)
    if config.get("model") != spec.name:
        raise WeightsError(f"{path.parent} holds weights of {config.get('model')}, not of {spec.name}.")
    try:
        return read_network(spec, config.get("settings", {}), where=str(path))
    except UsageError as error:
        raise WeightsError(str(error)) from error
