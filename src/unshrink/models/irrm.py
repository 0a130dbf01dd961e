"""IRRM, the invertible residual rescaling model (Li et al., IJCAI 2024)."""

from dataclasses import dataclass

from unshrink.models.chain import ChainRescaler
from unshrink.models.planes import LR_CHANNELS
from unshrink.nn.invertible import Chain
from unshrink.nn.residual_block import BlockShape, ResidualDownscaling


@dataclass(frozen=True)
class ModuleSettings:
    """One residual downscaling module."""

    blocks: int = 2
    """Invertible residual blocks."""
    width: int = 48
    """Channels inside the enhanced blocks F and G, and inside the predictor of the long skip."""
    scale_width: int = 24
    """Channels inside the enhanced block H, which only sets a scale."""
    depth: int = 1
    """Residual convolution blocks inside an enhanced block."""


@dataclass(frozen=True)
class IRRMSettings:
    """Everything that decides the shape of an IRRM."""

    modules: tuple[ModuleSettings, ...] = (ModuleSettings(),)
    """Finest first; each halves both sides."""
    long_skip: bool = True
    """Whether the band that is kept predicts the high ones at the end of a module; False is for ablation."""
    bypass: bool = False
    """Whether what reads the low band reads it without its local mean; True is for ablation."""
    short_skip: bool = True
    """Whether enhanced blocks are residual; False (plain convolutions) is for ablation."""
    clamp: float = 1.0
    """The largest log-scale of a block."""

    @property
    def scale(self) -> int:
        """HR pixels per LR pixel along each axis."""
        return int(2 ** len(self.modules))


class IRRM(ChainRescaler):
    """A stack of residual downscaling modules: a bijection between an HR picture and an LR picture with a latent z.

        x (B, 3, H, W) --forward--> y (B, 3, H/s, W/s), z (B, 3 * (s*s - 1), H/s, W/s) --inverse--> x

    Downscaling keeps y and drops z; upscaling takes z = 0. Source: Li et al., IJCAI 2024 (modules, invertible residual
    blocks of three enhanced blocks, long and short skips). Widths, depths, the form of the long skip (see
    `nn.residual_block`) and z = 0 are our design; docs/ablations.md measures the skips.
    """

    def __init__(self, settings: IRRMSettings) -> None:
        scale, floats = settings.scale, 7 * LR_CHANNELS  # blocks make new states
        super().__init__(Chain(_modules(settings)), scale, channels=LR_CHANNELS * scale**2, floats=floats)
        self.settings = settings


def _modules(settings: IRRMSettings) -> list[ResidualDownscaling]:
    return [
        ResidualDownscaling(
            LR_CHANNELS * 4**at,
            low=LR_CHANNELS,
            blocks=module.blocks,
            shape=BlockShape(
                module.width, module.scale_width, module.depth, settings.short_skip, bypass=settings.bypass
            ),
            long_skip=settings.long_skip,
            clamp=settings.clamp,
        )
        for at, module in enumerate(settings.modules)
    ]
