"""THE table of models: every name, what it builds, and where it comes from. There is no second list anywhere."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch

from unshrink.errors import UnknownNameError, UsageError
from unshrink.models.iarn import IARN
from unshrink.models.iarn_settings import IARNSettings, Layout
from unshrink.models.irn import IRN, IRNSettings, LevelSettings
from unshrink.models.irn_a import IRNA, IRNASettings
from unshrink.models.irn_m import IRNM, IRNMSettings
from unshrink.models.irn_q import IRNQ, IRNQSettings
from unshrink.models.irrm import IRRM, IRRMSettings, ModuleSettings
from unshrink.models.rescaler import Rescaler
from unshrink.models.stream import StreamNet, StreamSettings
from unshrink.settings import read_settings


@dataclass(frozen=True)
class NoNetwork:
    """Of models that are no network."""


Settings = (
    IRNSettings | IRNASettings | IRNQSettings | IRNMSettings | IRRMSettings | IARNSettings | StreamSettings | NoNetwork
)
"""What decides a network's shape; its type decides the class."""
CLASSES: dict[type, Callable[[Any], Any]] = {
    IRNSettings: IRN,
    IRNASettings: IRNA,
    IRNQSettings: IRNQ,
    IRRMSettings: IRRM,
    IRNMSettings: IRNM,
    IARNSettings: IARN,
    StreamSettings: StreamNet,  # no Rescaler: `ModelSpec.coded` says so
}


@dataclass(frozen=True)
class ModelSpec:
    """One model: a name and everything that follows from it."""

    name: str
    method: str
    """The method's name in its paper; "(lite)" marks the paper's method with our sub-networks."""
    scale: int | None
    """HR pixels per LR pixel along each axis; None where any scale will do."""
    payload: str
    """What a file carries beside what its pixels show: "none", "alpha", "latent"; "stream" and "avif" in the pixels."""
    settings: Settings
    paper: str
    design: str
    """In one sentence, which parts are the paper's and which are our design."""
    default: bool = False
    """The model that is used for its scale when none is named."""
    licence: str = "Apache-2.0"
    dial: bool = False
    """True where `up(sigma=...)` means something: from least distortion, 0, to best perception, 1."""

    @property
    def coded(self) -> bool:
        """Whether the LR picture is bicubic's, with the rest coded in its pixels (`rescale.coded`)."""
        return self.payload in ("stream", "avif")

    @property
    def network(self) -> bool:
        """Whether it is a network at all, and needs weights."""
        return not isinstance(self.settings, NoNetwork)


IRN_PAPER = "Xiao et al., Invertible Image Rescaling, ECCV 2020"
PAPERS_DESIGN = "The network is the paper's; z = 0 when restoring, and how it was trained, are ours."
LITE_DESIGN = (
    "Haar transform, couplings and objective are the paper's; residual sub-networks, one for scale and shift together, "
    "z = 0 and how it was trained are our design."
)
PLUS_DESIGN = (
    "Perceptual and adversarial losses on a drawn z are the paper's; learnt units of z, the sub-networks, the "
    "perceptual distance (shift-tolerant LPIPS, VGG16), the critic and the training are our design."
)
DLV_PAPER = "Zhang et al., Enhancing Image Rescaling using Dual Latent Variables, arXiv 2207.11844"
DLV_DESIGN = (
    "A second latent for downscaling is the paper's idea; that it is a set of channels which start at zero in either "
    "direction, the residual sub-networks and how it was trained are our design."
)
AUXILIARY_PAPER = "Yin et al., Raising the Limit of Image Rescaling using Auxiliary Encoding, ICASSP 2023"
AUXILIARY_DESIGN = (
    "A fourth low channel, split off before the couplings, and the sigmoid are the paper's; that it starts as the "
    "first of the high channels, not as their mean (docs/ablations.md), the gain, the clip before the logit, carriers, "
    "the sub-networks and the training are our design."
)
FOLDED_DESIGN = (
    "Low channels beside the picture's three, split off before the couplings, and the sigmoid are those of IRN-A; that "
    "the residues of the LR pixels carry them (quantisation index modulation: Chen & Wornell, 2001), the few symbols, "
    "the sub-networks and the training are our design."
)
METADATA_DESIGN = (
    "That z is condensed into 4 numbers for 16 LR pixels and restored from them is the paper's; an autoencoder that "
    "looks at the LR picture too, the number format, the entropy coding, the sub-networks and the training are our "
    "design."
)
IRRM_PAPER = "Li et al., Invertible Residual Rescaling Models, IJCAI 2024"
IRRM_DESIGN = (
    "Residual downscaling modules, invertible residual blocks of three enhanced blocks, long and short skips are the "
    "paper's; widths, depths, the form of the long skip, z = 0 and how it was trained are our design."
)
IARN_PAPER = "Pan et al., Effective Invertible Arbitrary Image Rescaling, WACV 2023"
IARN_DESIGN = (
    "One network for all scales, position-aware scale encoding and channel splitting before resampling are the paper's "
    "ideas; their forms, the left inverse of the resampling, z = 0 and how it was trained are our design."
)
IARN_Q_DESIGN = (
    "One network for all scales is the paper's idea; symbols in the residues of the LR pixels, fewer near scale 1, the "
    "left inverse of the resampling, which makes position planes needless, and the training are our design."
)
STREAM_DESIGN = (
    "That networks predict what an LR picture leaves out, given it, is HCFlow's and IRN-M's idea; the Haar bands in "
    "YCbCr, the entropy coder with whole-number contexts, the stream in the pixels' residues and the training are ours."
)
AVIF_DESIGN = "Bicubic's LR picture with an AVIF file of the large one in its residues: our design, as a baseline."
SIGMA_PAPER = (
    "Pan, Learning Adjustable Image Rescaling with Joint Optimization of Perception and Distortion, ICASSP 2022"
)
SIGMA_DESIGN = (
    "One network for every sigma, z ~ N(0, sigma), and the loss are the paper's; channels of z that tell sigma, learnt "
    "units of the others, the sub-networks, the perceptual distance (shift-tolerant LPIPS, VGG16), the critic and the "
    "training are our design."
)

