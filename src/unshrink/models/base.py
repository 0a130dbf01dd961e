"""What every rescaling network offers, whatever its method."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from unshrink.nn.parts import Part, Reader
from unshrink.nn.parts import Size as Size
from unshrink.nn.quantise import quantise
from unshrink.nn.subnets import DenseSubnet, ResidualSubnet


class Split(NamedTuple):
    """An HR picture taken apart."""

    lr: Tensor
    """(B, 3, h, w), not rounded, not clamped."""
    payload: Tensor | None
    """What a file carries beside the LR pixels, not rounded; None where the method has nothing to carry."""
    latent: Tensor
    """(B, C, h, w), what is left out; zero on average."""
    carried: Tensor | None = None
    """(B, P, h, w) in [0, 1], what the LR's own pixels are to carry beside their colours; None for most methods."""


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
    """How far, in HR pixels, a restored pixel reads around itself; for networks of a whole-number scale."""
    grain: int = 1
    """LR pixels along each axis that one number of the payload stands for."""
    pitch: tuple[float, ...] = (1.0, 1.0, 1.0)
    """Levels of 8 bits between neighbouring values of each LR channel and then of each plane that the pixels carry."""
    floats: float
    """See `working_floats`."""

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

    def downscale_part(self, read: Reader, hr: Size, lr: Size, part: Part) -> tuple[Tensor, Tensor | None]:
        """What `downscale` of a picture of size `hr` to `lr` has in `part`, in LR pixels, and the payload of that.

        `read` gives any part of the HR picture, continued to multiples of `scale`. `part` begins at multiples of
        `grain`. Equal to the whole's up to rounding.
        """
        scale = _whole(self.scale)
        around = part.grown(self.halo(hr, lr), lr)
        small, payload = self.downscale(read(around.times(scale)))
        inner = part.within(around)
        return small[..., *inner.slices], None if payload is None else payload[..., *inner.over(self.grain).slices]

    def upscale_part(
        self,
        read: Reader,
        lr: Size,
        hr: Size,
        part: Part,
        *,
        payload: Reader | None = None,
        latent: Reader | None = None,
    ) -> Tensor:
        """What `upscale` of a picture of size `lr` to `hr` has in `part`, in HR pixels.

        `read` gives any part of the LR picture, `payload` and `latent` of those, in their own pixels. `part` begins at
        multiples of `grain` LR pixels.
        """
        scale = _whole(self.scale)
        inner = part.over(scale)
        around = inner.grown(self.halo(hr, lr), lr)
        made = self.upscale(
            read(around),
            None if payload is None else payload(around.over(self.grain)),
            latent=None if latent is None else latent(around),
        )
        at = inner.within(around).times(scale)
        return made[..., at.top : at.top + part.size[0], at.left : at.left + part.size[1]]

    def working_floats(self, hr: Size, lr: Size) -> float:
        """How many floats stand side by side in memory for every HR pixel, at most, without gradients.

        What sub-networks hold for a strip is not counted.
        """
        del hr, lr
        return self.floats

    def halo(self, hr: Size, lr: Size) -> int:
        """How far, in LR pixels, a restored pixel of a picture of size `hr` reads around itself in one of size `lr`."""
        del hr, lr
        return -(-self.reach // (_whole(self.scale) * self.grain)) * self.grain

    def stored(self, payload: Tensor | None) -> Tensor | None:
        """The payload as a file gives it back: rounded to what is written, with the identity for its gradient."""
        return payload

    def carry(self, lr: Tensor, planes: Tensor | None, size: Size | None = None) -> Tensor:
        """The LR picture nearest to `lr` whose pixels carry `planes`, which are as `Split.carried`.

        `size` is the HR's (H, W), for networks of any scale only; so in `carried`, `rounded` and `pitch_at`.
        """
        del planes, size
        return lr

    def carried(self, lr: Tensor, size: Size | None = None) -> Tensor | None:
        """The inverse of `carry`: what the pixels of a rounded LR picture carry; None where methods carry nothing."""
        del lr, size
        return None

    def rounded(self, parts: Split, size: Size | None = None) -> Split:
        """`parts` as a file gives them back, with the identity for the gradient of rounding."""
        del size
        return parts._replace(lr=quantise(parts.lr), payload=self.stored(parts.payload))

    def pitch_at(self, lr: Size, size: Size) -> tuple[float, ...]:
        """`pitch` where the LR is of size `lr` and the HR of `size`."""
        del lr, size
        return self.pitch

    def join(self, parts: Split, *, latent: Tensor | None = None, size: Size | None = None) -> Tensor:
        """The inverse of `split` where `latent` is that of `parts`; None is its mean, zero. HR is not clamped."""
        return self.upscale(parts.lr, parts.payload, latent=latent, size=size)

    def draw(self, noise: Tensor, sigma: float) -> Tensor:
        """The latent where the dial stands at `sigma`, 0 to 1, from `noise` ~ N(0, 1) of the latent's shape."""
        return noise * sigma

    def precise(self) -> Sequence[nn.Module]:
        """Sub-networks that compute in float32 always, because narrower ones would cost more than 0.02 dB."""
        return ()

    def penalty(self, parts: Split) -> Tensor | None:
        """What the method adds to the training loss for `parts`, as a mean over elements; None for nothing."""
        del parts
        return None


def _whole(scale: int | None) -> int:
    if scale is None:
        raise TypeError("a network of any scale has parts of its own")
    return scale


def use_subnet_dtype(model: nn.Module, dtype: torch.dtype) -> None:
    """Turn those weights of sub-networks that may be narrowed to `dtype`, in place; the rest stays float32.

    bfloat16 is for inference on processors that compute in it; see `fast_dtype` and `nn.subnets`.
    """
    model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    precise = model.precise() if isinstance(model, Rescaler) else ()
    for module in model.modules():
        if isinstance(module, DenseSubnet | ResidualSubnet) and module not in precise:
            for conv in module.inner_convolutions():
                conv.to(dtype)


def fast_dtype(device: torch.device) -> torch.dtype:
    """bfloat16 where `device` computes in it faster than in float32, else float32."""
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float32
    known: dict[str, object] = getattr(torch.cpu, "get_capabilities", dict)()
    return torch.bfloat16 if known.get("avx512_bf16") or known.get("amx_bf16") else torch.float32
