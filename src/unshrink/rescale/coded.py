"""Models that leave the LR picture to bicubic, and write what it does not tell into its own pixels.

Two kinds of data, whose preamble says which: a coded stream (`rescale.chain`), and an AVIF file of the whole picture.
The pixels are enough: what else a file holds, its header among it, only adds to them.
"""

from __future__ import annotations

import contextlib
import struct
from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import NamedTuple, cast

import numpy as np
import torch
from numpy.typing import NDArray

from unshrink.errors import DamagedLRFileError, LimitError
from unshrink.files import residues
from unshrink.files.preamble import Preamble, begins, read_preamble
from unshrink.files.residues import Layout, Run, Samples
from unshrink.models.stream import StreamNet
from unshrink.models.weights import Loaded
from unshrink.nn.parts import Part, Size, whole
from unshrink.rescale import avif, chain
from unshrink.rescale.avif import bicubic
from unshrink.rescale.embedding import Carrying, embed_stream
from unshrink.rescale.looks import choose_layouts
from unshrink.rescale.payloads import Packed
from unshrink.rescale.pixels import Pixels
from unshrink.rescale.stream import codec_of

DIGEST_BYTES = 4
"""Bytes of the weights' SHA-256 that the pixels hold."""


class Named(NamedTuple):
    """What the pixels say of the model."""

    model: str
    digest: bytes
    """The first bytes of the weights' SHA-256."""


class Coder(ABC):
    """A way to write what an LR picture does not tell into its pixels."""

    kind: int
    """The preamble's word for it."""

    @abstractmethod
    def embed(self, loaded: Loaded, hr: Pixels, wanted: NDArray[np.float32], layout: Layout, size: Size) -> Samples:
        """The LR picture (h, w[, 3]) nearest to `wanted` that carries HR (H, W, 3), continued to whole LR pixels.

        `size` is (H, W) before it was continued. Raises LimitError where the pixels are too few.
        """

    @abstractmethod
    def named(self, preamble: Preamble) -> tuple[Named, Size]:
        """The model, and the size of the HR picture. Raises DamagedLRFileError."""

    @abstractmethod
    def tiles(self, loaded: Loaded, samples: Samples, preamble: Preamble) -> Iterator[tuple[Part, Pixels]]:
        """The HR picture in tiles: where each belongs, and its pixels (height, width, 3). Raises DamagedLRFileError."""


class StreamCoder(Coder):
    """What the LR does not tell, predicted by a network and coded; see `models.stream`."""

    kind = 1

    def embed(self, loaded: Loaded, hr: Pixels, wanted: NDArray[np.float32], layout: Layout, size: Size) -> Samples:
        """See `Coder`."""
        planes = torch.from_numpy(hr).permute(2, 0, 1)[None]
        carrying = Carrying(
            codec_of(cast(StreamNet, loaded.model)), self.kind, _name(loaded), size, loaded.spec.scale or 1
        )
        return embed_stream(planes, wanted, layout, carrying)

    def named(self, preamble: Preamble) -> tuple[Named, Size]:
        """See `Coder`."""
        about = chain.read_about(preamble.about)
        return _read_name(about.name), about.size

    def tiles(self, loaded: Loaded, samples: Samples, preamble: Preamble) -> Iterator[tuple[Part, Pixels]]:
        """See `Coder`."""
        about = chain.read_about(preamble.about)
        board, data = chain.read_stream(samples, preamble, about)
        for part, levels in chain.restore_stream(samples, board, data, about, codec_of(cast(StreamNet, loaded.model))):
            inside = Part(part.top, min(part.bottom, about.size[0]), part.left, min(part.right, about.size[1]))
            if min(inside.size) > 0:
                yield inside, _pixels(levels, inside.size, grey=samples.ndim == 2)


class AvifCoder(Coder):
    """The whole picture as an AVIF file: the baseline that a network has to beat. Needs no network."""

    kind = 2

    def embed(self, loaded: Loaded, hr: Pixels, wanted: NDArray[np.float32], layout: Layout, size: Size) -> Samples:
        """See `Coder`."""
        blank = Preamble(layout, self.kind, _SIZE.pack(*size) + _name(loaded), 0, 0)
        runs = _after(residues.runs_of(layout.of_samples(wanted.shape), layout.steps), blank.samples)
        grey = wanted.ndim == 2
        data = avif.encode_within(hr[: size[0], : size[1]], residues.room_of(runs), grey=grey)
        sealed = blank.sealed(data)
        flat = residues.fill(wanted.ravel(), runs, data)
        head = residues.preamble_runs(sealed.samples)
        flat[: sealed.samples] = residues.fill(wanted.ravel(), head, sealed.encode(), cells=True)[: sealed.samples]
        return flat.reshape(wanted.shape)

    def named(self, preamble: Preamble) -> tuple[Named, Size]:
        """See `Coder`."""
        if len(preamble.about) <= _SIZE.size:
            raise DamagedLRFileError("What the pixels carry is damaged: it states no size; get a good copy.")
        height, width = _SIZE.unpack(preamble.about[: _SIZE.size])
        return _read_name(preamble.about[_SIZE.size :]), (height, width)

    def tiles(self, loaded: Loaded, samples: Samples, preamble: Preamble) -> Iterator[tuple[Part, Pixels]]:
        """See `Coder`."""
        _, size = self.named(preamble)
        runs = residues.runs_of(preamble.layout.of_samples(samples.shape), preamble.layout.steps)
        data = residues.drain(samples.ravel(), _after(runs, preamble.samples), preamble.length)
        preamble.verify(data)
        yield whole(size), avif.decode(data, size)


