"""Many pictures one after the other: one result in memory at a time, and errors that name the picture."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from typing import Literal, TypeVar

from unshrink.errors import UnshrinkError, UsageError

Source = TypeVar("Source")
Result = TypeVar("Result")
Returned = Literal["return"]
Errors = Literal["raise", "return"]
"""What becomes of an error: it is raised, and ends the run, or it stands in the place of the result."""


def each(
    work: Callable[[Source], Result], sources: Iterable[Source], errors: Errors = "raise"
) -> Iterator[Result | UnshrinkError]:
    """`work` on every source, in order, when its result is asked for.

    Raises what `work` raises, or with "return" gives an UnshrinkError as a result and goes on; its message then begins
    with the picture's number, from 1, and its name where it has one. Raises UsageError for other `errors`.
    """
    if errors not in ("raise", "return"):
        raise UsageError(f"errors is 'raise' or 'return', not {errors!r}.")
    return _each(work, sources, errors)


def _each(
    work: Callable[[Source], Result], sources: Iterable[Source], errors: Errors
) -> Iterator[Result | UnshrinkError]:
    for number, source in enumerate(sources, 1):
        result: Result | UnshrinkError
        try:
            result = work(source)
        except UnshrinkError as error:
            error.args = (f"Picture {number}{_name(source)}: {error}",)
            if errors == "raise":
                raise
            result = error
        yield result


def _name(source: object) -> str:
    named = source if isinstance(source, str | os.PathLike) else getattr(source, "name", None)
    return f" ({os.fspath(named)})" if isinstance(named, str | os.PathLike) else ""
