"""Untrained weights, for jobs that have to be quick."""

from __future__ import annotations

import pytest

from unshrink.models import registry
from unshrink.models.weights import write_weights

pytest.importorskip("pyarrow", reason="jobs with a manifest need the extra: pip install 'unshrink[cluster]'")


@pytest.fixture(scope="session")
def weights(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("weights") / "irn-q-x4"
    write_weights(registry.build(registry.get("irn-q-x4")), "irn-q-x4", folder)
    return str(folder)
