"""Recipes are read strictly."""

import pytest

from unshrink.errors import UnknownNameError, UsageError
from unshrink.train.recipe import Recipe, parse_recipe, read_recipe, recipe_names


@pytest.mark.parametrize("name", recipe_names())
def test_every_shipped_recipe_loads(name):
    assert isinstance(read_recipe(name), Recipe)


def test_numbers_and_nested_tables():
    recipe = parse_recipe("model: lite-x2\noptimiser: {rate: 2e-3, kind: muon}\nschedule: {halve_at: [1, 2]}")
    assert recipe.optimiser.rate == 2e-3
    assert recipe.schedule.halve_at == (1, 2)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("model: lite-x2\noptimizer: {}", "optimiser"),
        ("model: lite-x2\ndata: {pach: 3}", "patch"),
        ("model: lite-x2\noptimiser: {kind: mouon}", "muon"),
        ("model: lite-x2\nsteps: many", r"recipe\.steps"),
        ("model: lite-x2\nsteps: true", r"recipe\.steps"),
        ("model: lite-x2\noptimiser: {rate: fast}", r"recipe\.optimiser\.rate"),
        ("model: lite-x2\nschedule: {halve_at: 3}", "list"),
        ("steps: 3", "model"),
        ("- 3", "table"),
        ("model: [", "YAML"),
    ],
)
def test_mistakes_are_named(text, message):
    with pytest.raises(UsageError, match=message):
        parse_recipe(text)


def test_a_mistyped_recipe_names_its_neighbour():
    with pytest.raises(UnknownNameError, match="lite-x4"):
        read_recipe("lite-4x")


def test_a_missing_file_is_told(tmp_path):
    with pytest.raises(UsageError, match="no recipe file"):
        read_recipe(tmp_path / "mine.yaml")
