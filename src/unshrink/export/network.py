"""A network of the registry as two ONNX files, one for each direction, checked as they are written."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor

from unshrink import __version__
from unshrink.errors import UsageError
from unshrink.export import check, onnx_file
from unshrink.export.check import Difference
from unshrink.export.graphs import DownGraph, UpGraph
from unshrink.export.onnx_file import Ports
from unshrink.files.disk import check_output, write_bytes
from unshrink.models.rescaler import Rescaler
from unshrink.models.weights import Loaded

EXPORTED_FORMATS = ("onnx",)
Direction = Literal["down", "up"]
LEVEL = 1 / 255
"""Step of the LR picture."""


@dataclass(frozen=True)
class Exported:
    """One file that was written."""

    direction: Direction
    path: Path
    bytes: int
    difference: Difference


@dataclass(frozen=True)
class _File:
    """One file to be written."""

    direction: Direction
    path: Path
    data: bytes
    difference: Difference


def export_network(loaded: Loaded, folder: Path, *, format: str = "onnx", overwrite: bool = False) -> list[Exported]:
    """Write NAME.down.onnx and NAME.up.onnx to `folder`, which is made where it is missing.

    Both take any batch and size and are run in ONNX Runtime against torch first; docs/export.md states their inputs,
    outputs and metadata. Raises UsageError for another format, for a network of any scale, where the extra is not
    installed and where a file is there already, UnshrinkError where ONNX Runtime computes something else.
    """
    if format not in EXPORTED_FORMATS:
        raise UsageError(f"Networks are exported as {' or '.join(EXPORTED_FORMATS)}, not {format!r}.")
    name = loaded.spec.name
    sizes = "what it computes depends on the sizes of both pictures, which ONNX would have to fix"
    why = "an entropy coder stands between its networks" if loaded.spec.coded else sizes
    if loaded.spec.scale is None or loaded.spec.coded:
        raise UsageError(f"{name} cannot be exported: {why}; take a model of one scale, such as lite-x4.")
    paths = [folder / f"{name}.{direction}.onnx" for direction in ("down", "up")]
    for path in paths if folder.is_dir() else ():
        check_output(path, overwrite=overwrite)
    files = [_export_down(loaded, paths[0]), _export_up(loaded, paths[1])]
    folder.mkdir(parents=True, exist_ok=True)
    return [_write(file, overwrite) for file in files]


def _write(file: _File, overwrite: bool) -> Exported:
    write_bytes(file.path, file.data, overwrite=overwrite)
    return Exported(file.direction, file.path, len(file.data), file.difference)


def _export_down(loaded: Loaded, path: Path) -> _File:
    kept = ("lr", "payload") if _has_payload(loaded) else ("lr",)
    raw = tuple(f"{name}_before_rounding" for name in kept)
    axes = {"hr": _axes("hr"), **{name: _axes(name.split("_")[0]) for name in kept + raw}}
    graph = DownGraph(loaded.model)
    both = onnx_file.trace(graph, [_example(loaded)], Ports(("hr",), kept + raw, axes))
    data = onnx_file.finish(both, kept, _describe(loaded, "down"), _metadata(loaded, "down"))
    session, whole = onnx_file.start(data), onnx_file.start(both)
    levels = (LEVEL, _payload_level(loaded))
    difference = check.worst(
        check.compare_rounded((found, wanted), (found_raw, wanted_raw), level)
        for hr in check.pictures(_multiple(loaded.model))
        for found, wanted, found_raw, wanted_raw, level in _each_output(graph, session, whole, hr, levels)
    )
    check.require_close(difference, path.name, levels=int(max(_steps(loaded.model)[:3])))
    return _File("down", path, data, difference)


def _each_output(
    graph: DownGraph, session: Any, whole: Any, hr: Tensor, levels: Sequence[float]
) -> list[tuple[Any, Tensor, Any, Tensor, float]]:
    """For LR and payload: what the file gives, what torch does, both before rounding, and the step."""
    wanted = _run_torch(graph, [hr])
    found = onnx_file.run(session, [hr])
    count = len(found)
    raw = onnx_file.run(whole, [hr])[count:]
    return list(zip(found, wanted[:count], raw, wanted[count:], levels[:count], strict=True))


def _export_up(loaded: Loaded, path: Path) -> _File:
    names = ("lr", "payload") if _has_payload(loaded) else ("lr",)
    down, graph = DownGraph(loaded.model), UpGraph(loaded.model)
    examples = _run_torch(down, [_example(loaded)])[: len(names)]
    ports = Ports(names, ("hr",), {name: _axes(name) for name in (*names, "hr")})
    traced = onnx_file.trace(graph, [example.clone() for example in examples], ports)
    data = onnx_file.finish(traced, ("hr",), _describe(loaded, "up"), _metadata(loaded, "up"))
    session = onnx_file.start(data)

    def differ(hr: Tensor) -> Difference:
        stored = _run_torch(down, [hr])[: len(names)]
        (wanted,) = _run_torch(graph, stored)
        return check.compare(onnx_file.run(session, stored)[0], wanted)

    difference = check.worst(map(differ, check.pictures(_multiple(loaded.model))))
    check.require_close(difference, path.name)
    return _File("up", path, data, difference)


def _run_torch(graph: Callable[..., Tensor | tuple[Tensor, ...]], inputs: Sequence[Tensor]) -> tuple[Tensor, ...]:
    """Without gradients, as the engine runs a network; leaves `inputs` as they are."""
    with torch.no_grad():
        outputs = graph(*(tensor.clone() for tensor in inputs))
    return outputs if isinstance(outputs, tuple) else (outputs,)


def _example(loaded: Loaded) -> Tensor:
    return next(picture for picture in check.pictures(_multiple(loaded.model)) if picture.shape[0] > 1)


def _steps(model: Rescaler) -> tuple[float, ...]:
    """Levels of 8 bits between neighbouring values of the LR's channels."""
    return model.at((_multiple(model),) * 2, (1, 1)).steps


