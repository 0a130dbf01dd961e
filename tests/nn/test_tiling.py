"""Strips: they cover the picture once, and give what the whole gives at any size."""

import pytest
import torch

from unshrink.nn import tiling
from unshrink.nn.subnets import build_subnet


def _net():
    torch.manual_seed(0)
    net = build_subnet("residual", 3, 5, width=8, depth=1).double()
    with torch.no_grad():
        net.tail.weight.normal_()
    return net


@pytest.fixture
def small_tiles(monkeypatch):
    monkeypatch.setattr(tiling, "TILE_PIXELS", 400)


@pytest.mark.parametrize(("height", "width"), [(1, 1), (7, 300), (61, 9), (61, 100), (40, 40)])
@torch.inference_mode()
def test_they_are_the_whole_cut_up(height, width, small_tiles):
    net, x = _net(), torch.rand(2, 3, height, width, dtype=torch.float64)
    whole, covered = net(x), torch.zeros(height, width)
    for at, tile in tiling.each(net, x):
        covered[at] += 1
        torch.testing.assert_close(tile, whole[..., *at], rtol=0, atol=1e-12)
    assert (covered == 1).all()
    torch.testing.assert_close(tiling.apply(net, x), whole, rtol=0, atol=1e-12)


@torch.inference_mode()
def test_a_net_never_sees_much_more_than_a_tile(small_tiles):
    net, seen = _net(), []
    net.register_forward_pre_hook(lambda net, inputs: seen.append(inputs[0][0, 0].numel()))
    tiling.apply(net, torch.rand(1, 3, 61, 1000, dtype=torch.float64))
    assert len(seen) > 100
    assert max(seen) < 3 * 400


def test_where_gradients_are_asked_for_the_whole_is_run_at_once(small_tiles):
    net, seen = _net(), []
    net.register_forward_pre_hook(lambda net, inputs: seen.append(inputs[0].shape))
    x = torch.rand(1, 3, 61, 50, dtype=torch.float64)
    assert tiling.apply(net, x).requires_grad
    assert seen == [x.shape]
