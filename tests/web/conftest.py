"""The application with the helper process behind it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

import pytest
from web_samples import BOUNDS

from unshrink.limits import Limits

if TYPE_CHECKING:
    from fastapi.testclient import TestClient


@pytest.fixture(scope="session")
def client() -> Iterator[TestClient]:
    """Asks the application as a program on this machine would."""
    from fastapi.testclient import TestClient

    from unshrink.web.app import make_app
    from unshrink.web.helper import Helper, Machine

    limits = Limits(max_hr_pixels=BOUNDS.pixels, max_lr_pixels=BOUNDS.pixels, max_file_bytes=BOUNDS.upload)
    app = make_app(partial(Helper, Machine(limits=limits, threads=1)), BOUNDS)
    with TestClient(app.asgi, base_url="http://127.0.0.1") as client:
        yield client
