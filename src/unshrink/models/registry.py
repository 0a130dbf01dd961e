"""THE table of models: every name, what it builds, and where it comes from. There is no second list anywhere."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch

from unshrink.errors import UnknownNameError, UsageError
from unshrink.models.auxiliary import IRNA, AuxiliarySettings
from unshrink.models.base import Rescaler
from unshrink.models.irn import IRN, IRNSettings, LevelSettings
from unshrink.models.irrm import IRRM, IRRMSettings, ModuleSettings
from unshrink.settings import read_settings

IRN_PAPER = "Xiao et al., Invertible Image Rescaling, ECCV 2020"
Settings = IRNSettings | AuxiliarySettings | IRRMSettings
"""What decides a network's shape; its type decides the class."""
CLASSES: dict[type, Callable[[Any], Rescaler]] = {IRNSettings: IRN, AuxiliarySettings: IRNA, IRRMSettings: IRRM}

DLV_PAPER = "Zhang et al., Enhancing Image Rescaling using Dual Latent Variables, arXiv 2207.11844"


@dataclass(frozen=True)
class ModelSpec:
    """One model: a name and everything that follows from it."""

    name: str
    method: str
    """The method's name in its paper; "+" marks parts that are our design."""
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
AUXILIARY_DESIGN = (
    "The fourth low channel that starts as the mean of the high ones, the channel that is dropped for it and the sigmoid "
    "are the paper's; the clip before the logit, where the plane is kept, the sub-networks and the training are ours."
)

IRRM_PAPER = "Li et al., Invertible Residual Rescaling Models, IJCAI 2024"
IRRM_DESIGN = (
    "Residual downscaling modules, invertible residual blocks of three enhanced blocks, long and short skips are the "
    "paper's; widths, depths, the form of the long skip, z = 0 and how it was trained are our design."
)


def _paper_irn(scale: int, *levels: LevelSettings) -> ModelSpec:
    return ModelSpec(f"irn-x{scale}", "IRN", scale, "none", IRNSettings(levels), IRN_PAPER, PAPERS_DESIGN)


def _lite(scale: int, *levels: LevelSettings) -> ModelSpec:
    return ModelSpec(f"lite-x{scale}", "IRN+", scale, "none", IRNSettings(levels), IRN_PAPER, LITE_DESIGN, default=True)


def _residual(blocks: int, width: int, augment: int = 0) -> LevelSettings:
    return LevelSettings(blocks=blocks, width=width, depth=1, subnet="residual", coupling="twin", augment=augment)


def _dlv(scale: int, *levels: LevelSettings) -> ModelSpec:
    return ModelSpec(f"dlv-x{scale}", "DLV-IRN", scale, "none", IRNSettings(levels), DLV_PAPER, DLV_DESIGN)


def _auxiliary(name: str, method: str, *levels: LevelSettings) -> ModelSpec:
    settings = AuxiliarySettings(levels)
    return ModelSpec(name, method, settings.scale, "alpha", settings, AUXILIARY_PAPER, AUXILIARY_DESIGN)


def _irrm(size: str, *modules: ModuleSettings) -> ModelSpec:
    name = f"irrm-{size}-x{2 ** len(modules)}"
    settings = IRRMSettings(modules)
    return ModelSpec(name, f"IRRM-{size.upper()}", settings.scale, "none", settings, IRRM_PAPER, IRRM_DESIGN)


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


def default_for(scale: int) -> ModelSpec:
    """The model that is used for `scale` when none is named. Raises UsageError where there is none."""
    for spec in _SPECS:
        if spec.default and spec.scale == scale:
            return spec
    scales = ", ".join(str(spec.scale) for spec in _SPECS if spec.default)
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
