"""What sub-networks compute in: float32, or bfloat16 on processors and cards that are faster in it."""

import torch
from torch import nn

from unshrink.nn.subnets import DenseSubnet, ResidualSubnet


def use_subnet_dtype(model: nn.Module, dtype: torch.dtype) -> None:
    """Turn those weights of sub-networks that may be narrowed to `dtype`, in place; the rest stays float32.

    bfloat16 is for inference on processors that compute in it; see `fast_dtype` and `nn.subnets`.
    """
    model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    for module in model.modules():
        if isinstance(module, DenseSubnet | ResidualSubnet) and not module.precise:
            for conv in module.inner_convolutions():
                conv.to(dtype)


def fast_dtype(device: torch.device) -> torch.dtype:
    """bfloat16 where `device` computes in it faster than in float32, else float32."""
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float32
    known: dict[str, object] = getattr(torch.cpu, "get_capabilities", dict)()
    return torch.bfloat16 if known.get("avx512_bf16") or known.get("amx_bf16") else torch.float32
