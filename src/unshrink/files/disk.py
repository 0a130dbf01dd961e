"""Whole files in and out: read with a bound, write all or nothing."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from unshrink.errors import LimitError, OutputExistsError, UnreadableInputError, UnshrinkError, UsageError
from unshrink.limits import DEFAULT_LIMITS, Limits

__all__ = ["Source", "check_folder", "check_output", "open_new", "read_bytes", "source_name", "write_bytes"]

Source = str | os.PathLike[str] | BinaryIO | bytes
"""Where a file may come from: a path, an open binary stream, or the bytes themselves."""

_USAGE_ERRNOS = {errno.ENOENT, errno.ENOTDIR, errno.EACCES, errno.EPERM, errno.EROFS, errno.EISDIR, errno.ENAMETOOLONG}
_USUAL_NAME_BYTES = 255
_PIECE = 1 << 24
_NO_LINK_ERRNOS = {errno.EPERM, errno.EACCES, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK, errno.EINVAL}


def source_name(source: Source) -> str:
    """Return what messages call ``source``: its path, the stream's own name, or "the data given"."""
    if isinstance(source, str | os.PathLike):
        return os.fspath(source)
    name = getattr(source, "name", None)
    return name if isinstance(name, str) else "the data given"


def read_bytes(source: Source, *, limits: Limits = DEFAULT_LIMITS) -> bytes:
    """Return all bytes of ``source``; nothing longer than ``limits.max_file_bytes`` is taken into memory.

    Raises ``UnreadableInputError`` where the source is missing, a folder, not readable or empty, and ``LimitError``.
    """
    name = source_name(source)
    data = source if isinstance(source, bytes) else _read_up_to(source, limits.max_file_bytes, name)
    if not data:
        raise UnreadableInputError(f"{name} is empty; give a picture file.")
    if len(data) > limits.max_file_bytes:
        raise _too_large(name, limits.max_file_bytes)
    return data


def _too_large(name: str, most: int) -> LimitError:
    return LimitError(f"{name} is larger than {most} bytes, the most that is read here; give a smaller file.")


def _read_up_to(source: str | os.PathLike[str] | BinaryIO, most: int, name: str) -> bytes:
    try:
        if not isinstance(source, str | os.PathLike):
            return _in_pieces(source, most, name)
        with open(source, "rb") as stream:
            if os.fstat(stream.fileno()).st_size > most:
                raise _too_large(name, most)
            return _in_pieces(stream, most, name)
    except FileNotFoundError:
        raise UnreadableInputError(f"{name} does not exist; check the path.") from None
    except IsADirectoryError:
        raise UnreadableInputError(f"{name} is a folder; name a picture file inside it.") from None
    except PermissionError:
        raise UnreadableInputError(f"{name} may not be read by this user; check its permissions.") from None
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path, a closed stream
        raise UnreadableInputError(f"{name} could not be read ({error}); check the path.") from error


def _in_pieces(stream: BinaryIO, most: int, name: str) -> bytes:
    """All of a stream, never more than `most` bytes and a piece of it, which may have no end."""
    pieces: list[bytes] = []
    held = 0
    while piece := stream.read(min(_PIECE, most + 1 - held)):
        pieces.append(piece)
        held += len(piece)
        if held > most:
            raise _too_large(name, most)
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def check_output(path: str | os.PathLike[str], *, overwrite: bool = False) -> None:
    """Raise now what ``write_bytes`` would raise later, so that no long work is done for an output that cannot be made.

    Raises OutputExistsError, or UsageError where the path is a folder or lies in none, the name is too long for the
    file system, or the folder may not be written.
    """
    target = Path(path)
    most = _longest_name(target.parent)
    if len(os.fsencode(target.name)) > most:
        raise UsageError(f"{path} has a name of more than {most} bytes, which the file system does not take.")
    if target.is_dir():
        raise UsageError(f"{path} is a folder; name a file inside it.")
    if os.path.islink(os.path.realpath(target)):
        raise UsageError(f"{path} is a link that leads in a circle; name another file.")
    if not target.parent.is_dir():
        raise UsageError(f"The folder {target.parent} does not exist; make it first.")
    if _is_stream(target):
        return
    if os.path.lexists(target) and not overwrite:
        raise OutputExistsError(path)
    check_folder(Path(os.path.realpath(target)).parent)