GAIN = 8.0
"""Of -A's payload before the sigmoid; the paper's is 1, which leaves the 8 bits mostly unused. See docs/carriers.md."""
LATENT_UNIT = 0.003
"""In [0, 1] of a channel, at the start: unshaped, a draw is noise of deviation 0.012 in the picture."""

Levels = tuple[LevelSettings, ...]
"""One for each Haar transform, finest first."""


def _level(blocks: int, width: int, augment: int = 0) -> LevelSettings:
    return LevelSettings(blocks=blocks, width=width, depth=1, subnet="residual", coupling="twin", augment=augment)


LITE_X2 = (_level(3, 40),)
LITE_X4 = (_level(2, 32), _level(2, 64))
LITE: tuple[Levels, ...] = (LITE_X2, LITE_X4)
"""Of everything that is an IRN with our sub-networks."""
DLV: tuple[Levels, ...] = ((_level(4, 64, augment=8),), (_level(3, 48, augment=4), _level(3, 96, augment=12)))
"""Of everything that has a second latent."""
PAPER_IRN: tuple[Levels, ...] = (
    (LevelSettings(),),
    (LevelSettings(factor=3, blocks=12),),
    (LevelSettings(),) * 2,
    (LevelSettings(),) * 3,
)
"""Of the IRN paper's own networks."""

IARN_Q = IARNSettings(
    position=False,
    presplit=False,
    near_symbols=(Layout(1, (15,), (2, 2, 4)), Layout(1.5, (31,), (4, 2, 4)), Layout(2.5, (63,), (4, 4, 4))),
    far_symbols=(Layout(1, (8, 8), (4, 2, 8)), Layout(2.5, (8, 8), (4, 4, 4))),
)
"""Near scale 1 there is little to carry and much to spoil: fewer symbols, and in colours that luma hardly sees. Odd
numbers of them, since then one symbol is the middle of the plane, the same for all layouts: what "no detail" is."""


def _irn(stem: str, method: str, levels: Levels, paper: str, design: str) -> ModelSpec:
    settings = IRNSettings(levels)
    return ModelSpec(f"{stem}-x{settings.scale}", method, settings.scale, "none", settings, paper, design)


def _auxiliary(stem: str, method: str, levels: Levels) -> ModelSpec:
    settings, paper, design = IRNASettings(levels, start="none", gain=GAIN), AUXILIARY_PAPER, AUXILIARY_DESIGN
    return ModelSpec(f"{stem}-x{settings.scale}", method, settings.scale, "alpha", settings, paper, design)


def _folded(levels: Levels, planes: tuple[int, ...], payload: bool = False) -> ModelSpec:
    settings = IRNQSettings(levels, planes=planes, gain=GAIN, payload=payload)
    name, method, kind = ("irn-qa", "IRN-QA", "alpha") if payload else ("irn-q", "IRN-Q", "none")
    scale, paper, design = settings.scale, AUXILIARY_PAPER, FOLDED_DESIGN
    return ModelSpec(f"{name}-x{scale}", method, scale, kind, settings, paper, design)


