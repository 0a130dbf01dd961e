"""The registry's rows as plain data, for those who only want to know what there is: read without torch.

`python -m unshrink.models.listing` writes them anew from the registry; a test holds them against it.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from unshrink.errors import UnknownNameError

FILE = Path(__file__).with_suffix(".json")


Row = dict[str, Any]
"""The fields of `unshrink.ModelInfo`, but for the weights."""


@cache
def rows() -> dict[str, Row]:
    """Every model by its name, in the registry's order."""
    return {row["name"]: row for row in json.loads(FILE.read_text(encoding="utf-8"))}


def known(name: str) -> str:
    """`name`, where it is that of a model. Raises UnknownNameError, which names its nearest neighbour."""
    if name not in rows():
        raise UnknownNameError("model", name, rows())
    return name


def from_registry() -> list[Row]:
    """The rows as the registry has them; imports torch."""
    from unshrink.models import registry

    plain = ("name", "method", "scale", "payload", "default", "dial", "paper", "licence")
    return [
        {**{key: getattr(spec, key) for key in plain}, "parameters": registry.parameters(spec)}
        for spec in map(registry.get, registry.names())
    ]


if __name__ == "__main__":
    FILE.write_text(json.dumps(from_registry(), indent=1) + "\n", encoding="utf-8")
