"""Pillow kept in check: its warnings, its exceptions, what its libraries print, and how pixels come out of it."""

from __future__ import annotations

import contextlib
import logging
import os
import re
import tempfile
import threading
import warnings
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from unshrink.errors import LimitError, UnreadableInputError, UnshrinkError

__all__ = ["libtiff_heeded", "samples_of", "translated"]

_PILLOW_LOCK = threading.RLock()  # warnings.catch_warnings changes the filters of the whole process
_ROWS_AT_ONCE = 1 << 20  # pixels
_DECODER_LINE = re.compile(
    rb"^(\w*(?:Decode|Fax)\w*|LZWPreDecode|JPEGLib|TIFFFillStrip|TIFFFillTile|TIFFReadEncoded\w+): (.*)$", re.M
)
_STDERR = 2

logging.getLogger("PIL").addHandler(logging.NullHandler())  # else what it logs of damaged files is printed


@contextlib.contextmanager
def translated(name: str) -> Iterator[None]:
    """Pillow with its warnings off, and whatever it raises turned into one of our errors."""
    with _PILLOW_LOCK, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            yield
        except UnshrinkError:
            raise
        except (MemoryError, Image.DecompressionBombError):
            raise LimitError(f"{name} is too large to be decoded here; use a smaller picture.") from None
        except Exception as error:  # Pillow's decoders let through nearly every class there is when a file is damaged
            raise UnreadableInputError(
                f"{name} is damaged or cut short ({_one_line(error)}); get a good copy."
            ) from error


@contextlib.contextmanager
def libtiff_heeded(name: str) -> Iterator[None]:
    """What libtiff says, which goes straight to the standard error stream, held back and heeded.

    Raises UnreadableInputError where a decoder of libtiff met damage: Pillow is not told, and takes all as sound.
    """
    with _PILLOW_LOCK, tempfile.TemporaryFile() as said:
        try:
            kept = os.dup(_STDERR)
        except OSError:  # closed
            yield
            return
        try:
            os.dup2(said.fileno(), _STDERR)
            yield
        finally:
            os.dup2(kept, _STDERR)
            os.close(kept)
        said.seek(0)
        found = _DECODER_LINE.search(said.read(1 << 16))
    if found is not None:
        what = found[2].decode("ascii", "replace")[:100].rstrip(".")
        raise UnreadableInputError(f"{name} is damaged or cut short ({what}); get a good copy.")


def samples_of(image: Image.Image) -> NDArray[np.uint8]:
    """(H, W, C) samples of a loaded image, C = 1 grey, 2 grey and alpha, 3 RGB, 4 RGB and alpha."""
    alpha = image.has_transparency_data
    grey = image.mode in ("1", "L", "LA", "La")
    mode = ("L" if grey else "RGB") + ("A" if alpha else "")
    samples = np.empty((image.height, image.width, len(mode)), dtype=np.uint8)
    # Pillow hands pixels out by way of two more copies, so it is asked for some rows at a time.
    step = max(1, _ROWS_AT_ONCE // image.width)
    for top in range(0, image.height, step):
        rows = image.crop((0, top, image.width, min(top + step, image.height)))
        rows = rows if rows.mode == mode else rows.convert(mode)
        samples[top : top + step] = np.asarray(rows).reshape(rows.height, rows.width, len(mode))
    return samples


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