CODERS: dict[str, Coder] = {"stream": StreamCoder(), "avif": AvifCoder()}
"""By what the registry calls the payload."""
_BY_KIND = {coder.kind: coder for coder in CODERS.values()}
_SIZE = struct.Struct(">II")


PIXELS = "pixels"
"""What the header says of a carrier that is the LR's own pixels."""


class Embedded(NamedTuple):
    """LR pixels."""

    rgb: Pixels
    """(h, w, 3)."""
    carries: bool
    """Whether they carry the rest; they do not where they are too few."""


def embed_coded(loaded: Loaded, rgb: Pixels, size: Size, floor: float, *, grey: bool) -> Embedded:
    """The LR pixels of `size` that carry the picture (H, W, 3), about `floor` dB from plain bicubic."""
    scale = loaded.spec.scale or 1
    bottom, right = (-side % scale for side in rgb.shape[:2])
    hr = np.pad(rgb, ((0, bottom), (0, right), (0, 0)), mode="edge") if bottom or right else rgb
    wanted = bicubic(hr[..., 0] if grey else hr, size)
    coder, at = CODERS[loaded.spec.payload], (rgb.shape[0], rgb.shape[1])
    for layout in choose_layouts(wanted, floor):
        with contextlib.suppress(LimitError):
            return _shown(coder.embed(loaded, hr, wanted, layout, at), carries=True, grey=grey)
    return _shown(np.clip(np.rint(wanted), 0, 255).astype(np.uint8), carries=False, grey=grey)


def _shown(samples: Samples, *, carries: bool, grey: bool) -> Embedded:
    return Embedded(samples[..., None].repeat(3, axis=2) if grey else samples, carries)


def find_coded(rgb: Pixels, *, grey: bool) -> tuple[Samples, Preamble] | None:
    """The samples of LR pixels (h, w, 3) and their preamble; None where the pixels carry nothing.

    Raises DamagedLRFileError where they begin as if they did.
    """
    samples = rgb[..., 0] if grey else rgb
    return (samples, read_preamble(samples)) if begins(samples) else None


def named_in(preamble: Preamble) -> tuple[Named, Size]:
    """The model and the HR size that a preamble states. Raises DamagedLRFileError."""
    if preamble.kind not in _BY_KIND:
        raise DamagedLRFileError("The pixels carry data of a kind that is not known here; install the newest unshrink.")
    return _BY_KIND[preamble.kind].named(preamble)


def plain_tiles(loaded: Loaded, rgb: Pixels, size: Size, *, grey: bool) -> Iterator[tuple[Part, Pixels]]:
    """What becomes of LR pixels (h, w, 3) that carry nothing: what the network thinks likely, or bicubic's picture."""
    if not loaded.spec.network:
        made = np.clip(np.rint(bicubic(rgb, size)), 0, 255).astype(np.uint8)
        yield whole(size), made
        return
    scale = loaded.spec.scale or 1
    full = -(-size[0] // scale) * scale, -(-size[1] // scale) * scale
    for part, levels in chain.guess(rgb, full, codec_of(cast(StreamNet, loaded.model))):
        inside = Part(part.top, min(part.bottom, size[0]), part.left, min(part.right, size[1]))
        yield inside, _pixels(levels, inside.size, grey=grey)


def coded_tiles(loaded: Loaded, rgb: Pixels, *, grey: bool) -> Iterator[tuple[Part, Pixels]]:
    """The HR picture that LR pixels (h, w, 3) carry, in tiles. Raises DamagedLRFileError."""
    found = find_coded(rgb, grey=grey)
    if found is None:
        raise DamagedLRFileError("The pixels do not carry what the file says; get a good copy, or use --plain.")
    return CODERS[loaded.spec.payload].tiles(loaded, *found)


def decoded_tiles(
    loaded: Loaded, packed: Packed | None, rgb: Pixels, size: Size, *, grey: bool
) -> Iterator[tuple[Part, Pixels]]:
    """The HR picture of LR pixels (h, w, 3) as the file says they carry it, or as they do if they carry nothing."""
    if packed is not None and packed.carrier == PIXELS:
        return coded_tiles(loaded, rgb, grey=grey)
    return plain_tiles(loaded, rgb, size, grey=grey)


def _name(loaded: Loaded) -> bytes:
    return bytes.fromhex(loaded.weights.digest)[:DIGEST_BYTES] + loaded.spec.name.encode("ascii")


def _read_name(data: bytes) -> Named:
    try:
        return Named(data[DIGEST_BYTES:].decode("ascii"), data[:DIGEST_BYTES])
    except UnicodeDecodeError as error:
        raise DamagedLRFileError("What the pixels carry is damaged: it names no model; get a good copy.") from error


def _after(runs: list[Run], start: int) -> list[Run]:
    """Runs without the samples before `start`."""
    kept = (run._replace(where=run.where[run.where >= start]) for run in runs)
    return [run for run in kept if len(run.where)]


def _pixels(levels: torch.Tensor, size: Size, *, grey: bool) -> Pixels:
    """Levels (1, 3, H, W) -> uint8 (*size, 3)."""
    cropped = levels[0, :, : size[0], : size[1]]
    if grey:
        cropped = cropped.mean(0, keepdim=True).expand(3, -1, -1)
    return cropped.clamp(0, 255).round().to(torch.uint8).permute(1, 2, 0).contiguous().cpu().numpy()
