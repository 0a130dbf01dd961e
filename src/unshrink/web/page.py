"""The files of the page, which come with the package: read once, each with its type said and not guessed."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

_TYPES = {
    "html": "text/html; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
    "png": "image/png",
    "webp": "image/webp",
    "jpg": "image/jpeg",
    "json": "application/json",
}
_FIRST = {"index.html": "/", "api.html": "/api"}
"""Files with an address that is not their name."""


@dataclass(frozen=True)
class Asset:
    """One file of the page."""

    path: str
    data: bytes
    media: str

    async def answer(self, request: Request) -> Response:
        """The file, or that it has not changed."""
        tag = f'"{hashlib.sha256(self.data).hexdigest()[:20]}"'
        headers = {"Cache-Control": "no-cache", "ETag": tag}
        if request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers=headers)
        return Response(self.data, headers=headers, media_type=self.media)


def page_routes() -> list[Route]:
    """A route for every file."""
    return [Route(asset.path, asset.answer, include_in_schema=False) for asset in _assets(_folder(), "/")]


def _folder() -> Traversable:
    return files("unshrink.web") / "static"


def _assets(folder: Traversable, prefix: str) -> list[Asset]:
    found = []
    for item in folder.iterdir():
        ending = item.name.rpartition(".")[2]
        if item.is_dir():
            found += _assets(item, f"{prefix}{item.name}/")
        elif ending in _TYPES:
            found.append(Asset(_FIRST.get(item.name, prefix + item.name), item.read_bytes(), _TYPES[ending]))
    return found