def _metadata(stem: str, method: str, levels: Levels) -> ModelSpec:
    settings, paper, design = IRNMSettings(irn=IRNSettings(levels)), AUXILIARY_PAPER, METADATA_DESIGN
    scale = settings.irn.scale
    return ModelSpec(f"{stem}-x{scale}", method, scale, "latent", settings, paper, design)


def _irrm(size: str, *modules: ModuleSettings) -> ModelSpec:
    settings = IRRMSettings(modules)
    name = f"irrm-{size}-x{settings.scale}"
    return ModelSpec(name, f"IRRM-{size.upper()}", settings.scale, "none", settings, IRRM_PAPER, IRRM_DESIGN)


def _dialled(name: str, method: str, levels: Levels, paper: str, design: str) -> ModelSpec:
    settings = IRNSettings(levels, latent_unit=LATENT_UNIT)
    return ModelSpec(name, method, settings.scale, "none", settings, paper, design, dial=True)


def _stream(scale: int | None, chroma_step: float, chroma_weight: float) -> ModelSpec:
    settings = StreamSettings(scale=scale, chroma_step=chroma_step, chroma_weight=chroma_weight)
    name = "stream" if scale is None else f"stream-x{scale}"
    return ModelSpec(name, "coded stream", scale, "stream", settings, "ours", STREAM_DESIGN, default=True)


_SPECS = (
    _stream(2, 0.9, 0.9),
    _stream(4, 1.35, 0.3),
    _stream(None, 1.0, 0.6),
    ModelSpec("hidden-avif", "hidden AVIF", None, "avif", NoNetwork(), "ours", AVIF_DESIGN),
    _folded(LITE_X2, planes=(64,)),
    _folded(LITE_X4, planes=(8, 8)),
    _folded(LITE_X2, planes=(64,), payload=True),
    _folded(LITE_X4, planes=(8, 8), payload=True),
    *(_irn("lite", "IRN (lite)", levels, IRN_PAPER, LITE_DESIGN) for levels in LITE),
    *(_irn("dlv", "DLV-IRN", levels, DLV_PAPER, DLV_DESIGN) for levels in DLV),
    *(_auxiliary("irn-a", "IRN-A", levels) for levels in LITE),
    *(_auxiliary("dlv-a", "DLV-IRN-A", levels) for levels in DLV),
    *(_metadata("irn-m", "IRN-M", levels) for levels in LITE),
    *(_metadata("dlv-m", "DLV-IRN-M", levels) for levels in DLV),
    ModelSpec("iarn", "IARN", None, "none", IARNSettings(presplit=False), IARN_PAPER, IARN_DESIGN),
    ModelSpec("iarn-q", "IARN-Q", None, "none", IARN_Q, IARN_PAPER, IARN_Q_DESIGN),
    _dialled(
        "irn-sigma-x4", "IRN_sigma", tuple(replace(level, augment=1) for level in LITE_X4), SIGMA_PAPER, SIGMA_DESIGN
    ),
    _dialled("irn-plus-x4", "IRN+", LITE_X4, IRN_PAPER, PLUS_DESIGN),
    *(_irn("irn", "IRN", levels, IRN_PAPER, PAPERS_DESIGN) for levels in PAPER_IRN),
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


def rescalers() -> list[str]:
    """Names of the models whose networks make the LR picture themselves."""
    return [spec.name for spec in _SPECS if not spec.coded]


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
    """A fresh, untrained network; `settings` stand in for the table's where weights or a recipe bring their own.

    Of a coded model it is a `StreamNet`. Raises UsageError where the model is no network.
    """
    if not spec.network:
        raise UsageError(f"{spec.name} is no network; there is nothing to build or train.")
    chosen = settings or spec.settings
    network: Rescaler = CLASSES[type(chosen)](chosen)
    return network


def read_network(spec: ModelSpec, values: Mapping[str, object] | None, *, where: str = "network") -> Settings:
    """Settings of `spec`'s kind from plain values, or the table's for None. Raises UsageError."""
    return spec.settings if values is None else read_settings(type(spec.settings), values, where=where)


def parameters(spec: ModelSpec) -> int:
    """Learnable parameters, counted without allocating them."""
    if not spec.network:
        return 0
    with torch.device("meta"):
        return sum(parameter.numel() for parameter in build(spec).parameters())
