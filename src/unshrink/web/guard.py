"""Who may ask: requests meant for this host, and not sent by another site's page; and what every answer says."""

from __future__ import annotations

import ipaddress
import socket
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from unshrink.errors import UnshrinkError
from unshrink.web.answers import ForeignRequestError, WrongHostError, failure

_SAFE = {"GET", "HEAD"}
POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' blob:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
"""Nothing from other hosts, nothing inline; pictures may also be what the page has in memory."""
HEADERS = {
    "Content-Security-Policy": POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


@dataclass(frozen=True)
class Guard:
    """An ASGI application that lets through what may be asked, and adds `HEADERS` to every answer.

    A site can have its name resolve to 127.0.0.1, and then its pages ask this server as if it were their own: so only
    addresses, which no name stands behind, and names of this machine are let through. And a page of any site can send
    a form anywhere: so what changes anything must come from our own page, or from no browser.
    """

    app: ASGIApp
    names: frozenset[str] = field(default_factory=lambda: frozenset())
    """Further names that this server goes by."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or let `app` answer."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
            await send(message)

        problem = self._problem(scope["method"], Headers(scope=scope))
        if problem is None:
            await self.app(scope, receive, send_with_headers)
            return
        told = failure(problem)
        await JSONResponse(told.document(), status_code=told.status)(scope, receive, send_with_headers)

    def _problem(self, method: str, headers: Headers) -> UnshrinkError | None:
        host = headers.get("host", "")
        if not self.is_own(host):
            return WrongHostError(f"This server does not go by the name {host!r}; start it with --name to allow that.")
        if method not in _SAFE and _is_foreign(headers, host):
            return ForeignRequestError("Another site's page sent this; use the page of this server, or no browser.")
        return None

    def is_own(self, host: str) -> bool:
        """Whether this server goes by `host`, a name or an address with or without a port."""
        name = (urlsplit(f"//{host}").hostname or "") if _is_plain(host) else ""
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return name in {"localhost", socket.gethostname().lower(), *self.names}
        return True


def _is_plain(host: str) -> bool:
    return not any(sign in host for sign in "/@?#\\ ")


def _is_foreign(headers: Headers, host: str) -> bool:
    """Whether a browser says that the request comes from a page of another origin."""
    origin, site = headers.get("origin"), headers.get("sec-fetch-site")
    if origin is not None and urlsplit(origin).netloc != host:
        return True
    return site is not None and site not in {"same-origin", "none"}
