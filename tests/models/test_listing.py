"""The list of models that is read without torch."""

import json

import pytest

from unshrink.errors import UnknownNameError
from unshrink.models import listing


def test_the_list_is_the_registry():
    written = json.loads(listing.FILE.read_text(encoding="utf-8"))
    assert written == listing.from_registry(), "write it anew: python -m unshrink.models.listing"


def test_an_unknown_name_tells_its_neighbour():
    assert listing.known("irn-q-x4") == "irn-q-x4"
    with pytest.raises(UnknownNameError, match="did you mean 'irn-q-x4'"):
        listing.known("irn-q-4x")
