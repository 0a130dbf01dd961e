"""What every rescaling network offers, whatever its method."""

from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn

from unshrink.nn.subnets import DenseSubnet, ResidualSubnet


class Rescaler(nn.Module, ABC):
    """A network that learns downscaling and upscaling together.

    HR is (B, 3, H, W) in [0, 1], H and W multiples of `scale`; LR is (B, 3, H / scale, W / scale). What `downscale`
    returns is not yet rounded to 8 bits: the file does that, and `upscale` is meant to read what the file holds.
    """

    scale: int
    reach: int
    """How far, in HR pixels, a restored pixel reads around itself."""

    @abstractmethod
    def downscale(self, hr: Tensor) -> tuple[Tensor, Tensor | None]:
        """HR -> LR (not rounded, not clamped) and the payload, None where the method has none."""

    @abstractmethod
    def upscale(self, lr: Tensor, payload: Tensor | None = None) -> Tensor:
        """LR and payload -> HR (not clamped)."""


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
