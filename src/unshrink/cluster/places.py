"""Folders on any store that fsspec knows, `s3://`, `gs://`, `memory://`, local; files appear whole or not at all."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from unshrink.errors import LimitError, UnreadableInputError, UsageError
from unshrink.files.disk import read_bytes, write_bytes
from unshrink.limits import Limits

HINT = "pip install 'unshrink[cluster]'"
MANIFEST = "manifest.parquet"
"""The folder of a manifest; never an input."""
WHOLE = {"s3", "s3a", "gs", "gcs", "abfs", "abfss", "az", "adl", "oss", "memory"}
"""Stores whose objects come to be in one step, when all their bytes have arrived."""
_STAMPS = ("ETag", "etag", "md5Hash", "content_md5", "mtime", "LastModified", "updated", "last_modified", "created")


@dataclass(frozen=True)
class Entry:
    """One file of a place."""

    name: str
    """Its path below the place, with slashes."""
    bytes: int
    stamp: str
    """Size, and the store's own mark of this version of the file: ETag, checksum, or time."""


@dataclass(frozen=True)
class Place:
    """A folder by its URL or path, and all below it."""

    url: str

    @property
    def local(self) -> bool:
        """Whether it is a folder of this machine, or one that is mounted here."""
        return _protocol(self._open()[0]) in ("file", "local")

    @property
    def of_one_process(self) -> bool:
        """Whether no other process sees it."""
        return _protocol(self._open()[0]) == "memory"

    def below(self, name: str) -> Place:
        """A folder inside."""
        return Place(f"{self.url.rstrip('/')}/{name}")

    def find(self) -> dict[str, Entry]:
        """All files, by name, in order; without hidden ones and manifests. Empty where there is no such folder."""
        found = {entry.name: entry for entry in self._all() if not _left_out(entry.name)}
        return dict(sorted(found.items()))

    def parts(self) -> list[str]:
        """Names of the Parquet files directly inside, in order."""
        names = [entry.name for entry in self._all()]
        return sorted(name for name in names if name.endswith(".parquet") and "/" not in name)

    def read(self, name: str, limits: Limits) -> bytes:
        """All bytes of a file. Raises UnreadableInputError and LimitError for the file's sake; else it is the store."""
        fs, root = self._open()
        path = f"{root}/{name}"
        if self.local:
            return read_bytes(path, limits=limits)
        if fs.size(path) > limits.max_file_bytes:
            raise LimitError(f"{name} is larger than {limits.max_file_bytes} bytes, the most that is read here.")
        data: bytes = fs.cat_file(path)
        if not data:
            raise UnreadableInputError(f"{name} is empty; give a picture file.")
        return data

    def write(self, name: str, data: bytes) -> None:
        """Write a file, whole or not at all, over one that is there; folders are made."""
        fs, root = self._open()
        path = f"{root}/{name}"
        if self.local:
            os.makedirs(os.path.dirname(path), exist_ok=True)
            write_bytes(path, data, overwrite=True)
        elif _protocol(fs) in WHOLE:
            fs.pipe_file(path, data)
        else:
            folder = path.rpartition("/")[0]
            fs.makedirs(folder, exist_ok=True)
            unfinished = f"{folder}/.{secrets.token_hex(12)}.unshrink.tmp"
            fs.pipe_file(unfinished, data)
            fs.mv(unfinished, path)

    def check(self) -> None:
        """Raise UsageError where nothing here can speak to such a store."""
        self._open()

    def _all(self) -> list[Entry]:
        fs, root = self._open()
        fs.invalidate_cache()
        found: Mapping[str, Mapping[str, Any]] = fs.find(root, detail=True)
        cut = len(root.rstrip("/")) + 1
        return [Entry(path[cut:], int(info["size"] or 0), _stamp(info)) for path, info in found.items() if path[cut:]]

    def _open(self) -> tuple[Any, str]:
        try:
            from fsspec.core import url_to_fs
        except ImportError as error:
            raise UsageError(f"Jobs with a manifest need fsspec and pyarrow: {HINT}.") from error
        try:
            fs, root = url_to_fs(self.url)
        except (ImportError, ValueError) as error:  # the store's own package is missing, or nobody knows the protocol
            raise UsageError(f"{self.url} cannot be opened: {error}") from error
        return fs, root.rstrip("/")


def _protocol(fs: Any) -> str:
    protocol = fs.protocol
    return str(protocol if isinstance(protocol, str) else protocol[0])


def _stamp(info: Mapping[str, Any]) -> str:
    mark = next((info[key] for key in _STAMPS if info.get(key) is not None), "")
    return f"{info['size']} {mark}"


def _left_out(name: str) -> bool:
    return any(part.startswith(".") or part == MANIFEST for part in name.split("/"))
