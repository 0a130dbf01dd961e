"""The quantiser: 256 levels, half to even, straight-through gradient."""

import torch

from unshrink.nn.quantise import quantise


def test_levels_and_ties():
    x = torch.tensor([-0.3, 0.5 / 255, 1.5 / 255, 0.4999, 1.7], dtype=torch.float64)
    assert (quantise(x) * 255).round().tolist() == [0.0, 0.0, 2.0, 127.0, 255.0]


def test_the_gradient_is_the_identity_even_outside_the_range():
    x = torch.tensor([-0.5, 0.3, 1.5], requires_grad=True)
    (quantise(x) * torch.tensor([1.0, 2.0, 3.0])).sum().backward()
    assert x.grad.tolist() == [1.0, 2.0, 3.0]


def test_the_argument_is_left_alone():
    x = torch.tensor([0.123, 7.0])
    quantise(x)
    assert x.tolist() == torch.tensor([0.123, 7.0]).tolist()
