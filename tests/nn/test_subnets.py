"""Sub-networks: shapes, starts, reach; in strips they give what they give at once."""

import pytest
import torch

from samples import disturb
from unshrink.errors import UnknownNameError
from unshrink.models.base import use_subnet_dtype
from unshrink.nn import strips
from unshrink.nn.subnets import SUBNETS, build_subnet


def _disturbed(kind, depth=2):
    torch.manual_seed(0)
    return disturb(build_subnet(kind, 3, 5, width=8, depth=depth), 0.2)


@pytest.mark.parametrize("kind", SUBNETS)
def test_a_fresh_subnet_is_zero(kind):
    assert build_subnet(kind, 3, 5, width=8, depth=2)(torch.rand(1, 3, 9, 7)).count_nonzero() == 0


@pytest.mark.parametrize("kind", SUBNETS)
@pytest.mark.parametrize("depth", [1, 3])
def test_reach_is_exactly_what_is_read(kind, depth):
    net = _disturbed(kind, depth).double()
    x = torch.zeros(1, 3, 41, 41, dtype=torch.float64, requires_grad=True)
    net(x)[0, :, 20, 20].sum().backward()
    rows = x.grad.abs().sum((0, 1, 3)).nonzero().flatten()
    assert (20 - int(rows.min()), int(rows.max()) - 20) == (net.reach, net.reach)


@pytest.mark.parametrize("kind", SUBNETS)
@pytest.mark.parametrize("height", [16, 17, 63, 100])
@pytest.mark.parametrize(("dtype", "bound"), [(torch.float64, 1e-13), (torch.float32, 1e-6)])
def test_strips_equal_the_whole(kind, height, dtype, bound, monkeypatch):
    net, x = _disturbed(kind).to(dtype), torch.rand(2, 3, height, 11, dtype=dtype)
    whole = net(x)
    monkeypatch.setattr(strips, "STRIP_PIXELS", 1)
    with torch.inference_mode():
        assert (strips.apply(net, x) - whole).abs().max() < bound * whole.abs().max()


def test_a_bfloat16_subnet_answers_in_float32():
    net = _disturbed("residual")
    x = torch.rand(1, 3, 40, 8)
    whole = net(x)
    use_subnet_dtype(net, torch.bfloat16)
    result = strips.apply(net, x)
    assert result.dtype == torch.float32
    assert 0 < (result - whole).abs().max() < 0.03 * whole.abs().max()


def test_the_last_bits_of_a_bright_input_are_read_in_bfloat16():
    net = build_subnet("residual", 1, 1, width=2, depth=1)
    with torch.no_grad():
        for conv in (net.head, net.tail):
            conv.weight.zero_()
            conv.weight[0, 0, 1, 1] = 1.0
    use_subnet_dtype(net, torch.bfloat16)
    levels = torch.tensor([[[[200 / 255, 200.4 / 255]]]])
    with torch.no_grad():
        features = net.head(levels)
    assert features[..., 1].max() > features[..., 0].max()
    assert levels.bfloat16()[..., 0] == levels.bfloat16()[..., 1]


def test_an_unknown_kind_names_its_neighbour():
    with pytest.raises(UnknownNameError, match="residual"):
        build_subnet("residul", 3, 5, width=8, depth=2)
