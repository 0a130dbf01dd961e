"""Many pictures one after the other: one result in memory at a time, and errors that name the picture."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from unshrink.errors import UnshrinkError

Source = TypeVar("Source")
Result = TypeVar("Result")


def each(work: Callable[[Source], Result], sources: Iterable[Source]) -> Iterator[Result]:
    """`work` on every source, in order, when its result is asked for.

    Raises what `work` raises; the message of an UnshrinkError then begins with the picture's number, from 1, and its
    name where it has one.
    """
    for number, source in enumerate(sources, 1):
        try:
            result = work(source)
        except UnshrinkError as error:
            error.args = (f"Picture {number}{_name(source)}: {error}",)
            raise
        yield result


def _name(source: object) -> str:
    named = source if isinstance(source, str | os.PathLike) else getattr(source, "name", None)
    return f" ({os.fspath(named)})" if isinstance(named, str | os.PathLike) else ""
