"""From a Pillow image and its metadata to the bytes of a picture file, with the body of an LR file where asked."""

from __future__ import annotations

from unshrink.errors import LimitError, UnknownNameError, UnshrinkError
from unshrink.files.formats import WRITTEN, Job, by_ending

__all__ = ["encode_image", "format_for"]


def format_for(path: str) -> str:
    """The format that the extension of `path` names; raises UnknownNameError (a UsageError)."""
    dot = path.rfind(".")
    extension = path[dot:].lower() if dot > max(path.rfind("/"), path.rfind("\\")) else ""
    kinds = by_ending(WRITTEN.values())
    if extension not in kinds:
        raise UnknownNameError("picture format with the extension", extension, kinds)
    return kinds[extension]


def encode_image(job: Job, kind: str) -> bytes:
    """The bytes of a file of that kind, one of `WRITTEN`.

    Raises UnknownNameError for another kind, UsageError where the format cannot hold the alpha channel, and LimitError
    where it cannot hold the size.
    """
    encode = WRITTEN[kind].encode if kind in WRITTEN else None
    if encode is None:
        raise UnknownNameError("picture format", kind, WRITTEN)
    try:
        return encode(job)
    except UnshrinkError:
        raise
    except (OSError, ValueError, MemoryError, OverflowError) as error:
        raise LimitError(f"The picture does not go into a {kind.upper()} ({error}); choose another format.") from error
