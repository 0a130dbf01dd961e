"""The weights that a run begins with, as people name them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from unshrink.errors import UnknownNameError
from unshrink.models import registry
from unshrink.models.zoo import find
from unshrink.train.recipe import Recipe

NONE = "none"
"""Stands for no weights: from scratch."""


def starting_weights(recipe: Recipe, given: Sequence[str] = ()) -> list[Path]:
    """Folders of weights to begin with: those `given`, by path or by the name of a model, else the recipe's.

    "none" is to begin from scratch. Raises UnknownNameError, and WeightsError where a model has none installed.
    """
    names = list(given) or list(recipe.start)
    return [] if names == [NONE] else [_folder(name) for name in names]


def _folder(name: str) -> Path:
    if Path(name).exists():
        return Path(name)
    if name not in registry.names():
        raise UnknownNameError("folder of weights and no model", name, registry.names())
    return find(name).path
