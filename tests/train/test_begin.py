"""Which weights a run begins with."""

from dataclasses import replace

import pytest

from unshrink.errors import UnknownNameError, WeightsError
from unshrink.models import registry
from unshrink.train.begin import starting_weights
from unshrink.train.recipe import read_recipe, recipe_names


def test_a_recipe_names_its_start_and_others_may_be_given(tmp_path):
    recipe = read_recipe("irn-q-x4")
    (folder,) = starting_weights(recipe)
    assert folder.parent.name == "lite-x4"
    assert [path.parent.name for path in starting_weights(recipe, ["irn-q-x4", "lite-x2"])] == ["irn-q-x4", "lite-x2"]
    assert starting_weights(recipe, [str(tmp_path)]) == [tmp_path]
    assert starting_weights(recipe, ["none"]) == []
    assert starting_weights(read_recipe("lite-x4")) == []


def test_what_is_neither_model_nor_folder_is_told(tmp_path):
    with pytest.raises(UnknownNameError, match="did you mean 'irn-q-x4'"):
        starting_weights(read_recipe("irn-q-x4"), ["irn-q-4x"])
    with pytest.raises(WeightsError, match="irn-x4"):
        starting_weights(replace(read_recipe("lite-x4"), start=("irn-x4",)))


@pytest.mark.parametrize("name", recipe_names())
def test_recipes_begin_with_models_that_there_are(name):
    assert set(read_recipe(name).start) <= set(registry.names())
