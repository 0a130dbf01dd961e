"""What `down` returns: the LR picture with everything that `up` needs."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from unshrink.errors import UsageError
from unshrink.files.disk import write_bytes
from unshrink.files.formats import CONTAINERS, by_ending
from unshrink.files.lrfile import Header, LRFile, encode

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import DTypeLike, NDArray
    from PIL import Image

    from unshrink.files.picture import Picture

FORMATS = by_ending(CONTAINERS.values())
"""File name endings of LR files, and the format each stands for: the lossless ones that can hold our header."""


@dataclass(frozen=True, eq=False)
class Small:
    """An LR picture and its header, not yet written; `up` takes it as it stands."""

    lrfile: LRFile

    def __reduce__(self) -> tuple[Callable[..., Small], tuple[Picture, Header, dict[str, bytes]]]:
        # An LRFile's sections are a view that does not pickle.
        return _made_of, (self.lrfile.picture, self.lrfile.header, dict(self.lrfile.sections))

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> NDArray[Any]:
        """The small picture as numpy sees a PIL image: uint8 (h, w) where it is grey, else (h, w, 3 or 4)."""
        return self.lrfile.picture.__array__(dtype, copy)

    def _repr_png_(self) -> bytes:
        """The small picture for notebooks, without what `up` needs."""
        return self.lrfile.picture.encode("png")

    def to_pil(self) -> Image.Image:
        """The small picture as a PIL image, as a viewer shows it; the same as `image`."""
        return self.image

    @property
    def image(self) -> Image.Image:
        """The small picture as a PIL image, as a viewer shows it."""
        return self.lrfile.picture.to_pil()

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the small picture in pixels."""
        return self.lrfile.picture.size

    @property
    def header(self) -> Header:
        """Model, weights, scale and original size, as the file will state them."""
        return self.lrfile.header

    def with_section(self, name: str, data: bytes) -> Small:
        """The same, with one more section in its payload."""
        return Small(replace(self.lrfile, sections={**self.lrfile.sections, name: data}))

    def encode(self, format: str = "png") -> bytes:
        """The whole LR file: "png", "webp" or "tiff"; UsageError for others, LimitError past a container's limit."""
        return encode(self.lrfile, format)

    def save(self, path: str | os.PathLike[str], *, overwrite: bool = False) -> None:
        """Write the LR file, whole or not at all; the name's ending (.png .webp .tif .tiff) chooses the format.

        Raises UsageError for another ending and OutputExistsError where `path` is there and `overwrite` is False.
        """
        data = self.encode(format_of(path))
        write_bytes(path, data, overwrite=overwrite)


def _made_of(picture: Picture, header: Header, sections: dict[str, bytes]) -> Small:
    return Small(LRFile(picture=picture, header=header, sections=sections))


def format_of(path: str | os.PathLike[str]) -> str:
    """The LR format that the ending of `path` names; UsageError where it names none."""
    suffix = Path(path).suffix.lower()
    if suffix not in FORMATS:
        *others, last = FORMATS
        endings = f"{', '.join(others)} or {last}"
        raise UsageError(f"{os.fspath(path)} is no name for an LR file; it must end in {endings}.")
    return FORMATS[suffix]
