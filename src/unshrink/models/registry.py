"""THE table of models: every name, what it builds, and where it comes from. There is no second list anywhere."""

from dataclasses import dataclass

import torch

from unshrink.errors import UnknownNameError, UsageError
from unshrink.models.irn import IRN, IRNSettings, LevelSettings

IRN_PAPER = "Xiao et al., Invertible Image Rescaling, ECCV 2020"


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
    settings: IRNSettings
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


def _paper_irn(scale: int, *levels: LevelSettings) -> ModelSpec:
    return ModelSpec(f"irn-x{scale}", "IRN", scale, "none", IRNSettings(levels), IRN_PAPER, PAPERS_DESIGN)


def _lite(scale: int, *levels: LevelSettings) -> ModelSpec:
    return ModelSpec(f"lite-x{scale}", "IRN+", scale, "none", IRNSettings(levels), IRN_PAPER, LITE_DESIGN, default=True)


def _residual(blocks: int, width: int) -> LevelSettings:
    return LevelSettings(blocks=blocks, width=width, depth=1, subnet="residual", coupling="twin")


_SPECS = (
    _lite(2, _residual(blocks=3, width=40)),
    _lite(4, _residual(blocks=2, width=32), _residual(blocks=2, width=64)),
    _paper_irn(2, LevelSettings()),
    _paper_irn(3, LevelSettings(factor=3, blocks=12)),
    _paper_irn(4, LevelSettings(), LevelSettings()),
    _paper_irn(8, LevelSettings(), LevelSettings(), LevelSettings()),
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


def build(spec: ModelSpec, *, settings: IRNSettings | None = None) -> IRN:
    """A fresh, untrained network; `settings` stand in for the table's where weights or a recipe bring their own."""
    return IRN(settings or spec.settings)


def parameters(spec: ModelSpec) -> int:
    """Learnable parameters, counted without allocating them."""
    with torch.device("meta"):
        return sum(parameter.numel() for parameter in build(spec).parameters())
