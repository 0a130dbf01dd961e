"""Muon orthogonalises."""

import pytest
import torch

from unshrink.train.muon import Muon, orthogonalise


@pytest.mark.parametrize("shape", [(2, 8, 30), (1, 30, 8), (3, 9, 9)])
def test_singular_values_end_near_one(shape):
    torch.manual_seed(0)
    values = torch.linalg.svdvals(orthogonalise(torch.randn(shape) * 100))
    assert values.min() > 0.3
    assert values.max() < 1.3


def test_singular_vectors_stay():
    torch.manual_seed(0)
    matrix = torch.randn(1, 6, 20)
    u, _, vt = torch.linalg.svd(matrix, full_matrices=False)
    product = u.mT @ orthogonalise(matrix) @ vt.mT
    assert (product - torch.diag_embed(product.diagonal(dim1=-2, dim2=-1))).abs().max() < 1e-4


def test_kernels_of_one_shape_are_updated_as_if_alone():
    torch.manual_seed(0)
    kernels = [torch.nn.Parameter(torch.randn(4, 3, 3, 3)) for _ in range(2)]
    alone = torch.nn.Parameter(kernels[1].detach().clone())
    for parameter in (*kernels, alone):
        parameter.grad = parameter.detach().sin()
    Muon(kernels, lr=0.1).step()
    Muon([alone], lr=0.1).step()
    assert torch.allclose(kernels[1], alone, atol=1e-6)


def test_it_descends():
    torch.manual_seed(0)
    target, kernel = torch.randn(4, 2, 3, 3), torch.nn.Parameter(torch.zeros(4, 2, 3, 3))
    optimiser = Muon([kernel], lr=0.05)
    for _ in range(200):
        loss = (kernel - target).square().sum()
        kernel.grad = 2 * (kernel.detach() - target)
        optimiser.step()
    assert loss < 0.05 * target.square().sum()
