"""The application: the page, the API, and the guard before both."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from unshrink import __version__
from unshrink.errors import UnshrinkError, UsageError
from unshrink.web.answers import NotThereError
from unshrink.web.api import error_answer, make_router
from unshrink.web.bounds import Bounds
from unshrink.web.desk import Desk, Hands
from unshrink.web.guard import Guard
from unshrink.web.page import page_routes

_ABOUT = "Invertible image rescaling: shrink pictures into LR files that any viewer opens, and restore them."


@dataclass(frozen=True)
class App:
    """The application and what it works with."""

    asgi: Guard
    desk: Desk
    openapi: Callable[[], dict[str, object]] = field(repr=False)


def make_app(make_hands: Callable[[], Hands], bounds: Bounds | None = None, names: Iterable[str] = ()) -> App:
    """The application; `make_hands` starts what does the work, and `names` are further ones that the server goes by."""
    bounds = bounds or Bounds()
    desk = Desk(bounds, make_hands)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        desk.close()

    api = FastAPI(
        title="unshrink", version=__version__, description=_ABOUT, lifespan=lifespan,
        docs_url=None, redoc_url=None, openapi_url="/api/openapi.json",
    )  # fmt: skip
    api.include_router(make_router(desk, bounds))
    api.router.routes += page_routes()
    api.add_exception_handler(UnshrinkError, error_answer)
    api.add_exception_handler(RequestValidationError, _wrong_request)
    api.add_exception_handler(HTTPException, _no_route)
    return App(Guard(api, frozenset(name.lower() for name in names)), desk, api.openapi)


async def _wrong_request(request: Request, error: Exception) -> Response:
    return error_answer(request, UsageError(f"The request cannot be read: {error}"))


async def _no_route(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 404
    answer = error_answer(request, NotThereError(f"There is nothing at {request.method} {request.url.path} here."))
    answer.status_code = status
    return answer
