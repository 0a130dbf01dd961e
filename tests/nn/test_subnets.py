"""Sub-networks: shapes, starts, reach; in strips they give what they give at once."""

import pytest
import torch

from samples import disturb
from unshrink.errors import UnknownNameError
from unshrink.nn import tiling
from unshrink.nn.precision import use_subnet_dtype
from unshrink.nn.subnets import SUBNETS, build_subnet


def _disturbed(kind, depth=2, inputs=3, outputs=5):
    torch.manual_seed(0)
    return disturb(build_subnet(kind, inputs, outputs, width=8, depth=depth), 0.2)


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
    monkeypatch.setattr(tiling, "TILE_PIXELS", 1)
    with torch.inference_mode():
        assert (tiling.apply(net, x) - whole).abs().max() < bound * whole.abs().max()


@pytest.mark.parametrize("kind", SUBNETS)
@pytest.mark.parametrize(("inputs", "outputs"), [(3, 9), (9, 3)])
def test_a_bfloat16_subnet_answers_in_float32(kind, inputs, outputs):
    net = _disturbed(kind, inputs=inputs, outputs=outputs)
    x = torch.rand(2, inputs, 40, 8)
    with torch.inference_mode():
        whole = net(x)
        use_subnet_dtype(net, torch.bfloat16)
        result = tiling.apply(net, x)
    assert result.dtype == torch.float32
    assert 0 < (result - whole).abs().max() < 0.03 * whole.abs().max()


def _pass_on(conv, channel):
    with torch.no_grad():
        conv.weight.zero_()
        conv.weight[0, channel, 1, 1] = 1.0


@pytest.mark.parametrize("kind", SUBNETS)
def test_the_last_bits_of_a_bright_input_are_read_in_bfloat16(kind):
    net = build_subnet(kind, 1, 1, width=2, depth=1)
    head, tail = (net.head, net.tail) if kind == "residual" else net.convs
    _pass_on(head, 0)
    _pass_on(tail, 0)
    use_subnet_dtype(net, torch.bfloat16)
    levels = torch.tensor([[[[200 / 255, 200.4 / 255]]]])
    with torch.no_grad():
        features = head(levels)
    assert features[..., 1].max() > features[..., 0].max()
    assert levels.bfloat16()[..., 0] == levels.bfloat16()[..., 1]


def test_a_narrowed_dense_subnet_reads_those_bits_in_its_other_convolutions_too():
    net = build_subnet("dense", 1, 1, width=2, depth=2)
    levels = torch.tensor([[[[200 / 255, 200.4 / 255]]]])
    with torch.no_grad():
        _pass_on(net.convs[1], 0)
        net.convs[1].bias.fill_(-0.78125)  # leaves only the last bits, which bfloat16 can hold
        _pass_on(net.convs[2], 3)
    use_subnet_dtype(net, torch.bfloat16)
    with torch.no_grad():
        low, high = net(levels).flatten().tolist()
    assert high - low == pytest.approx(0.4 / 255, rel=0.02)


@pytest.mark.parametrize("kind", SUBNETS)
@pytest.mark.parametrize("outputs", [3, 9])
def test_the_last_bias_is_added_in_float32(kind, outputs):
    net = build_subnet(kind, 3, outputs, width=4, depth=2)
    last = net.tail if kind == "residual" else net.convs[-1]
    with torch.no_grad():
        last.bias.copy_(torch.linspace(0.2, 0.3, outputs))
        use_subnet_dtype(net, torch.bfloat16)
        assert torch.equal(net(torch.rand(1, 3, 6, 5))[0, :, 2, 2], last.bias)


@pytest.mark.parametrize("kind", SUBNETS)
def test_few_outputs_are_the_same_without_gradients(kind):
    net = _disturbed(kind, outputs=3).double()
    x = torch.rand(3, 3, 7, 12, dtype=torch.float64)
    with torch.inference_mode():
        found = net(x)
    torch.testing.assert_close(found, net(x).detach(), rtol=0, atol=1e-13)


@pytest.mark.parametrize("kind", SUBNETS)
@pytest.mark.parametrize("inputs", [3, 9])
def test_gradients_under_autocast_are_those_of_float32_up_to_rounding(kind, inputs):
    net = _disturbed(kind, inputs=inputs)
    x = torch.rand(2, inputs, 24, 24, requires_grad=True)
    wanted = [x, *net.parameters()]
    true = torch.autograd.grad(net(x).square().sum(), wanted)
    with torch.autocast("cpu", torch.bfloat16):
        answer = net(x)
        assert answer.dtype == torch.float32
    for found, expected in zip(torch.autograd.grad(answer.square().sum(), wanted), true, strict=True):
        assert found.dtype == torch.float32
        assert (found - expected).norm() < 0.06 * expected.norm()  # mostly LeakyReLUs that rounding turns over


def test_an_unknown_kind_names_its_neighbour():
    with pytest.raises(UnknownNameError, match="residual"):
        build_subnet("residul", 3, 5, width=8, depth=2)
