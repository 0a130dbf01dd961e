"""THE table of models: every name, what it builds, and where it comes from. There is no second list anywhere."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch

from unshrink.errors import UnknownNameError, UsageError
from unshrink.models.auxiliary import IRNA, AuxiliarySettings
from unshrink.models.base import Rescaler
from unshrink.models.iarn import IARN, IARNSettings
from unshrink.models.irn import IRN, IRNSettings, LevelSettings
from unshrink.models.irrm import IRRM, IRRMSettings, ModuleSettings
from unshrink.models.metadata import IRNM, MetadataSettings
from unshrink.settings import read_settings

IRN_PAPER = "Xiao et al., Invertible Image Rescaling, ECCV 2020"
Settings = IRNSettings | AuxiliarySettings | MetadataSettings | IRRMSettings | IARNSettings
"""What decides a network's shape; its type decides the class."""
CLASSES: dict[type, Callable[[Any], Rescaler]] = {
    IRNSettings: IRN,
    AuxiliarySettings: IRNA,
    IRRMSettings: IRRM,
    MetadataSettings: IRNM,
    IARNSettings: IARN,
}

DLV_PAPER = "Zhang et al., Enhancing Image Rescaling using Dual Latent Variables, arXiv 2207.11844"


@dataclass(frozen=True)
class ModelSpec:
    """One model: a name and everything that follows from it."""

    name: str
    method: str
    """The method's name in its paper; "(lite)" marks the paper's method with our sub-networks."""
    scale: int | None
    """HR pixels per LR pixel along each axis; None where any scale will do."""
    payload: str
    """What a file carries beside the LR pixels: "none", "alpha" or "latent"."""
    settings: Settings
    paper: str
    design: str
    """In one sentence, which parts are the paper's and which are our design."""
    default: bool = False
    """The model that is used for its scale when none is named."""
    licence: str = "Apache-2.0"
    dial: bool = False
    """True where `up(sigma=...)` means something: from least distortion, 0, to best perception, 1."""


PAPERS_DESIGN = "The network is the paper's; z = 0 when restoring, and how it was trained, are ours."
LITE_DESIGN = (
    "Haar transform, couplings and objective are the paper's; residual sub-networks, one for scale and shift together, "
    "z = 0 and how it was trained are our design."
)


DLV_DESIGN = (
    "A second latent for downscaling is the paper's idea; that it is a set of channels which start at zero in either "
    "direction, the residual sub-networks and how it was trained are our design."
)
AUXILIARY_PAPER = "Yin et al., Raising the Limit of Image Rescaling using Auxiliary Encoding, ICASSP 2023"
GAIN = 8.0
"""Of -A's payload before the sigmoid; the paper's is 1, which leaves the 8 bits mostly unused. See docs/carriers.md."""
AUXILIARY_DESIGN = (
    "A fourth low channel, split off before the couplings, and the sigmoid are the paper's; that it starts as the "
    "first of the high channels, not as their mean (docs/ablations.md), the gain, the clip before the logit, carriers, "
    "the sub-networks and the training are our design."
)

IRRM_PAPER = "Li et al., Invertible Residual Rescaling Models, IJCAI 2024"
IRRM_DESIGN = (
    "Residual downscaling modules, invertible residual blocks of three enhanced blocks, long and short skips are the "
    "paper's; widths, depths, the form of the long skip, z = 0 and how it was trained are our design."
)

METADATA_DESIGN = (
    "That z is condensed into 4 numbers for 16 LR pixels and restored from them is the paper's; an autoencoder that "
    "looks at the LR picture too, the number format, the entropy coding, the sub-networks and the training are our "
    "design."
)

IARN_PAPER = "Pan et al., Effective Invertible Arbitrary Image Rescaling, WACV 2023"
IARN_DESIGN = (
    "One network for all scales, position-aware scale encoding and channel splitting before resampling are the paper's "
    "ideas; their forms, the left inverse of the resampling, z = 0 and how it was trained are our design."
)

