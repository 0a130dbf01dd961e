"""A run begins with weights from elsewhere, or says clearly why it cannot."""

import pytest
import torch

from unshrink.errors import WeightsError
from unshrink.models.irn import IRNSettings, LevelSettings
from unshrink.models.registry import build, get
from unshrink.models.weights import CONFIG, write_weights
from unshrink.train.recipe import Recipe
from unshrink.train.state import begin_with, start

SMALL = IRNSettings((LevelSettings(blocks=1, width=4, depth=1, subnet="residual"),))


def _state(model="lite-x2"):
    settings = {"levels": [{"blocks": 1, "width": 4, "depth": 1, "subnet": "residual"}]}
    return start(Recipe(model=model, network=settings if model == "lite-x2" else None), torch.device("cpu"))


def test_a_missing_folder_is_told(tmp_path):
    with pytest.raises(WeightsError, match="none is neither a folder"):
        begin_with(_state(), tmp_path / "none", "lite-x2")


@pytest.mark.parametrize("config", [None, "{", "[]"], ids=["missing", "cut", "a list"])
def test_a_folder_that_does_not_say_its_model_is_told(tmp_path, config):
    write_weights(build(get("lite-x2"), settings=SMALL), "lite-x2", tmp_path)
    (tmp_path / CONFIG).unlink()
    if config is not None:
        (tmp_path / CONFIG).write_text(config)
    with pytest.raises(WeightsError, match=r"config\.json is"):
        begin_with(_state(), tmp_path, "lite-x2")


def test_a_checkpoint_of_the_authors_is_read_as_of_the_recipes_model(tmp_path):
    path = tmp_path / "IRN.pth"
    theirs = {}
    for key, tensor in build(get("irn-x2")).state_dict().items():
        _, _, index, subnet, _, conv, kind = key.split(".")
        name = f"operations.{index}.{subnet.upper()}.conv{int(conv) + 1}.{kind}"
        theirs[name] = torch.full_like(tensor, 0.25)
    torch.save(theirs, path)
    state = _state("irn-x2")
    begin_with(state, path, "irn-x2")
    assert all((tensor == 0.25).all() for tensor in state.model.state_dict().values())
    with pytest.raises(WeightsError, match="do not fit lite-x2"):
        begin_with(_state(), path, "lite-x2")
