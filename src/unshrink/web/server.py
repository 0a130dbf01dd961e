"""The server: a socket, the application, and what is said when it is there."""

from __future__ import annotations

import ipaddress
import os
import socket
import webbrowser
from collections.abc import Callable, Sequence
from functools import partial

import uvicorn

from unshrink.errors import UsageError
from unshrink.web.app import make_app
from unshrink.web.bounds import Bounds
from unshrink.web.helper import Helper, Machine

_CONNECTIONS = 64


def serve(
    machine: Machine,
    bounds: Bounds,
    *,
    host: str,
    port: int,
    names: Sequence[str] = (),
    tell: Callable[[str], None],
    browse: bool = False,
) -> None:
    """Answer requests until it is interrupted; `tell` is called with the page's address once it is there.

    Raises UsageError where the address cannot be used.
    """
    with _listen(host, port) as listening:
        address = f"http://{_spelled(host)}:{listening.getsockname()[1]}/"
        app = make_app(partial(Helper, machine), bounds, [*names, host])
        config = uvicorn.Config(
            app.asgi, log_level="warning", access_log=False, server_header=False, ws="none", proxy_headers=False,
            limit_concurrency=_CONNECTIONS, timeout_graceful_shutdown=2,
        )  # fmt: skip
        tell(address)
        if browse:
            webbrowser.open(address)
        try:
            uvicorn.Server(config).run([listening])
        finally:
            app.desk.close()


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches it."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    if os.name == "posix":  # elsewhere it would let two servers have one port
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
        listening.listen()  # who is told the address may ask at once, and waits until somebody answers
    except (OSError, OverflowError) as error:
        listening.close()
        reason = getattr(error, "strerror", None) or str(error)
        raise UsageError(f"{_spelled(host)}:{port} cannot be used: {reason}; name another --port or --host.") from error
    return listening


def _spelled(host: str) -> str:
    return f"[{host}]" if ":" in host else host
