"""The device that a network runs on: whether there is one, how large its tiles are, what happens when it is full.

A picture is read and written on the processor; only what the network computes is done on a card.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Literal, TypeVar, get_args

import torch
from torch import Tensor, nn

from unshrink.errors import UsageError
from unshrink.models.placed import Placed
from unshrink.models.rescaler import Rescaler
from unshrink.nn import tiling
from unshrink.nn.parts import Part, Reader
from unshrink.nn.subnets import DenseSubnet, ResidualSubnet
from unshrink.threads import idle_processors

DeviceName = Literal["auto", "cpu", "cuda", "mps"]
DEVICES: tuple[DeviceName, ...] = get_args(DeviceName)
SHARE = 0.5
"""Of a card's free memory, what the features of a tile may take; the rest is for the picture and the libraries."""
ATTEMPTS = 3
"""How often a tile is tried on a card, each time a quarter of the one before."""
CPU = torch.device("cpu")

Result = TypeVar("Result")


class DeviceWarning(UserWarning):
    """A card was too small, and the processor took over."""


def find_device(name: str = "auto") -> torch.device:
    """The device of that name; "auto" is CUDA where there is a card, else the processor.

    Raises UsageError for another name, and where this machine or this torch has no such device.
    """
    if name not in DEVICES:
        raise UsageError(f"A device is one of {', '.join(DEVICES)}, not {name!r}.")
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    present = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if not present[name]:
        raise UsageError(f"torch finds no {name} device here; use another (--device cpu) or another torch.")
    return torch.device(name)


def use_threads(count: int | None) -> None:
    """Have torch compute with so many threads; None for those of `OMP_NUM_THREADS`, or else of idle processors."""
    if count is None:
        if os.environ.get("OMP_NUM_THREADS"):
            return
        count = idle_processors()
    torch.set_num_threads(count)


def device_of(model: nn.Module) -> torch.device:
    """Where the weights of `model` are."""
    return next((parameter.device for parameter in model.parameters()), CPU)


def downscale_part(model: Rescaler, placed: Placed, read: Reader, part: Part) -> tuple[Tensor, Tensor | None]:
    """`placed.downscale_part` where `model` is; tensors come from the processor and go back to it."""

    def run(device: torch.device) -> tuple[Tensor, Tensor | None]:
        small, payload = placed.downscale_part(_moved(read, device), part)
        return small.to(CPU), None if payload is None else payload.to(CPU)

    return run_where_it_fits(model, run)


def upscale_part(
    model: Rescaler, placed: Placed, read: Reader, part: Part, *, payload: Reader | None, latent: Reader | None
) -> Tensor:
    """`placed.upscale_part` where `model` is; tensors come from the processor and go back to it."""

    def run(device: torch.device) -> Tensor:
        others = {name: read and _moved(read, device) for name, read in (("payload", payload), ("latent", latent))}
        return placed.upscale_part(_moved(read, device), part, **others).to(CPU)

    return run_where_it_fits(model, run)


def run_where_it_fits(model: Rescaler, run: Callable[[torch.device], Result]) -> Result:
    """`run` on the device of `model`: on a card in tiles as large as fit, smaller where that was too much.

    Where the card is too small even so, the model moves to the processor for good, with a DeviceWarning.
    """
    device = device_of(model)
    if device.type == "cpu":
        return run(device)
    pixels = tile_pixels(model, device)
    for attempt in range(ATTEMPTS):
        try:
            with tiling.of_pixels(pixels >> 2 * attempt), full_precision():
                return run(device)
        except torch.OutOfMemoryError:
            _empty_cache(device)
    warnings.warn(f"The {device.type} device is too small for this picture; the processor does it.", DeviceWarning, 2)
    model.to(CPU)
    return run(CPU)


def tile_pixels(model: nn.Module, device: torch.device) -> int:
    """Pixels of a tile whose features take `SHARE` of what is free on a card."""
    return max(tiling.TILE_PIXELS, int(SHARE * free_memory(device) / feature_bytes(model)))


def free_memory(device: torch.device) -> int:
    """Bytes that torch can still take on a card: free, or held by it for later use. 0 where that is not known."""
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        return int(free) + torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    if device.type == "mps":
        return int(torch.mps.recommended_max_memory()) - int(torch.mps.driver_allocated_memory())
    return 0


def feature_bytes(model: nn.Module) -> int:
    """Bytes a pixel of the largest sub-network's features, as if all its convolutions' were held at once in float32."""
    subnets = [module for module in model.modules() if isinstance(module, DenseSubnet | ResidualSubnet)]
    return max([4 * _channels(subnet) for subnet in subnets], default=4 * _channels(model) or 4)


@contextmanager
def full_precision() -> Iterator[None]:
    """No TensorFloat-32, which has the 10 bits of float16: an LR picture's detail is below them."""
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("highest")
    try:
        with torch.backends.cudnn.flags(enabled=True, benchmark=False, allow_tf32=False):
            yield
    finally:
        torch.set_float32_matmul_precision(before)


def _channels(net: nn.Module) -> int:
    convolutions = (module for module in net.modules() if isinstance(module, nn.Conv2d))
    return sum(module.in_channels + module.out_channels for module in convolutions)


def _moved(read: Reader, device: torch.device) -> Reader:
    return lambda part: read(part).to(device)


def _empty_cache(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.empty_cache()
    elif device.type == "mps":
        torch.mps.empty_cache()
