"""What the pixels of an LR picture carry, told from them alone: whatever else a file has lost, this is still there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from unshrink.files.picture import Picture
from unshrink.files.preamble import Preamble, begins, emptied, read_preamble
from unshrink.files.residues import Samples

__all__ = ["KINDS", "Carried", "carried", "carries", "without_carried"]

KINDS = {1: "stream", 2: "avif"}
"""What a preamble's kind is called."""


class Carried(NamedTuple):
    """What was found."""

    samples: Samples
    """(h, w) of a grey picture or (h, w, 3)."""
    preamble: Preamble

    @property
    def grey(self) -> bool:
        """Whether the picture was written as a grey one."""
        return self.samples.ndim == 2


def carried(picture: Picture) -> Carried | None:
    """What the pixels of `picture` say that they carry; None where they say nothing.

    Raises DamagedLRFileError where they begin as if they did.
    """
    return next((Carried(one, read_preamble(one)) for one in _views(picture) if begins(one)), None)


def carries(picture: Picture) -> bool:
    """Whether its pixels begin as those that carry something, sound or not."""
    return any(begins(one) for one in _views(picture))


def without_carried(picture: Picture) -> Picture | None:
    """The same picture with nothing in its pixels; None where there is nothing. Raises DamagedLRFileError."""
    for one in _views(picture):
        if begins(one):
            bare = emptied(one)
            return replace(picture, rgb=bare[..., None].repeat(3, axis=2) if bare.ndim == 2 else bare)
    return None


def _views(picture: Picture) -> Iterator[NDArray[np.uint8]]:
    """The pixels as they may have been written: other programs give grey pictures three channels."""
    rgb = picture.rgb
    if picture.grey or ((rgb[..., 0] == rgb[..., 1]).all() and (rgb[..., 1] == rgb[..., 2]).all()):
        yield rgb[..., 0]
    yield rgb
