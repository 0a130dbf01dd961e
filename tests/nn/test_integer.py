"""Whole-number networks give the same numbers however they are summed."""

import pytest
import torch

from unshrink.nn.integer import LIMIT, TOP, WholeConv, activate


def whole_input(channels: int) -> torch.Tensor:
    return torch.randint(-TOP, TOP + 1, (2, channels, 9, 11), generator=torch.Generator().manual_seed(0)).float()


def test_sums_are_exact_in_any_order_and_precision() -> None:
    torch.manual_seed(0)
    conv = WholeConv(40, 8)
    with torch.no_grad():
        conv.weight.mul_(20)
        x = whole_input(40)
        weight, bias = conv.whole()
        exact = torch.nn.functional.conv2d(x.double(), weight.double(), bias.double(), padding=1)
        order = torch.randperm(40)
        shuffled = torch.nn.functional.conv2d(x[:, order], weight[:, order], bias, padding=1)
        assert torch.equal(conv(x).double(), exact)
        assert torch.equal(shuffled.double(), exact)
        assert torch.equal(conv(x.contiguous(memory_format=torch.channels_last)).double(), exact)


def test_autocast_does_not_reach_it() -> None:
    conv, x = WholeConv(5, 5), whole_input(5)
    plain = conv(x)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(conv(x), plain)


def test_activations_are_whole_numbers_up_to_127() -> None:
    made = activate(WholeConv(5, 5)(whole_input(5)))
    assert torch.equal(made, made.round())
    assert made.min() >= 0
    assert made.max() <= TOP


def test_gradients_pass() -> None:
    conv = WholeConv(3, 3)
    activate(conv(whole_input(3)) * 4).sum().backward()
    assert conv.weight.grad is not None
    assert conv.weight.grad.abs().sum() > 0


def test_weights_that_could_not_be_summed_exactly_are_refused() -> None:
    conv = WholeConv(64, 2)
    conv.check()
    with torch.no_grad():
        conv.weight.fill_(2.0)
    assert 64 * 9 * 255 * TOP >= LIMIT
    with pytest.raises(ValueError, match="exactly"):
        conv.check()
