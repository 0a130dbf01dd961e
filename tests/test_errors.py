from __future__ import annotations

import pickle

import pytest

from unshrink import errors


def test_exit_codes_are_those_of_the_command_line():
    codes = {
        errors.UnshrinkError: 1,
        errors.WeightsError: 1,
        errors.UsageError: 2,
        errors.UnknownNameError: 2,
        errors.OutputExistsError: 2,
        errors.UnreadableInputError: 3,
        errors.UnsupportedPictureError: 3,
        errors.LRFileError: 4,
        errors.NotAnLRFileError: 4,
        errors.EditedLRFileError: 4,
        errors.DamagedLRFileError: 4,
        errors.NewerFormatError: 4,
        errors.MissingWeightsError: 4,
        errors.LimitError: 5,
    }
    assert {kind: kind.exit_code for kind in codes} == codes


def test_every_public_class_is_in_the_one_tree_and_documented():
    named = {getattr(errors, name) for name in errors.__all__ if isinstance(getattr(errors, name), type)}
    there = {
        value for value in vars(errors).values() if isinstance(value, type) and value.__module__ == errors.__name__
    }
    assert named == there
    assert all(issubclass(c, errors.UnshrinkError) and c.__doc__ for c in there)


def test_unknown_name_names_its_nearest_neighbour():
    error = errors.UnknownNameError("model", "irn-x44", ["irn-x2", "irn-x4", "lite-x2"])
    assert str(error) == "There is no model 'irn-x44'; did you mean 'irn-x4'?"


def test_unknown_name_lists_what_there_is_where_nothing_is_near():
    assert "known: irn-x4, lite-x2." in str(errors.UnknownNameError("model", "zzz", ["irn-x4", "lite-x2"]))
    assert "none is known" in str(errors.UnknownNameError("model", "zzz", []))


@pytest.mark.parametrize(
    "error", [errors.UnknownNameError("model", "a", ("b", "c")), errors.OutputExistsError("photo.png")]
)
def test_errors_with_arguments_survive_pickling(error):
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is type(error)
    assert str(again) == str(error)
    assert vars(again) == vars(error)
