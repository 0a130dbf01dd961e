"""Who may ask: own names and addresses, and no other site's page."""

from __future__ import annotations

import socket

import pytest

pytest.importorskip("fastapi", reason="the API needs the extra web")
pytest.importorskip("httpx2", reason="the API is asked with httpx2, of the extra dev")

from fastapi.testclient import TestClient
from starlette.responses import PlainTextResponse

from unshrink.web.guard import Guard

OWN = (
    "127.0.0.1",
    "127.0.0.1:8765",
    "localhost:1",
    "[::1]:8765",
    "192.168.1.4:8765",
    socket.gethostname(),
    "pictures.lan",
)
OTHER = (
    "evil.example",
    "evil.example:8765",
    "127.0.0.1.evil.example",
    "localhost.evil.example",
    "127.0.0.1@evil.example",
    "",
)


@pytest.fixture
def guarded():
    return TestClient(Guard(PlainTextResponse("in"), frozenset({"pictures.lan"})), base_url="http://127.0.0.1:8765")


@pytest.mark.parametrize("host", OWN)
def test_own_names_and_addresses_are_let_in(guarded, host):
    assert guarded.get("/", headers={"Host": host}).text == "in"


@pytest.mark.parametrize("host", OTHER)
def test_other_names_are_not(guarded, host):
    answer = guarded.get("/", headers={"Host": host})
    assert answer.status_code == 421
    assert answer.json()["error"] == "WrongHostError"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Origin": "http://127.0.0.1:8765"}, 200),
        ({"Origin": "http://127.0.0.1:8765", "Sec-Fetch-Site": "same-origin"}, 200),
        ({"Sec-Fetch-Site": "none"}, 200),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://127.0.0.1:9999"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
    ],
)
def test_what_changes_anything_must_not_come_from_another_page(guarded, headers, status):
    assert guarded.post("/", headers=headers).status_code == status
    assert guarded.delete("/", headers=headers).status_code == status
    assert guarded.get("/", headers=headers).status_code == 200


def test_every_answer_says_what_a_page_may_do(guarded):
    for answer in (guarded.get("/"), guarded.get("/", headers={"Host": "evil.example"})):
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"
