"""Whole files in and out: read with a bound, write all or nothing."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import stat
from pathlib import Path
from typing import BinaryIO

from unshrink.errors import LimitError, OutputExistsError, UnreadableInputError, UnshrinkError, UsageError
from unshrink.limits import DEFAULT_LIMITS, Limits

__all__ = ["Source", "check_output", "read_bytes", "source_name", "write_bytes"]

Source = str | os.PathLike[str] | BinaryIO | bytes
"""Where a file may come from: a path, an open binary stream, or the bytes themselves."""

_USAGE_ERRNOS = {errno.ENOENT, errno.ENOTDIR, errno.EACCES, errno.EPERM, errno.EROFS, errno.EISDIR, errno.ENAMETOOLONG}
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
    data = source if isinstance(source, bytes) else _read_up_to(source, limits.max_file_bytes + 1, name)
    if not data:
        raise UnreadableInputError(f"{name} is empty; give a picture file.")
    if len(data) > limits.max_file_bytes:
        raise LimitError(f"{name} is larger than {limits.max_file_bytes} bytes; give a smaller file.")
    return data


def _read_up_to(source: str | os.PathLike[str] | BinaryIO, count: int, name: str) -> bytes:
    try:
        if not isinstance(source, str | os.PathLike):
            return source.read(count)
        with open(source, "rb") as stream:
            return stream.read(count)
    except FileNotFoundError:
        raise UnreadableInputError(f"{name} does not exist; check the path.") from None
    except IsADirectoryError:
        raise UnreadableInputError(f"{name} is a folder; name a picture file inside it.") from None
    except PermissionError:
        raise UnreadableInputError(f"{name} may not be read by this user; check its permissions.") from None
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path, a closed stream
        raise UnreadableInputError(f"{name} could not be read ({error}); check the path.") from error


def check_output(path: str | os.PathLike[str], *, overwrite: bool = False) -> None:
    """Raise now what ``write_bytes`` would raise later, so that no long work is done for an output that cannot be made.

    Raises ``OutputExistsError``, or ``UsageError`` where the path is a folder or lies in none.
    """
    target = Path(path)
    if target.is_dir():
        raise UsageError(f"{path} is a folder; name a file inside it.")
    if not target.parent.is_dir():
        raise UsageError(f"The folder {target.parent} does not exist; make it first.")
    if os.path.lexists(target) and not overwrite and not _is_stream(target):
        raise OutputExistsError(path)


def write_bytes(path: str | os.PathLike[str], data: bytes, *, overwrite: bool = False) -> None:
    """Write ``data`` to ``path``, all or nothing: on any failure what was there before is still there, whole.

    The bytes go to a new file in the same folder, which then takes the name in one step.  Without ``overwrite`` that
    step fails where the name is taken, even by somebody who was faster.  A link is followed; a device or a pipe is
    written straight into.  Raises what ``check_output`` raises, ``UsageError`` where the folder may not be written, and
    ``UnshrinkError`` where the disk fails.
    """
    check_output(path, overwrite=overwrite)
    target = Path(os.path.realpath(path))
    try:
        if _is_stream(target):
            target.write_bytes(data)
        else:
            _write_beside(target, data, overwrite=overwrite)
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


def _write_beside(target: Path, data: bytes, *, overwrite: bool) -> None:
    temporary = target.with_name(f".{target.name[:100]}.{secrets.token_hex(8)}.tmp")
    try:
        _write_new(temporary, data)
        if overwrite:
            os.replace(temporary, target)
        else:
            _rename_to_free_name(temporary, target)
    finally:
        with contextlib.suppress(FileNotFoundError):
            temporary.unlink()


def _write_new(path: Path, data: bytes) -> None:
    # "x" refuses an existing name and, unlike tempfile, gives the mode that the user's umask asks for.
    with open(path, "xb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())


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
