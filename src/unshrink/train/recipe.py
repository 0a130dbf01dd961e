"""A recipe: everything that decides a training run, read from YAML."""

from dataclasses import dataclass, field
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, Literal

import yaml

from unshrink.data.patches import PatchSettings
from unshrink.errors import UnknownNameError, UsageError
from unshrink.models.registry import Settings, get, read_network
from unshrink.settings import read_settings
from unshrink.train.coded import CodedSettings


@dataclass(frozen=True)
class ObjectiveSettings:
    """The weights of the losses; see `train.objective`."""

    reconstruction: Literal["charbonnier", "l1", "l2", "rms"] = "charbonnier"
    """Distance between HR and its restoration. "rms", the root of a picture's mean squared error, averaged over the
    batch whatever `reduction` says, weighs errors within a picture as PSNR does and every picture alike: our design,
    see docs/decisions/training.md."""
    guide: Literal["l1", "l2"] = "l2"
    """Distance between LR and the bicubic LR."""
    reconstruction_weight: float = 1.0
    """The paper: 1; IRN+: 0.01."""
    reduction: Literal["sum", "mean"] = "sum"
    """"sum" adds over pixels and channels and averages over the batch, as the paper; "mean" averages over all."""
    guide_weight: float = 4.0
    """The paper: scale squared."""
    latent_weight: float = 1.0
    """Weight of z squared."""
    latent_noise: float = 1.0
    """Standard deviation of the z that the inverse sees: 1 as the paper, 0 for z = 0."""
    penalty_weight: float = 1.0
    """Weight of what the method itself adds, such as the error of -M's autoencoder; see `Rescaler.penalty`."""
    random_latent: bool = False
    """Pre-train the autoencoder of an IRN-M alone: nothing but the mean square of what it loses of a z ~ N(0, 1)."""
    luma_weight: float = 0.0
    """Share, 0 to 1, of the reconstruction loss that is taken on luma alone."""
    sigmas: tuple[float, ...] = ()
    """IRN_sigma: values of the dial, one drawn a step. The z that the inverse sees is multiplied by it, the perceptual
    terms too, and the reconstruction by 1 - sigma. Empty: no dial, every term in full."""
    sigma_floor: float = 0.0
    """Share of the reconstruction that stays at sigma = 1; the paper's is 0. What stays is this and the rest times
    1 - sigma."""
    perceptual_weight: float = 0.0
    """Of the perceptual distance; see `train.perceptual`."""
    adversarial_weight: float = 0.0
    """Of not having fooled the critic; see `train.adversarial`."""
    adversarial_after: int = 0
    """Steps in which the critic learns before the network hears of it."""
    critic_rate: float = 1e-4
    """Learning rate of the critic."""
    coded: CodedSettings = field(default_factory=CodedSettings)
    """For coded streams, which take nothing else of these."""


@dataclass(frozen=True)
class OptimiserSettings:
    """How the weights are updated."""

    kind: Literal["adam", "muon"] = "adam"
    """"muon" orthogonalises the updates of convolution kernels and leaves the rest to AdamW."""
    rate: float = 2e-4
    """Learning rate of the kernels."""
    adam_rate: float = 1e-3
    """Learning rate of what Muon leaves to AdamW."""
    momentum: float = 0.95
    """Muon's."""
    weight_decay: float = 0.0
    """Adam: added to the gradient, as the paper."""
    clip: float = 10.0
    """Largest gradient norm; 0 for none."""
    by_adam: tuple[str, ...] = ()
    """Kernels whose names begin with one of these are left to AdamW too."""
    frozen: tuple[str, ...] = ()
    """Parameters whose names begin with one of these stay as they are."""


@dataclass(frozen=True)
class ScheduleSettings:
    """The learning rate over the run, as a factor of the optimiser's."""

    shape: Literal["cosine", "linear", "steps"] = "cosine"
    """"cosine" and "linear" fall to 0 at the end of the steps or the time given; "steps" halves at `halve_at`."""
    warmup: int = 0
    """Steps of linear rise."""
    halve_at: tuple[int, ...] = ()
    """Steps at which "steps" halves the rate."""


@dataclass(frozen=True)
class Recipe:
    """A training run. Every field but `model` has a default."""

    model: str
    """Name in the registry."""
    start: tuple[str, ...] = ()
    """Models whose newest weights the run begins with, unless other ones are named; empty: from scratch."""
    network: dict[str, Any] | None = None
    """The network's settings where they should differ from the registry's; `settings` reads them."""
    steps: int = 500_000
    """Length of the run."""
    seed: int = 0
    """Of the initial weights, the patches and the latents."""
    precision: Literal["float32", "bfloat16"] = "float32"
    """What sub-networks compute in; the state between couplings is always float32."""
    recompute: bool = False
    """Recompute activations when going back instead of keeping them: a fraction of the memory, a third more time."""
    ema: float = 0.999
    """Decay of the moving average of the weights that is validated and shipped; 0 for none."""
    data: PatchSettings = field(default_factory=PatchSettings)
    objective: ObjectiveSettings = field(default_factory=ObjectiveSettings)
    optimiser: OptimiserSettings = field(default_factory=OptimiserSettings)
    schedule: ScheduleSettings = field(default_factory=ScheduleSettings)

    @property
    def settings(self) -> Settings:
        """The network's settings. Raises UnknownNameError and UsageError."""
        return read_network(get(self.model), self.network, where="recipe.network")


def recipe_names() -> list[str]:
    """Names of the recipes in the package."""
    return sorted(entry.name.removesuffix(".yaml") for entry in _shipped().iterdir() if entry.name.endswith(".yaml"))


def read_recipe(source: str | Path) -> Recipe:
    """Read a recipe by name, or from a YAML file. Raises UnknownNameError or UsageError."""
    path = Path(source)
    if path.suffix in (".yaml", ".yml"):
        if not path.is_file():
            raise UsageError(f"There is no recipe file {path}.")
        text = path.read_text(encoding="utf-8")
    elif str(source) in recipe_names():
        text = (_shipped() / f"{source}.yaml").read_text(encoding="utf-8")
    else:
        raise UnknownNameError("recipe", str(source), recipe_names())
    return parse_recipe(text)


def parse_recipe(text: str) -> Recipe:
    """Read a recipe from YAML text. Raises UsageError."""
    try:
        values = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise UsageError(f"The recipe is not valid YAML: {error}") from error
    recipe = read_settings(Recipe, values, where="recipe")
    _ = recipe.settings  # tells at once of a model or a network that cannot be
    return recipe


def _shipped() -> Traversable:
    return files("unshrink.train") / "recipes"