SIGMA_PAPER = (
    "Pan, Learning Adjustable Image Rescaling with Joint Optimization of Perception and Distortion, ICASSP 2022"
)
SIGMA_DESIGN = (
    "One network for every sigma, z ~ N(0, sigma), and the loss are the paper's; channels of z that tell sigma, learnt "
    "units of the others, the sub-networks, the perceptual distance (shift-tolerant LPIPS, VGG16), the critic and the "
    "training are our design."
)
PLUS_DESIGN = (
    "Perceptual and adversarial losses on a drawn z are the paper's; learnt units of z, the sub-networks, the "
    "perceptual distance (shift-tolerant LPIPS, VGG16), the critic and the training are our design."
)
LATENT_UNIT = 0.003
"""In [0, 1] of a channel, at the start: unshaped, a draw is noise of deviation 0.012 in the picture."""


def _paper_irn(scale: int, *levels: LevelSettings) -> ModelSpec:
    return ModelSpec(f"irn-x{scale}", "IRN", scale, "none", IRNSettings(levels), IRN_PAPER, PAPERS_DESIGN)


def _lite(scale: int, *levels: LevelSettings) -> ModelSpec:
    settings = IRNSettings(levels)
    return ModelSpec(f"lite-x{scale}", "IRN (lite)", scale, "none", settings, IRN_PAPER, LITE_DESIGN, default=True)


def _residual(blocks: int, width: int, augment: int = 0) -> LevelSettings:
    return LevelSettings(blocks=blocks, width=width, depth=1, subnet="residual", coupling="twin", augment=augment)


def _dlv(scale: int, *levels: LevelSettings) -> ModelSpec:
    return ModelSpec(f"dlv-x{scale}", "DLV-IRN", scale, "none", IRNSettings(levels), DLV_PAPER, DLV_DESIGN)


def _auxiliary(name: str, method: str, *levels: LevelSettings) -> ModelSpec:
    settings = AuxiliarySettings(levels, start="none", gain=GAIN)
    return ModelSpec(name, method, settings.scale, "alpha", settings, AUXILIARY_PAPER, AUXILIARY_DESIGN)


def _irrm(size: str, *modules: ModuleSettings) -> ModelSpec:
    name = f"irrm-{size}-x{2 ** len(modules)}"
    settings = IRRMSettings(modules)
    return ModelSpec(name, f"IRRM-{size.upper()}", settings.scale, "none", settings, IRRM_PAPER, IRRM_DESIGN)


def _metadata(name: str, method: str, *levels: LevelSettings) -> ModelSpec:
    settings = MetadataSettings(irn=IRNSettings(levels))
    return ModelSpec(name, method, settings.irn.scale, "latent", settings, AUXILIARY_PAPER, METADATA_DESIGN)


def _perceptual(name: str, method: str, paper: str, design: str, *levels: LevelSettings) -> ModelSpec:
    settings = IRNSettings(levels, latent_unit=LATENT_UNIT)
    return ModelSpec(name, method, settings.scale, "none", settings, paper, design, dial=True)


