"""Effort lowers the restoration's error, leaves the LR near bicubic, and does not depend on the tiling."""

import pytest
import torch

from unshrink.errors import UsageError
from unshrink.models.irn import IRN, IRNSettings, LevelSettings
from unshrink.nn.quantise import quantise
from unshrink.nn.resample import bicubic_down
from unshrink.rescale import effort


@pytest.fixture(scope="module")
def case():
    torch.manual_seed(0)
    model = IRN(IRNSettings((LevelSettings(blocks=1, width=6, depth=1, subnet="residual"),)))
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.02 * torch.randn_like(parameter))
    model.requires_grad_(False)
    hr = torch.nn.functional.interpolate(torch.rand(1, 3, 12, 16), size=(48, 64), mode="bicubic").clamp(0, 1)
    with torch.inference_mode():
        lr, _ = model.downscale(hr)
    return model, hr, lr


def _errors(model, hr, lr):
    """What effort lowers, colours and luma weighed as it does; and the LR's mean squared error against bicubic."""
    with torch.inference_mode():
        error = model.upscale(quantise(lr)) - hr
        luma = (error * torch.tensor(effort.LUMA).view(3, 1, 1)).sum(1)
        restored = error.square().mean().item() + effort.LUMA_WEIGHT / 3 * luma.square().mean().item()
    return restored, (quantise(lr) - bicubic_down(hr, 2)).square().mean().item()


def test_more_effort_restores_better(case):
    model, hr, lr = case
    errors = [_errors(model, hr, effort.refine(model, hr, lr, level)[0])[0] for level in (0, 2, 5, 8)]
    assert errors[3] < errors[2] < errors[1] < errors[0]


def test_the_lr_stays_near_bicubic(case):
    model, hr, lr = case
    before, after = (_errors(model, hr, effort.refine(model, hr, lr, level)[0])[1] for level in (0, 9))
    assert after < before + 10 ** (-33 / 10)  # of a network that knows nothing; trained ones keep above 40 dB


def test_no_effort_changes_nothing(case):
    model, hr, lr = case
    assert effort.refine(model, hr, lr, 0)[0] is lr


def test_tiles_give_the_whole_pictures_gradient(case, monkeypatch):
    model, hr, lr = case
    whole = effort.refine(model, hr, lr, 2)[0]
    monkeypatch.setattr(effort, "TILE", 16)
    assert (effort.refine(model, hr, lr, 2)[0] - whole).abs().max() < 1e-4


@pytest.mark.parametrize("level", [-1, 10])
def test_other_efforts_are_refused(case, level):
    with pytest.raises(UsageError, match="0 to 9"):
        effort.refine(*case, level)


def test_steps_that_make_it_worse_are_not_taken(case, monkeypatch):
    model, hr, lr = case
    monkeypatch.setattr(effort, "RATE", 0.5)
    assert torch.equal(effort.refine(model, hr, lr, 1)[0], lr.clamp(0, 1))
