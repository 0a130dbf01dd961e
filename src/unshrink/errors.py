"""The one tree of exceptions.

Every error that this package raises on purpose is an `UnshrinkError`, and every class carries the exit code that
the command line ends with. A message is one sentence or two: what was wrong, then what to do next.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import ClassVar

__all__ = [
    "DamagedLRFileError",
    "EditedLRFileError",
    "LRFileError",
    "LimitError",
    "MissingTorchError",
    "MissingWeightsError",
    "NewerFormatError",
    "NotAnLRFileError",
    "OutputExistsError",
    "SmallEnoughError",
    "UnknownNameError",
    "UnreadableInputError",
    "UnshrinkError",
    "UnsupportedPictureError",
    "UsageError",
    "WeightsError",
    "damaged_payload",
    "nearest",
]


class UnshrinkError(Exception):
    """Base of everything this package raises on purpose; `str(error)` is fit to be shown to a user as it stands."""

    exit_code: ClassVar[int] = 1


class UsageError(UnshrinkError):
    """The call is wrong: options that do not fit together, a value out of range, an output that cannot be made."""

    exit_code: ClassVar[int] = 2


class UnknownNameError(UsageError):
    """A name that is in no list: of a model, an option, a recipe.

    `kind` says in one word what was named ("model"), `name` is what was given, `known` are the names that exist.
    The message names the nearest neighbour where one is near.
    """

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        self.kind = kind
        self.name = name
        self.known = tuple(known)
        super().__init__(_unknown_name_message(kind, name, self.known))

    def __reduce__(self) -> tuple[type[UnknownNameError], tuple[str, str, tuple[str, ...]]]:
        # Exceptions pickle by their message alone; worker processes need the three arguments back.
        return type(self), (self.kind, self.name, self.known)


class SmallEnoughError(UsageError):
    """The picture is as small already as it should become."""


class OutputExistsError(UsageError):
    """The output is already there and nobody asked to overwrite it; `path` is that output."""

    def __init__(self, path: object) -> None:
        self.path = path
        super().__init__(f"{path} already exists; name another output or ask to overwrite it (--overwrite).")

    def __reduce__(self) -> tuple[type[OutputExistsError], tuple[object]]:
        return type(self), (self.path,)


class UnreadableInputError(UnshrinkError):
    """The input is missing, may not be read, is no picture, or is cut short."""

    exit_code: ClassVar[int] = 3


class UnsupportedPictureError(UnreadableInputError):
    """A sound picture of a kind that is refused by name: animated, several pages, CMYK, 16 bit, floating point."""


class LRFileError(UnshrinkError):
    """The input is a picture, but cannot be used as an LR file; the subclasses say why."""

    exit_code: ClassVar[int] = 4


class NotAnLRFileError(LRFileError):
    """A sound picture that carries no LR header: foreign, or stripped."""


class EditedLRFileError(LRFileError):
    """The header is sound, but the pixels are no longer those it was written for."""


class DamagedLRFileError(LRFileError):
    """The file was an LR file, but its bytes have changed or are missing."""


class NewerFormatError(LRFileError):
    """The file was written in a version of the format that this installation does not know."""


class MissingWeightsError(LRFileError):
    """The LR file names weights that this installation does not hold."""


class LimitError(UnshrinkError):
    """The input or the output is larger than a limit of `unshrink.limits.Limits` or of the container."""

    exit_code: ClassVar[int] = 5


class WeightsError(UnshrinkError):
    """A weights file is damaged or holds other tensors than its model needs, or a model ships no weights."""


class MissingTorchError(UnshrinkError):
    """A network is to run, and torch, which runs it, is not installed."""

    def __init__(self) -> None:
        super().__init__(
            "Networks run on torch, which is not installed; for a processor: "
            "pip install torch --index-url https://download.pytorch.org/whl/cpu"
        )

    def __reduce__(self) -> tuple[type[MissingTorchError], tuple[()]]:
        return type(self), ()


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The member of `known` that is most like `name`, or None where none is near."""
    matches = difflib.get_close_matches(name, list(known), n=5, cutoff=0.5)
    # difflib does not see that "irn-4x" has the very letters of "irn-x4"
    return max(matches, key=lambda match: (_likeness(name, match), sorted(match) == sorted(name)), default=None)


def _likeness(name: str, match: str) -> float:
    return difflib.SequenceMatcher(None, match, name).ratio()


def _unknown_name_message(kind: str, name: str, known: tuple[str, ...]) -> str:
    neighbour = nearest(name, known)
    if neighbour is not None:
        return f"There is no {kind} {name!r}; did you mean {neighbour!r}?"
    if not known:
        return f"There is no {kind} {name!r}, and none is known here."
    return f"There is no {kind} {name!r}; known: {', '.join(known)}."


def damaged_payload(what: str) -> DamagedLRFileError:
    """The error for a payload that cannot be."""
    return DamagedLRFileError(f"The payload is damaged: {what}; get a good copy of the file, or use --plain.")
