"""The critic: it learns, its loss reaches the restoration and not itself, and it goes on where it stopped."""

import copy

import pytest
import torch

from unshrink.train.adversarial import Adversary, PatchCritic


def _batches(seed):
    generator = torch.Generator().manual_seed(seed)
    sharp = torch.rand(4, 3, 16, 16, generator=generator)
    return sharp, torch.nn.functional.avg_pool2d(sharp, 3, stride=1, padding=1)


@pytest.fixture
def adversary():
    torch.manual_seed(0)
    return Adversary(1e-3)


def test_a_logit_for_every_eight_pixels():
    assert PatchCritic(4)(torch.rand(2, 3, 32, 24)).shape == (2, 1, 4, 3)


def test_it_learns_to_tell_sharp_from_blurred(adversary):
    losses = [adversary.learn(*_batches(seed)).item() for seed in range(30)]
    assert losses[0] == pytest.approx(2 * torch.log(torch.tensor(2.0)).item(), abs=0.05)
    assert losses[-1] < 0.5 * losses[0]
    sharp, blurred = _batches(99)
    assert adversary.unfooled(sharp) < adversary.unfooled(blurred)


def test_the_loss_reaches_the_restoration_only(adversary):
    restored = torch.rand(1, 3, 16, 16, requires_grad=True)
    adversary.unfooled(restored).backward()
    assert restored.grad.abs().sum() > 0
    assert all(parameter.grad is None for parameter in adversary.critic.parameters())


def test_learning_leaves_the_restoration_alone(adversary):
    restored = torch.rand(1, 3, 16, 16, requires_grad=True)
    adversary.learn(torch.rand(1, 3, 16, 16), restored)
    assert restored.grad is None


def test_it_goes_on_where_it_stopped(adversary):
    adversary.learn(*_batches(0))
    other = Adversary(1e-3)
    other.load_state_dict(copy.deepcopy(adversary.state_dict()))  # as a file would hold it
    assert adversary.learn(*_batches(1)) == other.learn(*_batches(1))
    for one, same in zip(adversary.critic.parameters(), other.critic.parameters(), strict=True):
        assert torch.equal(one, same)
