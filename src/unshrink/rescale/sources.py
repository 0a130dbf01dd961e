"""What `down` and `up` take, brought to one form."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Any, BinaryIO, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL.Image import Image

from unshrink.errors import LimitError, NotAnLRFileError, UsageError
from unshrink.files.decoders import stated_size
from unshrink.files.disk import read_bytes, source_name
from unshrink.files.picture import Picture, picture_from_bytes
from unshrink.limits import Limits
from unshrink.rescale.memory import PROGRESSIVE, READING, Memory
from unshrink.rescale.small import Small

FileSource: TypeAlias = str | os.PathLike[str] | bytes | BinaryIO
"""A path, the bytes of a file, or an open binary file."""

PictureSource: TypeAlias = FileSource | Image | NDArray[Any] | Picture
"""What `down` takes; arrays are uint8 (H, W), (H, W, 1), (H, W, 3) or (H, W, 4)."""

SmallSource: TypeAlias = PictureSource | Small
"""What `up` takes; a bare image or array holds no header and needs `plain=True`."""


def as_picture(source: PictureSource, limits: Limits, memory: Memory | None = None) -> Picture:
    """Any picture source as a Picture; raises UnreadableInputError, UsageError for another type, LimitError.

    The latter also where `memory` does not hold what decoding it takes.
    """
    picture = _as_picture(source, limits, memory)
    if picture.height * picture.width > limits.max_hr_pixels:
        raise LimitError(
            f"The picture has {picture.height * picture.width} pixels and the limit is {limits.max_hr_pixels}; "
            "cut it into pieces or raise the limit."
        )
    return picture


_SMALL_FILE = 64 * 1024**2


class FileBytes(NamedTuple):
    """The bytes of a file, and what messages call it."""

    data: bytes
    name: str


def as_bytes(source: SmallSource, limits: Limits, memory: Memory | None = None) -> FileBytes | None:
    """All bytes of a file source; None for a source that is a picture already.

    Raises LimitError where `memory` has no room for them, or for what decoding them takes.
    """
    if isinstance(source, Small | Picture | Image | np.ndarray):
        return None
    if isinstance(source, str | os.PathLike | bytes) or hasattr(source, "read"):
        file = FileBytes(read_bytes(source, limits=within(limits, memory)), source_name(source))
        if memory is not None:
            require_room(memory, file)
        return file
    raise _wrong_type(source)


def within(limits: Limits, memory: Memory | None) -> Limits:
    """`limits` with files no larger than what memory has room for; small ones are read in any case."""
    if memory is None:
        return limits
    return replace(limits, max_file_bytes=min(limits.max_file_bytes, max(_SMALL_FILE, memory.room)))


def no_header(source: object) -> NotAnLRFileError:
    """The error for a picture in memory that `up` was asked to restore."""
    return NotAnLRFileError(
        f"A bare {type(source).__name__} carries no header; give the LR file or what `down` returned, "
        "or ask for plain super-resolution with plain=True."
    )


def _as_picture(source: PictureSource, limits: Limits, memory: Memory | None) -> Picture:
    if isinstance(source, Picture):
        return source
    if isinstance(source, Image):
        return Picture.from_pil(source)
    if isinstance(source, np.ndarray):
        return Picture.from_array(source)
    file = as_bytes(source, limits, memory)
    if file is None:
        raise _wrong_type(source)
    return picture_from_bytes(file.data, max_pixels=limits.max_hr_pixels, limits=limits, name=file.name)


def require_room(memory: Memory, file: FileBytes) -> None:
    """Raise LimitError where `memory` does not hold what decoding the picture in `file` takes."""
    stated = stated_size(file.data, file.name)
    if stated is None:
        return
    pixels = stated.width * stated.height
    needed = pixels * (READING + (PROGRESSIVE if stated.progressive else 0)) + len(file.data)
    memory.require(needed, f"a picture of {stated.width}x{stated.height} pixels")


def _wrong_type(source: object) -> UsageError:
    return UsageError(
        f"A picture is a path, bytes, a binary file, a PIL image or an array, not {type(source).__name__}."
    )
