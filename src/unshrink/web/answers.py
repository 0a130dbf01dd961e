"""Errors as the API answers them: the command line's sentence, and the HTTP status that fits."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from http import HTTPStatus

from unshrink.cli.batch import describe
from unshrink.errors import (
    LimitError,
    LRFileError,
    MissingTorchError,
    UnreadableInputError,
    UnshrinkError,
    UsageError,
    WeightsError,
)

__all__ = [
    "BusyError", "Failure", "ForeignRequestError", "NotAskedError", "NotThereError", "StoppedError", "TimeOutError",
    "WrongHostError", "failure",
]  # fmt: skip


class BusyError(UnshrinkError):
    """The queue is full."""


class NotThereError(UnshrinkError):
    """No job, or no result, of that name."""


class StoppedError(UnshrinkError):
    """Somebody cancelled it."""


class NotAskedError(UnshrinkError):
    """It was given up because nobody asked about it any more."""


class TimeOutError(UnshrinkError):
    """It took too long."""


class ForeignRequestError(UnshrinkError):
    """The page of another site sent it."""


class WrongHostError(UnshrinkError):
    """It was meant for another host."""


_STATUSES: tuple[tuple[type[BaseException], HTTPStatus], ...] = (
    (BusyError, HTTPStatus.SERVICE_UNAVAILABLE),
    (NotThereError, HTTPStatus.NOT_FOUND),
    (StoppedError, HTTPStatus.CONFLICT),
    (NotAskedError, HTTPStatus.GONE),
    (TimeOutError, HTTPStatus.GATEWAY_TIMEOUT),
    (ForeignRequestError, HTTPStatus.FORBIDDEN),
    (WrongHostError, HTTPStatus.MISDIRECTED_REQUEST),
    (UsageError, HTTPStatus.UNPROCESSABLE_ENTITY),
    (UnreadableInputError, HTTPStatus.UNSUPPORTED_MEDIA_TYPE),
    (LRFileError, HTTPStatus.UNPROCESSABLE_ENTITY),
    (LimitError, HTTPStatus.REQUEST_ENTITY_TOO_LARGE),
    (WeightsError, HTTPStatus.UNPROCESSABLE_ENTITY),
    (MissingTorchError, HTTPStatus.SERVICE_UNAVAILABLE),
    (MemoryError, HTTPStatus.INSUFFICIENT_STORAGE),
)


@dataclass(frozen=True)
class Failure:
    """An error as JSON has it, with the keys of the command line's; travels between processes."""

    error: str
    """The name of the exception class."""
    message: str
    exit_code: int
    """What the command line would end with."""
    status: int

    def document(self) -> dict[str, object]:
        """Without the status, which the answer has itself."""
        return {key: value for key, value in asdict(self).items() if key != "status"}


def failure(error: BaseException, name: str = "") -> Failure:
    """What is answered to an expected error; its sentence names the picture."""
    sentence, code = describe(error, name)
    status = next((status for kind, status in _STATUSES if isinstance(error, kind)), HTTPStatus.INTERNAL_SERVER_ERROR)
    return Failure(type(error).__name__, sentence, code, int(status))
