"""Weights: written, found and loaded; damage and mismatch are told."""

import json

import pytest
import torch

from unshrink.errors import MissingWeightsError, UnshrinkError, WeightsError
from unshrink.models import weights
from unshrink.models.irn import IRN, IRNSettings, LevelSettings

TINY = IRNSettings((LevelSettings(blocks=1, width=4, depth=1, subnet="residual"),))


@pytest.fixture
def folder(tmp_path):
    torch.manual_seed(0)
    weights.write_weights(IRN(TINY), "lite-x2", tmp_path)
    return tmp_path


def test_what_is_written_is_loaded(folder):
    loaded = weights.load("lite-x2", path=folder)
    assert loaded.model.settings == TINY
    torch.manual_seed(0)
    expected = IRN(TINY).state_dict()
    assert all(torch.equal(tensor, expected[key]) for key, tensor in loaded.model.state_dict().items())


def test_another_digest_is_refused(folder):
    with pytest.raises(MissingWeightsError, match="are others"):
        weights.load("lite-x2", path=folder, digest="0" * 64)


def test_weights_of_another_model_are_refused(folder):
    with pytest.raises(WeightsError, match="not of irn-x2"):
        weights.load("irn-x2", path=folder)


def test_damaged_tensors_are_told(folder):
    path = folder / weights.TENSORS
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(WeightsError, match="damaged"):
        weights.load("lite-x2", path=folder)


def test_missing_config_is_told(folder):
    (folder / weights.CONFIG).unlink()
    with pytest.raises(WeightsError, match="config"):
        weights.load("lite-x2", path=folder)


def test_an_unknown_key_names_its_neighbour(folder):
    path = folder / weights.CONFIG
    config = json.loads(path.read_text())
    config["settings"]["clmap"] = 1.0
    path.write_text(json.dumps(config))
    with pytest.raises(UnshrinkError, match="clamp"):
        weights.load("lite-x2", path=folder)


def test_the_model_that_weights_state(folder, tmp_path):
    assert weights.stated_model(folder) == "lite-x2"
    for text in ("{", "[]", '{"model": 4}'):
        (folder / weights.CONFIG).write_text(text)
        assert weights.stated_model(folder) is None
    assert weights.stated_model(tmp_path / "IRN.pth") is None


def test_an_empty_folder_is_told(tmp_path):
    with pytest.raises(WeightsError, match=r"model\.safetensors"):
        weights.load("lite-x2", path=tmp_path)
