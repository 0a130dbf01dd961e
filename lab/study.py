"""Studies: which variants of a recipe are trained at the same cost and compared. Read from YAML, strictly."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from unshrink.data.patches import PatchSettings
from unshrink.errors import UnknownNameError, UsageError
from unshrink.models.registry import Settings, build, get
from unshrink.settings import plain, read_settings
from unshrink.train.cost import training_flops
from unshrink.train.recipe import Recipe, read_recipe

STUDIES = Path(__file__).parent / "studies"


@dataclass(frozen=True)
class Variant:
    """One of the networks or trainings that a study compares."""

    name: str
    """Short; results and folders are keyed by it."""
    text: str = ""
    """What it is, in words, for the table."""
    recipe: str | None = None
    """The recipe that is changed, where it is not the study's."""
    changes: dict[str, Any] = field(default_factory=dict)
    """Keys of the recipe and their values; tables are merged, all else is replaced."""
    seeds: tuple[int, ...] | None = None
    """Where they are not the study's."""
    start: str | None = None
    """The variant whose weights, of the same seed, it begins with; that training is part of its cost."""
    share: float = 1.0
    """Of the budget, for what is trained after `start`."""
    begin: tuple[str, ...] = ()
    """Shipped weights, as lite-x2/v2, that it begins with where it has no `start`; their cost is not counted."""


@dataclass(frozen=True)
class Study:
    """What is compared, and what each variant's training may cost."""

    title: str
    budget: float
    """Floating-point operations of training for each variant and seed, as `train.cost.training_flops` counts them."""
    recipe: str
    """Name of a shipped recipe."""
    variants: tuple[Variant, ...]
    changes: dict[str, Any] = field(default_factory=dict)
    """For every variant, before its own."""
    seeds: tuple[int, ...] = (0,)
    name: str = ""
    """The YAML file's, without its ending."""


def study_names() -> list[str]:
    """Names of the studies that lie beside this file."""
    return sorted(path.stem for path in STUDIES.glob("*.yaml"))


def read_study(source: str) -> Study:
    """Read a study by name, or from a YAML file. Raises UnknownNameError or UsageError."""
    path = Path(source)
    if path.suffix in (".yaml", ".yml"):
        if not path.is_file():
            raise UsageError(f"There is no study file {path}.")
        return parse_study(path.read_text(encoding="utf-8"), name=path.stem)
    if source not in study_names():
        raise UnknownNameError("study", source, study_names())
    return parse_study((STUDIES / f"{source}.yaml").read_text(encoding="utf-8"), name=source)


def parse_study(text: str, *, name: str) -> Study:
    """Read a study from YAML text and try every variant's recipe. Raises UnknownNameError or UsageError."""
    try:
        values = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise UsageError(f"The study {name} is not valid YAML: {error}") from error
    study = replace(read_settings(Study, values, where=f"study {name}"), name=name)
    listed = [variant.name for variant in study.variants]
    if len(set(listed)) < len(listed):
        raise UsageError(f"Two variants of the study {name} have the same name: {', '.join(listed)}.")
    for variant in study.variants:
        _merge_recipe(study, variant, 0)
        trace(study, variant)
    return study


def find_variant(study: Study, name: str) -> Variant:
    """The variant of that name. Raises UnknownNameError."""
    listed = {variant.name: variant for variant in study.variants}
    if name not in listed:
        raise UnknownNameError(f"variant of the study {study.name}", name, listed)
    return listed[name]


def trace(study: Study, variant: Variant) -> list[Variant]:
    """What is trained for `variant`, first to last: where it starts from, and itself. Raises UsageError for circles."""
    traced = [variant]
    while traced[0].start is not None:
        earlier = find_variant(study, traced[0].start)
        if earlier in traced:
            raise UsageError(f"The variant {earlier.name} of the study {study.name} starts from itself.")
        traced.insert(0, earlier)
    return traced


def seeds_of(study: Study, variant: Variant) -> tuple[int, ...]:
    """The seeds that `variant` is trained with."""
    return study.seeds if variant.seeds is None else variant.seeds


def plan(study: Study, variant: Variant, seed: int) -> Recipe:
    """The recipe of one training, as many steps long as its share of the study's budget buys.

    A network's settings are merged into the registry's row of the model, and written out in full. Raises
    UnknownNameError and UsageError.
    """
    recipe = _merge_recipe(study, variant, seed)
    a_step = flops_of_a_step(recipe.model, recipe.settings, recipe.data)
    return replace(recipe, network=plain(recipe.settings), steps=max(1, round(variant.share * study.budget / a_step)))


@cache
def flops_of_a_step(model: str, settings: Settings, data: PatchSettings) -> float:
    """What `train.cost.training_flops` counts for a network of these settings; counted once."""
    return training_flops(build(get(model), settings=settings), data)


def _merge_recipe(study: Study, variant: Variant, seed: int) -> Recipe:
    where = f"study {study.name}, variant {variant.name}"
    values = plain(read_recipe(variant.recipe or study.recipe))
    for changes in (study.changes, variant.changes):
        if "model" in changes:
            values |= {"model": changes["model"], "network": None}
        if "network" in changes and values["network"] is None:
            values["network"] = plain(get(values["model"]).settings)
        values = _merge(values, changes)
    recipe = read_settings(Recipe, {**values, "seed": seed}, where=where)
    _ = recipe.settings  # tells at once of a model or a network that cannot be
    return recipe


def _merge(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Tables within tables are merged; an unknown key stays and is refused by whoever reads the result."""
    merged = dict(base)
    for key, value in changes.items():
        both = isinstance(value, Mapping) and isinstance(base.get(key), Mapping)
        merged[key] = _merge(base[key], value) if both else value
    return merged
