"""What every rescaling network offers, whatever its method."""

from abc import ABC, abstractmethod
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from unshrink.nn.subnets import DenseSubnet, ResidualSubnet

Size = tuple[int, int]
"""Height and width in pixels."""


class Split(NamedTuple):
    """An HR picture taken apart."""

    lr: Tensor
    """(B, 3, h, w), not rounded, not clamped."""
    payload: Tensor | None
    """What a file carries beside the LR pixels, not rounded; None where the method has nothing to carry."""
    latent: Tensor
    """(B, C, h, w), what is left out; zero on average."""


class Rescaler(nn.Module, ABC):
    """A network that learns downscaling and upscaling together.

    HR is (B, 3, H, W) in [0, 1]; LR is (B, 3, h, w). For a network of a whole-number scale H and W are multiples of
    `scale`, and h and w are H / scale and W / scale. What `split` returns is not yet rounded to 8 bits: the file does
    that, and `upscale` is meant to read what the file holds.
    """

    settings: Any
    """The frozen dataclass that decides the shape; the weights' config.json holds it."""
    scale: int | None
    """HR pixels per LR pixel along each axis; None where any size will do."""
    reach: int
    """How far, in HR pixels, a restored pixel reads around itself."""

    @abstractmethod
    def split(self, hr: Tensor, size: Size | None = None) -> Split:
        """HR -> LR, payload and what is left out. `size` is the LR's (h, w), for networks of any scale only."""

    @abstractmethod
    def upscale(
        self, lr: Tensor, payload: Tensor | None = None, *, latent: Tensor | None = None, size: Size | None = None
    ) -> Tensor:
        """LR and payload -> HR (not clamped). `latent` stands in for what was left out; None is its mean, zero.

        `size` is the HR's (H, W), for networks of any scale only.
        """

    def downscale(self, hr: Tensor, size: Size | None = None) -> tuple[Tensor, Tensor | None]:
        """HR -> LR (not rounded, not clamped) and the payload, None where the method has none."""
        parts = self.split(hr, size)
        return parts.lr, parts.payload

    def stored(self, payload: Tensor | None) -> Tensor | None:
        """The payload as a file gives it back: rounded to what is written, with the identity for its gradient."""
        return payload

    def draw(self, noise: Tensor, sigma: float) -> Tensor:
        """The latent where the dial stands at `sigma`, 0 to 1, from `noise` ~ N(0, 1) of the latent's shape."""
        return noise * sigma

    def penalty(self, parts: Split) -> Tensor | None:
        """What the method adds to the training loss for `parts`, as a mean over elements; None for nothing."""
        del parts
        return None


def use_subnet_dtype(model: nn.Module, dtype: torch.dtype) -> None:
    """Turn those weights of sub-networks that may be narrowed to `dtype`, in place; the rest stays float32.

    bfloat16 is for inference on processors that compute in it; see `fast_dtype` and `nn.subnets`.
    """
    model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    for module in model.modules():
        if isinstance(module, DenseSubnet | ResidualSubnet):
            for conv in module.inner_convolutions():
                conv.to(dtype)


def fast_dtype(device: torch.device) -> torch.dtype:
    """bfloat16 where `device` computes in it faster than in float32, else float32."""
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float32
    known: dict[str, object] = getattr(torch.cpu, "get_capabilities", dict)()
    return torch.bfloat16 if known.get("avx512_bf16") or known.get("amx_bf16") else torch.float32
