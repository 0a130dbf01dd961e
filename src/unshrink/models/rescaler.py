"""What every rescaling network offers, whatever its method."""

from abc import ABC, abstractmethod
from typing import Any

from torch import Tensor, nn

from unshrink.errors import UsageError
from unshrink.models.payloads import PayloadKind
from unshrink.models.placed import Placed, Split
from unshrink.nn.parts import Size


class Rescaler(nn.Module, ABC):
    """The weights of a network that learns downscaling and upscaling together.

    What it does depends on the sizes of both pictures: `at` puts it in its place, and what comes back does the work.
    `draw` and `penalty` are the two hooks with a neutral answer; all else is abstract or final.
    """

    settings: Any
    """The frozen dataclass that decides the shape; the weights' config.json holds it."""
    scale: int | None
    """HR pixels per LR pixel along each axis; None where any size will do."""
    payload: PayloadKind | None = None
    """What the network makes beside the LR pixels; None for nothing."""
    dial_end: float = 1.0
    """What `up --sigma 1` is to the network; see `IRNSettings`."""

    @abstractmethod
    def at(self, hr: Size, lr: Size) -> Placed:
        """The network between an HR picture of size `hr` and an LR picture of size `lr`, both (height, width).

        Where the scale is a whole number, `hr` is the size before padding. Raises UsageError where the sizes do not
        belong together.
        """

    def draw(self, noise: Tensor, sigma: float) -> Tensor:
        """The latent where the dial stands at `sigma`, 0 to 1, from `noise` ~ N(0, 1) of the latent's shape."""
        return noise * sigma

    def penalty(self, parts: Split) -> Tensor:
        """What the method adds to the training loss for `parts`, as a mean over elements; zero for nothing."""
        return parts.lr.new_zeros(())

    def downscale(self, hr: Tensor) -> tuple[Tensor, Tensor | None]:
        """HR (B, 3, H, W) -> LR and payload, neither rounded; `Placed.downscale` in one step.

        H and W are multiples of `scale`. Raises UsageError where they are not, and for a network of any scale.
        """
        scale = self._whole_scale()
        height, width = hr.shape[-2], hr.shape[-1]
        return self.at((height, width), padded_over((height, width), scale)).downscale(hr)

    def upscale(self, lr: Tensor, payload: Tensor | None = None, *, latent: Tensor | None = None) -> Tensor:
        """LR (B, 3, h, w) and payload -> HR (B, 3, h*s, w*s), not clamped; `Placed.upscale` in one step.

        Raises UsageError for a network of any scale.
        """
        scale = self._whole_scale()
        height, width = lr.shape[-2], lr.shape[-1]
        return self.at((height * scale, width * scale), (height, width)).upscale(lr, payload, latent=latent)

    def _whole_scale(self) -> int:
        if self.scale is None:
            raise UsageError("A network of any scale has to know both sizes first: use at((H, W), (h, w)).")
        return self.scale


def padded_over(hr: Size, scale: int) -> Size:
    """Size of the LR picture of an HR picture of size `hr`, padded to multiples of `scale`."""
    # Of whole numbers of 0 or more only: what is exported rounds a quotient towards zero.
    return (hr[0] + scale - 1) // scale, (hr[1] + scale - 1) // scale


def check_sizes(hr: Size, lr: Size, scale: int) -> None:
    """Raise UsageError where a picture of size `hr`, padded to multiples of `scale`, is not `lr` when shrunk by it."""
    if padded_over(hr, scale) != tuple(lr):
        raise UsageError(f"{lr[1]}x{lr[0]} is not {hr[1]}x{hr[0]} shrunk by {scale}.")
