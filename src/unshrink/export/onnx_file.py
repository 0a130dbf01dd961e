"""A torch module as the bytes of an ONNX file, with metadata, and that file run in ONNX Runtime."""

from __future__ import annotations

import importlib
import io
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from unshrink.errors import UsageError

OPSET = 17
"""Of the ONNX operators; runtimes from 2022 on know it."""
Axes = Mapping[str, Mapping[int, str]]
"""For each input and output the dimensions of any size, and their names."""
Array = NDArray[np.float32]


@dataclass(frozen=True)
class Ports:
    """Names and free dimensions of a graph's inputs and outputs."""

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    axes: Axes


def trace(graph: nn.Module, examples: Sequence[Tensor], ports: Ports) -> bytes:
    """`graph` as the bytes of an ONNX file. Raises UsageError where the extra is not installed."""
    need("onnx")
    stream = io.BytesIO()
    # With gradients on, networks write to no tensor in place, which ONNX could not say.
    with warnings.catch_warnings(), torch.enable_grad():
        # Of the tracer about sizes, and of torch, which prefers its newer exporter; docs/export.md says why this one.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            graph,
            tuple(examples),
            stream,  # type: ignore[arg-type]
            dynamo=False,
            opset_version=OPSET,
            input_names=list(ports.inputs),
            output_names=list(ports.outputs),
            dynamic_axes={name: dict(axes) for name, axes in ports.axes.items()},
        )
    return stream.getvalue()


def finish(data: bytes, outputs: Sequence[str], description: str, metadata: Mapping[str, str]) -> bytes:
    """An ONNX file with only the named `outputs`, in that order, and with metadata. Raises UsageError as `trace`."""
    onnx = need("onnx")
    model = onnx.load_model_from_string(data)
    kept = {port.name: port for port in model.graph.output}
    del model.graph.output[:]
    model.graph.output.extend(kept[name] for name in outputs)
    model.doc_string = description
    onnx.helper.set_model_props(model, dict(metadata))
    onnx.checker.check_model(model, full_check=True)
    return bytes(model.SerializeToString())


def start(data: bytes) -> Any:
    """An inference session of an ONNX file on the CPU. Raises UsageError where the extra is not installed."""
    return need("onnxruntime").InferenceSession(data, providers=["CPUExecutionProvider"])


def run(session: Any, inputs: Sequence[Tensor]) -> list[Array]:
    """All outputs for `inputs`, given in the session's order."""
    names = [port.name for port in session.get_inputs()]
    return list(session.run(None, {name: tensor.numpy() for name, tensor in zip(names, inputs, strict=True)}))


def need(name: str) -> ModuleType:
    """The optional library `name`. Raises UsageError, which says how to install it."""
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise UsageError(f"Export needs {name}, which is not installed; `pip install 'unshrink[export]'`.") from error
