"""Bytes with a name, so that messages can say what they are."""

from __future__ import annotations

import io


class NamedBytes(io.BytesIO):
    """The bytes of a file that has been read already, under its name."""

    def __init__(self, data: bytes, name: str) -> None:
        super().__init__(data)
        self.name = name