def check_folder(folder: str | os.PathLike[str]) -> None:
    """Raise UsageError where nothing may be written into `folder`, or where it is not there and may not be made."""
    place = Path(os.path.abspath(folder))
    while not place.exists() and place != place.parent:
        place = place.parent
    if not place.is_dir():
        raise UsageError(f"{place} is no folder; name another.")
    if not os.access(place, os.W_OK | os.X_OK):
        raise UsageError(f"The folder {place} may not be written; name another with -o.")


def _longest_name(folder: Path) -> int:
    try:
        return os.pathconf(folder, "PC_NAME_MAX")
    except (AttributeError, OSError, ValueError):
        return _USUAL_NAME_BYTES


def write_bytes(path: str | os.PathLike[str], data: bytes, *, overwrite: bool = False) -> None:
    """Write `data` to `path`, all or nothing; see `open_new`."""
    with open_new(path, overwrite=overwrite) as stream:
        stream.write(data)


@contextlib.contextmanager
def open_new(path: str | os.PathLike[str], *, overwrite: bool = False) -> Iterator[BinaryIO]:
    """A stream whose bytes become the file at `path`, all or nothing: on any failure what was there before is whole.

    They go to a new file in the same folder, which takes the name in one step when the block ends without an exception.
    Without `overwrite` that step fails where the name is taken, even by somebody who was faster. A link is followed; a
    device or a pipe is written straight into. Raises what `check_output` raises, UsageError where the folder may not
    be written, and UnshrinkError where the disk fails.
    """
    check_output(path, overwrite=overwrite)
    target = Path(os.path.realpath(path))
    try:
        with _straight(target) if _is_stream(target) else _beside(target, overwrite=overwrite) as stream:
            yield stream
    except FileExistsError:
        raise OutputExistsError(path) from None
    except OSError as error:
        reason = error.strerror or str(error)
        kind = UsageError if error.errno in _USAGE_ERRNOS else UnshrinkError
        raise kind(f"{path} could not be written ({reason}); check the folder and the disk.") from error


def _is_stream(path: Path) -> bool:
    """Say whether ``path`` is a device, a pipe or a socket: something that a rename would destroy."""
    try:
        mode = os.stat(path).st_mode
    except OSError:
        return False
    return not stat.S_ISREG(mode) and not stat.S_ISDIR(mode)


def _straight(target: Path) -> BinaryIO:
    return open(target, "wb")


@contextlib.contextmanager
def _beside(target: Path, *, overwrite: bool) -> Iterator[BinaryIO]:
    temporary = target.with_name(f".{secrets.token_hex(12)}.unshrink.tmp")
    try:
        # "x" refuses an existing name and, unlike tempfile, gives the mode that the user's umask asks for.
        with open(temporary, "xb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        if overwrite:
            os.replace(temporary, target)
        else:
            _rename_to_free_name(temporary, target)
    finally:
        with contextlib.suppress(FileNotFoundError):
            temporary.unlink()


def _rename_to_free_name(temporary: Path, target: Path) -> None:
    """Give ``temporary`` the name ``target``; raise FileExistsError where it is taken (os.replace would not)."""
    try:
        os.link(temporary, target)
    except FileExistsError:
        raise
    except OSError as error:
        if error.errno not in _NO_LINK_ERRNOS:
            raise
        _claim_and_replace(temporary, target)


def _claim_and_replace(temporary: Path, target: Path) -> None:
    """The same for file systems without hard links: an empty file made exclusively reserves the name first."""
    open(target, "xb").close()
    try:
        os.replace(temporary, target)
    except OSError:
        target.unlink()
        raise
