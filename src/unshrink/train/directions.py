"""Point the autoencoder of an IRN-M at what the latent of a trained IRN holds most of, before it learns the rest."""

from collections.abc import Iterable

import torch
from torch import Tensor
from torch.nn.functional import pixel_unshuffle

from unshrink.models.irn_m import IRNM
from unshrink.models.placed import latent_of
from unshrink.nn.autoencoder import FACTOR, AdaptiveDecoder, AdaptiveEncoder

LEAST = 1e-3
"""Root mean square of z below which a picture says nothing."""


@torch.no_grad()
def aim(model: IRNM, pictures: Iterable[Tensor]) -> bool:
    """Let `model` project z on the principal directions of its 4x4 blocks over `pictures`, each (B, 3, H, W) in [0, 1].

    Only an autoencoder of our design that has learnt nothing yet is changed, in place. Says whether it was. Our design.
    """
    encoder, decoder = model.autoencoder.encoder, model.autoencoder.decoder
    if not (isinstance(encoder, AdaptiveEncoder) and isinstance(decoder, AdaptiveDecoder)) or encoder.has_learnt():
        return False
    directions = _principal(torch.cat([_blocks(model, hr) for hr in pictures]), model.settings.channels)
    encoder.point(directions.view(model.settings.channels, -1, FACTOR, FACTOR))
    decoder.point(directions.view(model.settings.channels, -1, FACTOR, FACTOR))
    return True


def _blocks(model: IRNM, hr: Tensor) -> Tensor:
    """The 4x4 blocks of z, each a row (blocks, C * 16); every picture counts alike, however much detail it has."""
    size = hr.shape[-2], hr.shape[-1]
    small = size[0] // model.scale, size[1] // model.scale
    z = latent_of(model.irn.at(size, small).split(hr))
    z = z / z.square().mean((1, 2, 3), keepdim=True).sqrt().clamp_min(LEAST)
    rows, columns = (side // FACTOR * FACTOR for side in z.shape[-2:])
    return pixel_unshuffle(z[..., :rows, :columns], FACTOR).permute(0, 2, 3, 1).flatten(0, 2).double()


def _principal(blocks: Tensor, count: int) -> Tensor:
    """The `count` orthonormal directions (count, n) with the largest mean square of rows (m, n), largest first."""
    vectors: Tensor = torch.linalg.eigh(blocks.T @ blocks / len(blocks))[1]
    return vectors.flip(1)[:, :count].T.float()
