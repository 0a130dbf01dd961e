"""The self-ensemble's measure: turning there and back again, and what it refuses."""

from pathlib import Path

import pytest
import torch

from lab.ensemble import TURNS, measure_ensemble, restore_turned
from unshrink.errors import UsageError
from unshrink.models.registry import build, get


@pytest.mark.parametrize(("flips", "transposed"), TURNS)
def test_a_network_without_a_sense_of_direction_restores_the_same_from_every_turn(flips, transposed):
    """A new network is the Haar transform alone, which from z = 0 repeats every pixel."""
    model, lr = build(get("lite-x2")).eval(), torch.rand(1, 3, 5, 8)
    with torch.no_grad():
        torch.testing.assert_close(restore_turned(model, lr, flips, transposed), model.upscale(lr))


def test_eight_different_turns():
    lr = torch.arange(6.0).reshape(1, 1, 2, 3)
    turned = {
        tuple(lr.flip(f).transpose(2, 3).flatten().tolist() if t else lr.flip(f).flatten().tolist()) for f, t in TURNS
    }
    assert len(turned) == 8


@pytest.mark.parametrize("name", ["iarn", "irn-a-x2"])
def test_models_that_it_does_not_fit(name, tmp_path: Path):
    with pytest.raises(UsageError, match="LR picture alone"):
        measure_ensemble(name, [tmp_path])