_SPECS = (
    _lite(2, _residual(blocks=3, width=40)),
    _lite(4, _residual(blocks=2, width=32), _residual(blocks=2, width=64)),
    _dlv(2, _residual(blocks=4, width=64, augment=8)),
    _dlv(4, _residual(blocks=3, width=48, augment=4), _residual(blocks=3, width=96, augment=12)),
    _auxiliary("irn-a-x2", "IRN-A", _residual(blocks=3, width=40)),
    _auxiliary("irn-a-x4", "IRN-A", _residual(blocks=2, width=32), _residual(blocks=2, width=64)),
    _auxiliary("dlv-a-x2", "DLV-IRN-A", _residual(blocks=4, width=64, augment=8)),
    _auxiliary(
        "dlv-a-x4",
        "DLV-IRN-A",
        _residual(blocks=3, width=48, augment=4),
        _residual(blocks=3, width=96, augment=12),
    ),
    _metadata("irn-m-x2", "IRN-M", _residual(blocks=3, width=40)),
    _metadata("irn-m-x4", "IRN-M", _residual(blocks=2, width=32), _residual(blocks=2, width=64)),
    _metadata("dlv-m-x2", "DLV-IRN-M", _residual(blocks=4, width=64, augment=8)),
    _metadata(
        "dlv-m-x4",
        "DLV-IRN-M",
        _residual(blocks=3, width=48, augment=4),
        _residual(blocks=3, width=96, augment=12),
    ),
    ModelSpec("iarn", "IARN", None, "none", IARNSettings(presplit=False), IARN_PAPER, IARN_DESIGN, default=True),
    _perceptual(
        "irn-sigma-x4",
        "IRN_sigma",
        SIGMA_PAPER,
        SIGMA_DESIGN,
        _residual(blocks=2, width=32, augment=1),
        _residual(blocks=2, width=64, augment=1),
    ),
    _perceptual(
        "irn-plus-x4",
        "IRN+",
        IRN_PAPER,
        PLUS_DESIGN,
        _residual(blocks=2, width=32),
        _residual(blocks=2, width=64),
    ),
    _paper_irn(2, LevelSettings()),
    _paper_irn(3, LevelSettings(factor=3, blocks=12)),
    _paper_irn(4, LevelSettings(), LevelSettings()),
    _paper_irn(8, LevelSettings(), LevelSettings(), LevelSettings()),
    _irrm("s", ModuleSettings(3, 52, 24)),
    _irrm("m", ModuleSettings(4, 72, 36)),
    _irrm("l", ModuleSettings(4, 96, 48)),
    _irrm("s", ModuleSettings(2, 48, 24), ModuleSettings(3, 64, 32)),
    _irrm("m", ModuleSettings(3, 64, 32), ModuleSettings(3, 104, 56)),
    _irrm("l", ModuleSettings(3, 72, 40), ModuleSettings(4, 128, 64)),
)
_BY_NAME = {spec.name: spec for spec in _SPECS}


def names() -> list[str]:
    """All model names, in the table's order."""
    return list(_BY_NAME)


def get(name: str) -> ModelSpec:
    """The model of that name. Raises UnknownNameError, which names its nearest neighbour."""
    if name not in _BY_NAME:
        raise UnknownNameError("model", name, _BY_NAME)
    return _BY_NAME[name]


def default_scales() -> list[int]:
    """The whole-number scales that have a model of their own when none is named."""
    return [spec.scale for spec in _SPECS if spec.default and spec.scale is not None]


def default_for(scale: int | None) -> ModelSpec:
    """The model of `scale`, or of any scale for None, when none is named. Raises UsageError where there is none."""
    for spec in _SPECS:
        if spec.default and spec.scale == scale:
            return spec
    scales = ", ".join(map(str, default_scales()))
    raise UsageError(f"There is no model for scale {scale} yet; the scales at hand are {scales}.")


def build(spec: ModelSpec, *, settings: Settings | None = None) -> Rescaler:
    """A fresh, untrained network; `settings` stand in for the table's where weights or a recipe bring their own."""
    chosen = settings or spec.settings
    return CLASSES[type(chosen)](chosen)


def read_network(spec: ModelSpec, values: Mapping[str, object] | None, *, where: str = "network") -> Settings:
    """Settings of `spec`'s kind from plain values, or the table's for None. Raises UsageError."""
    return spec.settings if values is None else read_settings(type(spec.settings), values, where=where)


def parameters(spec: ModelSpec) -> int:
    """Learnable parameters, counted without allocating them."""
    with torch.device("meta"):
        return sum(parameter.numel() for parameter in build(spec).parameters())
