"""Weights from elsewhere, read with care: what they ask for is held against what they hold before anything is made.

No code of theirs runs, and whatever is wrong with them is a WeightsError with the file's name.
"""

import json
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load as load_tensors
from torch import Tensor

from unshrink.errors import UnshrinkError, WeightsError
from unshrink.models.registry import ModelSpec, Settings, build
from unshrink.models.rescaler import Rescaler

MOST_BYTES = 4 * 1024**3
"""Of a file of weights."""
MOST_CONFIG_BYTES = 1024**2
MOST_TENSORS = 20_000
_BOUNDS = {
    "factor": (1, 16),
    **dict.fromkeys(("width", "scale_width"), (1, 4096)),
    **dict.fromkeys(("blocks", "depth", "layers"), (0, 4096)),
}
_ANY_NUMBER = (-4096, 4096)
"""Of whole numbers in settings, by field, and of all others."""


def require_size(path: Path) -> None:
    """Raise WeightsError where the file is larger than any weights are."""
    if path.stat().st_size > MOST_BYTES:
        raise WeightsError(f"{path} has more than {MOST_BYTES} bytes, which no weights have.")


def read_config(path: Path) -> dict[str, Any]:
    """The table in a config.json. Raises WeightsError."""
    try:
        if path.stat().st_size > MOST_CONFIG_BYTES:
            raise WeightsError(f"{path} has more than {MOST_CONFIG_BYTES} bytes, which no settings take.")
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise WeightsError(f"{path} is missing or no valid JSON.") from error
    if not isinstance(found, dict):
        raise WeightsError(f"{path} is no table of keys and values.")
    return found


def read_tensors(data: bytes, path: Path) -> dict[str, Tensor]:
    """The tensors in the bytes of a safetensors file. Raises WeightsError."""
    try:
        found: dict[str, Tensor] = load_tensors(data)
    except Exception as error:  # kinds of numbers that torch lacks are KeyError, AttributeError, ...
        raise WeightsError(f"{path} is damaged, or of a kind that is not read: {_one_line(error)}") from error
    if len(found) > MOST_TENSORS:
        raise WeightsError(f"{path} holds {len(found)} tensors, which no weights do.")
    return found


def read_checkpoint(path: Path) -> dict[str, Tensor]:
    """The state dict in a .pth file; tensors only, never code. Raises WeightsError."""
    require_size(path)
    _require_stored(path)
    try:
        found = torch.load(path, weights_only=True, map_location="cpu")
    except Exception as error:  # a few changed bytes make torch raise nearly every class there is
        raise WeightsError(f"{path} is no checkpoint that loads without running code: {_one_line(error)}") from error
    if not isinstance(found, dict):
        raise WeightsError(f"{path} holds no table of tensors; an IRN checkpoint is a plain state dict.")
    for key, value in found.items():
        if not isinstance(value, Tensor):
            raise WeightsError(f"{path} holds {type(value).__name__} under {str(key)[:60]!r}, where a tensor is due.")
    return {str(key): value for key, value in found.items()}


def build_fitting(spec: ModelSpec, settings: Settings, tensors: Mapping[str, Tensor], path: Path) -> Rescaler:
    """The network of `settings`, made only where `tensors` are as many and as large as it asks for.

    Raises WeightsError.
    """
    _require_bounded(settings, len(tensors), path)
    try:
        with torch.device("meta"):
            wanted = build(spec, settings=settings).state_dict()
        require_fit(wanted, tensors, f"The weights beside {path}", spec.name)
        return build(spec, settings=settings)
    except (ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError, ValueError) as error:
        raise WeightsError(f"{path} states settings that make no network: {_one_line(error)}") from error
    except WeightsError:
        raise
    except UnshrinkError as error:
        raise WeightsError(f"{path} states settings that make no network: {error}") from error


def require_fit(wanted: Mapping[str, Tensor], found: Mapping[str, Tensor], what: str, name: str) -> None:
    """Raise WeightsError, which calls them `what`, where `found` are not the tensors of model `name`."""
    problems = [
        *(f"there is no tensor {key}" for key in wanted if key not in found),
        *(f"it has no place for tensor {key}" for key in found if key not in wanted),
        *(f"{key} has shape {tuple(found[key].shape)}" for key in wanted if _misfits(wanted[key], found.get(key))),
    ]
    if problems:
        more = f" (and {len(problems) - 1} more like it)" if len(problems) > 1 else ""
        raise WeightsError(f"{what} do not fit {name}: {problems[0]}{more}.")


def _misfits(wanted: Tensor, found: Tensor | None) -> bool:
    return found is not None and found.shape != wanted.shape


def _require_stored(path: Path) -> None:
    """Raise WeightsError for an archive with packed members, which may unpack to any size; torch packs none."""
    try:
        with zipfile.ZipFile(path) as archive:
            packed = [member for member in archive.infolist() if member.compress_type != zipfile.ZIP_STORED]
    except (OSError, zipfile.BadZipFile, ValueError, NotImplementedError, EOFError):
        return  # of the older kind, or damaged, which torch tells
    if packed:
        raise WeightsError(f"{path} is a packed archive; checkpoints are stored as they are.")


def _require_bounded(settings: object, tensors: int, path: Path) -> None:
    """Raise WeightsError for more parts than there are tensors, and for numbers far beyond any network's."""
    parts = 0
    for record in _records(settings):
        for name, value in record.items():
            low, high = _BOUNDS.get(name, _ANY_NUMBER)
            if isinstance(value, int) and not low <= value <= high:
                raise WeightsError(f"{path} states {name} = {value}, where {low} to {high} can be.")
        parts += _count(record, "blocks") * _count(record, "depth") + _count(record, "layers", 0)
    if parts > tensors:
        raise WeightsError(f"{path} states a network of {parts} parts, and there are {tensors} tensors beside it.")


def _count(record: Mapping[str, object], name: str, default: int = 1) -> int:
    value = record.get(name, default)
    return value if isinstance(value, int) else default


def _records(value: object) -> Iterator[dict[str, object]]:
    """Every dataclass in `value`, as a table of its own fields; numbers in tuples under their field's name."""
    if is_dataclass(value) and not isinstance(value, type):
        record = {field.name: getattr(value, field.name) for field in fields(value)}
        yield record
        for name, held in record.items():
            for item in held if isinstance(held, tuple) else (held,):
                yield from _records(item)
                if isinstance(held, tuple) and isinstance(item, int):
                    yield {name: item, "blocks": 0}


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
