import itertools

import pytest
import torch

from unshrink.nn.residues import fold, pack_symbols, unfold, unpack_symbols

STEPS = [(4, 4, 4), (4, 2, 8), (1, 1, 1), (3, 5, 7), (1, 64, 2)]


def _lr(seed=0):
    lr = torch.rand(2, 3, 9, 11, generator=torch.Generator().manual_seed(seed)) * 1.2 - 0.1
    lr[0, :, 0] = 0
    lr[0, :, 1] = 1
    return lr


def _index(steps, seed=1):
    highest = steps[0] * steps[1] * steps[2]
    return torch.randint(highest, (2, 1, 9, 11), generator=torch.Generator().manual_seed(seed)).float()


@pytest.mark.parametrize("steps", STEPS)
def test_symbols_come_back_whatever_the_picture_shows(steps):
    index = _index(steps)
    lr = fold(_lr(), index, steps)
    assert torch.equal(unfold(lr, steps), index)
    assert torch.equal(unfold((lr * 255).round().to(torch.uint8).float() / 255, steps), index)
    assert lr.min() >= 0
    assert lr.max() <= 1


@pytest.mark.parametrize("steps", STEPS)
def test_a_pixel_moves_by_half_a_step_at_most_but_at_the_ends(steps):
    lr = _lr().clamp(10 / 255, 245 / 255)
    if max(steps) > 20:
        lr = lr.clamp(40 / 255, 215 / 255)
    moved = (fold(lr, _index(steps), steps) - lr).abs().amax((0, 2, 3)) * 255
    assert (moved <= torch.tensor(steps) / 2 + 1e-3).all()
    assert (moved > torch.tensor(steps) * 0.4 - 0.1).all()


def test_every_symbol_of_every_level():
    """Nothing depends on rounding errors of a particular level."""
    steps = (4, 2, 8)
    levels = torch.arange(256.0).view(1, 1, 1, 256).expand(1, 3, 64, 256) / 255
    index = torch.arange(64.0).view(1, 1, 64, 1).expand(1, 1, 64, 256)
    assert torch.equal(unfold(fold(levels, index, steps), steps), index)


def test_the_gradient_passes_to_the_picture_alone():
    lr = _lr().requires_grad_()
    index = _index((4, 4, 4)).requires_grad_()
    weights = torch.rand_like(lr)
    (fold(lr, index, (4, 4, 4)) * weights).sum().backward()
    assert torch.equal(lr.grad, weights)
    assert index.grad is None


def test_planes_become_one_number_and_planes_again():
    counts = (3, 5, 4)
    symbols = torch.tensor(list(itertools.product(*map(range, counts)))).float().T[None, :, :, None]
    index = pack_symbols(symbols, counts)
    assert sorted(index.flatten().tolist()) == list(range(60))
    assert torch.equal(unpack_symbols(index, counts), symbols)
