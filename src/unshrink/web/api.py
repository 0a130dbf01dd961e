"""The JSON API: pictures in, LR files and restored pictures out, at once or as jobs to be watched and cancelled."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

from unshrink import __version__
from unshrink.cli.view import to_json
from unshrink.rescale import list_models
from unshrink.web.answers import NotThereError, failure
from unshrink.web.bounds import Bounds
from unshrink.web.desk import Desk, Job, State
from unshrink.web.fields import DownFields, UpFields, down_task, form_schema, up_task
from unshrink.web.tasks import Made, Task
from unshrink.web.upload import Form, read_form

_TICK = 0.05
"""Seconds between looks at a job that is waited for."""
_FILES = {"file": "The picture."}
_UP_FILES = {"file": "The LR file.", "original": "What to measure the restored picture against, if anything."}
_ERRORS: dict[int | str, dict[str, Any]] = {
    404: {"description": "No such job."},
    413: {"description": "Larger than a limit."},
    415: {"description": "No picture, cut short, or of a kind that is refused by name."},
    422: {"description": "A field is wrong; or not an LR file, an edited or a damaged one. The message says which."},
    503: {"description": "The queue is full."},
    504: {"description": "It took longer than a job may."},
}
_NOTE = (
    " The answer is the file itself, with the facts as JSON in the header `Unshrink-Result`. With the header `Prefer: "
    "respond-async` it comes at once instead, status 202, and is a job to ask about under the address in `Location`."
)


def make_router(desk: Desk, bounds: Bounds) -> APIRouter:
    """Every route of the API."""
    router = APIRouter(prefix="/api", responses=_ERRORS)
    _add_work(router, desk, bounds)
    _add_jobs(router, desk)

    @router.get("/models", summary="Every model there is")
    def models() -> Response:
        """The same as `unshrink models --json`; those with an empty list of weights cannot be used here."""
        return _json({"models": [asdict(model) for model in list_models()]})

    @router.get("/about", summary="Version and limits")
    def about() -> Response:
        """What is taken at most: bytes of an upload, pixels of a picture, seconds of a job."""
        most = {"upload_bytes": bounds.upload, "pixels": bounds.pixels, "seconds": bounds.seconds}
        return _json({"version": __version__, "limits": most})

    return router


def _add_work(router: APIRouter, desk: Desk, bounds: Bounds) -> None:
    async def answer(request: Request, read: Callable[[Form], Task]) -> Response:
        job = desk.submit(read(await read_form(request, bounds)))
        if "respond-async" in request.headers.get("prefer", ""):
            where = {"Location": f"/api/jobs/{job.id}", "Preference-Applied": "respond-async"}
            return _json(_document(desk, job), 202, where)
        return await _wait(request, desk, job)

    @router.post(
        "/down", summary="Shrink a picture", description="Make an LR file." + _NOTE,
        openapi_extra={"requestBody": form_schema(DownFields, _FILES)},
    )  # fmt: skip
    async def down(request: Request) -> Response:
        return await answer(request, down_task)

    @router.post(
        "/up", summary="Restore a picture", description="Restore the picture that an LR file was made from." + _NOTE,
        openapi_extra={"requestBody": form_schema(UpFields, _UP_FILES)},
    )  # fmt: skip
    async def up(request: Request) -> Response:
        return await answer(request, up_task)

    @router.post(
        "/auto", summary="Shrink or restore, whichever fits",
        description="Restore what is an LR file, sound or not, and shrink any other picture." + _NOTE,
        openapi_extra={"requestBody": form_schema(DownFields, _FILES)},
    )  # fmt: skip
    async def auto(request: Request) -> Response:
        return await answer(request, lambda form: down_task(form, "auto"))


def _add_jobs(router: APIRouter, desk: Desk) -> None:
    @router.get("/jobs/{id}", summary="How far a job has come")
    def look(id: str) -> Response:
        """State (waiting, running, done, failed, cancelled), step and share of it, facts, files, and error.

        A job that nobody asks about for some minutes is given up.
        """
        return _json(_document(desk, desk.find(id)))

    @router.delete("/jobs/{id}", summary="Cancel a job, or forget it", status_code=204)
    def cancel(id: str) -> Response:
        desk.cancel(id)
        return Response(status_code=204)

    @router.get("/jobs/{id}/{key}", summary="A file that a job has made")
    def fetch(id: str, key: str) -> Response:
        """`small`, the LR file; `restored`; where browsers do not show them, `original` and `shown`, as PNG."""
        made = desk.find(id).made.get(key)
        if made is None:
            raise NotThereError(f"This job has no file {key!r}, or not yet.")
        return _file(made)


async def _wait(request: Request, desk: Desk, job: Job) -> Response:
    """The answer with the file, when there is one; where nobody waits for it any more the job is cancelled."""
    try:
        while not job.over:
            desk.find(job.id)  # it is asked about
            if await request.is_disconnected():
                break
            await asyncio.sleep(_TICK)
        if job.failure is not None:
            return JSONResponse(job.failure.document(), status_code=job.failure.status)
        made = job.made.get("small") or job.made.get("restored")
        if made is None:
            raise NotThereError("Nothing was made.")
        return _file(made, {"Unshrink-Result": json.dumps({"state": str(job.state), **job.facts})})
    finally:
        with suppress(NotThereError):
            desk.cancel(job.id)


def _document(desk: Desk, job: Job) -> dict[str, Any]:
    files = {
        key: {"href": f"/api/jobs/{job.id}/{key}", "name": made.name, "bytes": len(made.data), "media": made.media}
        for key, made in list(job.made.items())
    }
    waiting = {"ahead": desk.ahead(job)} if job.state is State.WAITING else {}
    return {
        "id": job.id, "kind": job.kind, "name": job.name, "state": job.state, "step": job.step, "share": job.share,
        "seconds": round(job.seconds(), 2), "expected_seconds": desk.expected(job), **waiting,
        "result": dict(job.facts), "files": files,
        "error": None if job.failure is None else job.failure.document(),
    }  # fmt: skip


def _json(value: object, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    headers = {"Cache-Control": "no-store", **(headers or {})}
    return Response(to_json(value), status, headers, media_type="application/json")


def _file(made: Made, headers: dict[str, str] | None = None) -> Response:
    disposition = f"attachment; filename*=UTF-8''{quote(made.name)}"
    headers = {"Cache-Control": "no-store", "Content-Disposition": disposition, **(headers or {})}
    return Response(made.data, headers=headers, media_type=made.media)


def error_answer(_: Request, error: Exception) -> Response:
    """What is answered where a route raises an expected error."""
    told = failure(error)
    headers = {"Retry-After": "5"} if told.status == 503 else {}
    return _json(told.document(), told.status, headers)
