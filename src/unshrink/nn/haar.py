"""Bijections between space and channels: the Haar transform, and a learnable one for odd factors."""

import torch
from torch import Tensor, nn

from unshrink.nn.invertible import Invertible


class Haar(Invertible):
    """One level of the Haar wavelet transform, (B, C, H, W) <-> (B, 4C, H/2, W/2), H and W even.

    Each 2x2 square [[a, b], [c, d]] becomes its mean (low) and three signed means (horizontal, vertical, diagonal).
    Channels are band-major: all C low, then all C horizontal, vertical, diagonal. Low stays in the range of x.
    Source: Xiao et al., "Invertible Image Rescaling", ECCV 2020.
    """

    factor = 2

    def forward(self, x: Tensor) -> Tensor:
        """Split x into its four bands."""
        if not torch.is_grad_enabled():
            return self.forward_(x)
        a, b, c, d = _corners(x)
        ab, cd = a + b, c + d
        a_b, c_d = a - b, c - d
        return torch.cat([ab + cd, a_b + c_d, ab - cd, a_b - c_d], dim=1).mul_(0.25)

    def inverse(self, y: Tensor) -> Tensor:
        """Put the four bands together again."""
        low, horizontal, vertical, diagonal = y.chunk(4, dim=1)
        top, bottom = low + vertical, low - vertical
        top_h, bottom_h = horizontal + diagonal, horizontal - diagonal
        squares = torch.stack([top + top_h, top - top_h, bottom + bottom_h, bottom - bottom_h], dim=2)
        return nn.functional.pixel_shuffle(squares.flatten(1, 2), 2)

    def forward_(self, x: Tensor) -> Tensor:
        """`forward` with no memory but the result's; x stays as it is."""
        y = x.new_empty(x.shape[0], 4 * x.shape[1], x.shape[2] // 2, x.shape[3] // 2)
        low, horizontal, vertical, diagonal = y.chunk(4, dim=1)
        a, b, c, d = _corners(x)
        for total, difference, left, right in ((low, horizontal, a, b), (vertical, diagonal, c, d)):
            torch.add(left, right, out=total)
            torch.sub(left, right, out=difference)
        _butterfly(low, vertical)
        _butterfly(horizontal, diagonal)
        return y.mul_(0.25)

    def inverse_(self, y: Tensor) -> Tensor:
        """`inverse` with no memory but the result's; y is overwritten."""
        low, horizontal, vertical, diagonal = y.chunk(4, dim=1)
        _butterfly(low, vertical)
        _butterfly(horizontal, diagonal)
        x = y.new_empty(y.shape[0], y.shape[1] // 4, 2 * y.shape[2], 2 * y.shape[3])
        a, b, c, d = _corners(x)
        for total, difference, left, right in ((low, horizontal, a, b), (vertical, diagonal, c, d)):
            left.copy_(total).add_(difference)
            right.copy_(total).sub_(difference)
        return x


def _corners(x: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Views of the four pixels of every 2x2 square, in reading order."""
    return x[..., 0::2, 0::2], x[..., 0::2, 1::2], x[..., 1::2, 0::2], x[..., 1::2, 1::2]


def _butterfly(p: Tensor, q: Tensor) -> None:
    """p, q -> p + q, p - q, in place."""
    p.add_(q)
    q.mul_(-2).add_(p)


class Mixing(Invertible):
    """Space to depth by `factor` and one learnable mixing matrix, shared by the channels.

    (B, C, H, W) <-> (B, C * factor**2, H / factor, W / factor), band-major like `Haar`. The matrix starts as the
    identity with the mean in row 0, so that the first C channels start as a box-filtered LR image.
    Source: the x3 network of Xiao et al., ECCV 2020.
    """

    def __init__(self, factor: int) -> None:
        super().__init__()
        self.factor = factor
        matrix = torch.eye(factor**2)
        matrix[0] = 1.0 / factor**2
        self.matrix = nn.Parameter(matrix)

    def forward(self, x: Tensor) -> Tensor:
        """Gather each factor x factor square and mix its pixels into bands."""
        squares = nn.functional.pixel_unshuffle(x, self.factor)
        squares = squares.view(x.shape[0], x.shape[1], self.factor**2, *squares.shape[-2:])
        with torch.autocast(x.device.type, enabled=False):
            return torch.einsum("ij,bcjhw->bichw", self.matrix.to(x.dtype), squares).flatten(1, 2)

    def inverse(self, y: Tensor) -> Tensor:
        """Unmix the bands with the matrix's inverse, taken in float64, and spread each square out again."""
        bands = y.reshape(y.shape[0], self.factor**2, -1, *y.shape[-2:])
        unmix = torch.linalg.inv(self.matrix.double()).to(y.dtype)
        with torch.autocast(y.device.type, enabled=False):
            squares = torch.einsum("ij,bjchw->bcihw", unmix, bands).flatten(1, 2)
        return nn.functional.pixel_shuffle(squares, self.factor)