def _multiple(model: Rescaler) -> int:
    return model.scale or 1


def _has_payload(loaded: Loaded) -> bool:
    return loaded.model.payload is not None


def _payload_level(loaded: Loaded) -> float:
    return LEVEL if loaded.model.payload is None else loaded.model.payload.step


def _axes(name: str) -> dict[int, str]:
    return {0: "batch", 2: f"{name}_height", 3: f"{name}_width"}


def _describe(loaded: Loaded, direction: Direction) -> str:
    what = "HR -> LR, rounded to 8 bits" if direction == "down" else "LR -> HR"
    return f"unshrink {loaded.spec.name}, {what}. See the metadata for ranges and sizes."


def _metadata(loaded: Loaded, direction: Direction) -> dict[str, str]:
    """What a program must know to use the file; docs/export.md has the table."""
    kind = loaded.spec.payload
    return {
        "writer": f"unshrink {__version__}",
        "model": loaded.spec.name,
        "direction": direction,
        "weights": loaded.weights.digest,
        "scale": str(loaded.model.scale),
        "size_multiple": str(_multiple(loaded.model) if direction == "down" else 1),
        "hr_range": "0 1",
        "lr_range": "0 1",
        "lr_levels": "256",
        "payload": kind,
        **_payload_metadata(loaded),
        "licence": loaded.spec.licence,
    }


def _payload_metadata(loaded: Loaded) -> dict[str, str]:
    kind = loaded.model.payload
    if kind is None:
        return {}
    low, high = kind.span
    return {
        "payload_range": f"{low} {high:g}",
        "payload_levels": str(round((high - low) / kind.step) + 1),
        "payload_absent": f"{kind.absent:g}",
        "payload_grain": str(kind.cell),
    }
