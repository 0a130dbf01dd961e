"""A request's pictures and fields, read into memory and nowhere else, and no more of it than is allowed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field

from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request

from unshrink.errors import LimitError, UnreadableInputError, UsageError
from unshrink.web.answers import TimeOutError
from unshrink.web.bounds import Bounds

_MOST_FIELDS = 32
_MOST_FIELD = 4096
"""Bytes of one field that is no file."""
_LONGEST_NAME = 200


@dataclass(frozen=True)
class Sent:
    """A picture as it was sent."""

    name: str
    """The last part of its file name, with nothing in it that ends a line."""
    data: bytes = field(repr=False)


@dataclass(frozen=True)
class Form:
    """What a request holds."""

    files: dict[str, Sent]
    fields: dict[str, str]

    def file(self) -> Sent:
        """The picture. Raises UsageError where there is none, UnreadableInputError where it is empty."""
        if "file" not in self.files:
            raise UsageError("There is no picture in the request; send one as the form's field 'file'.")
        if not self.files["file"].data:
            raise UnreadableInputError(f"{self.files['file'].name} is empty; give a picture file.")
        return self.files["file"]


async def read_form(request: Request, bounds: Bounds) -> Form:
    """The form in a request's body, as multipart/form-data.

    Raises LimitError where it is larger than allowed, as soon as that is known, TimeOutError where it takes too long,
    and UsageError where it is no such form.
    """
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        raise UsageError("A picture is sent as a form, multipart/form-data, in its field 'file'.")
    if int(request.headers.get("content-length", "0") or 0) > bounds.upload:
        raise _too_large(bounds)
    parser = MultiPartParser(
        request.headers, _bounded(request, bounds), max_files=2, max_fields=_MOST_FIELDS, max_part_size=_MOST_FIELD
    )
    parser.spool_max_size = bounds.upload + 1  # past which it would go to a file on disk
    try:
        async with asyncio.timeout(bounds.upload_seconds):
            form = await parser.parse()
    except TimeoutError:
        raise TimeOutError("The picture took too long to arrive; try again.") from None
    except (MultiPartException, UnicodeDecodeError) as error:
        raise UsageError(f"The form cannot be read: {getattr(error, 'message', error)}") from error
    files, fields = {}, {}
    for name, value in form.multi_items():
        if isinstance(value, UploadFile):
            files[name] = Sent(_plain(value.filename), await value.read())
        else:
            fields[name] = value
    await form.close()
    return Form(files, fields)


async def _bounded(request: Request, bounds: Bounds) -> AsyncGenerator[bytes, None]:
    taken = 0
    async for piece in request.stream():
        taken += len(piece)
        if taken > bounds.upload:
            raise _too_large(bounds)
        yield piece


def _too_large(bounds: Bounds) -> LimitError:
    return LimitError(
        f"The picture is larger than {bounds.upload / 1e6:.0f} MB, the most that is taken here; give a smaller file, "
        "or start the server with a larger --max-upload."
    )


def _plain(name: str | None) -> str:
    last = (name or "").replace("\\", "/").rpartition("/")[2]
    kept = "".join(letter for letter in last if letter.isprintable())[-_LONGEST_NAME:].strip()
    return kept or "picture"
