"""Quick looks at files, to tell what to do with them before anything is decoded."""

from __future__ import annotations

import mimetypes
from pathlib import Path
from typing import TYPE_CHECKING

from unshrink.cli.batch import Entry, PassedOver, read_source
from unshrink.cli.tasks import STREAM, Found, Task, is_restored_name
from unshrink.errors import UnreadableInputError, UnsupportedPictureError
from unshrink.files.lrfile import is_lrfile
from unshrink.files.sections import BLOCKS_SECTION
from unshrink.files.sniff import sniff
from unshrink.limits import DEFAULT_LIMITS, Limits
from unshrink.named import NamedBytes

if TYPE_CHECKING:
    from unshrink.rescale import Small

_HEAD_BYTES = 64


def is_small(path: Path) -> bool:
    """True for an existing LR file, sound or not."""
    try:
        return is_lrfile(path.read_bytes())
    except OSError:
        return False


def is_original(found: Found) -> bool:
    """Whether `down` shrinks an input, among several: a picture that neither `down` nor `up` has made."""
    if found.name == STREAM:
        return True
    made = is_small(Path(found.name)) or (found.listed and is_restored_name(Path(found.name)))
    return not made and _may_be_picture(found)


def read_picture_file(task: Task, limits: Limits = DEFAULT_LIMITS) -> NamedBytes:
    """All bytes of a task's input; PassedOver where it was found in a folder and is clearly no picture."""
    if task.source.listed and not _may_be_picture(task.source):
        raise PassedOver("not a picture")
    return read_source(task, limits)


def payload(small: Small) -> Entry:
    """What an LR file carries beside its pixels, in bytes: all of it, and the exact blocks in it."""
    sizes = {name: len(data) for name, data in small.lrfile.sections.items()}
    return {"payload_bytes": sum(sizes.values()), "exact_bytes": sizes.get(BLOCKS_SECTION, 0)}


def _may_be_picture(found: Found) -> bool:
    """By its first bytes or, so that a picture cut to nothing is told of, by its name."""
    kind = mimetypes.guess_type(found.name)[0] or ""
    if kind.startswith("image/"):
        return True
    try:
        with open(found.name, "rb") as stream:
            sniff(stream.read(_HEAD_BYTES), found.name)
    except UnsupportedPictureError:
        return True
    except UnreadableInputError:
        return False
    return True
