from __future__ import annotations

import json

import pytest
from file_samples import header, picture
from hypothesis import given, settings
from hypothesis import strategies as st

from unshrink.errors import DamagedLRFileError, LimitError, UsageError
from unshrink.files.header import Header, header_from_json, header_to_json
from unshrink.limits import Limits

GOOD = header(picture())
NAMES = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,99}", fullmatch=True)
HEADERS = st.builds(
    Header,
    model=NAMES,
    weights=st.from_regex(r"[0-9a-f]{64}", fullmatch=True),
    scale=st.tuples(st.floats(1, 64), st.floats(1, 64)),
    size=st.tuples(st.integers(1, 30_000), st.integers(1, 30_000)),
    grey=st.booleans(),
    carrier=st.sampled_from(["none", "alpha", "chunk"]),
    alpha=st.sampled_from(["none", "resampled", "lossless"]),
    writer=st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=100),
)


@given(HEADERS)
@settings(max_examples=100, deadline=None)
def test_json_and_back_is_identity(made):
    assert header_from_json(header_to_json(made)) == made


def test_the_json_is_canonical():
    text = header_to_json(GOOD).decode()
    assert text == json.dumps(json.loads(text), sort_keys=True, separators=(",", ":"))
    assert '"scale":[4,4]' in text


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("model", ""), ("model", "../x"), ("model", "x" * 101), ("model", 3), ("model", None),
        ("weights", "0" * 63), ("weights", "A" * 64), ("weights", None),
        ("scale", [0.5, 4]), ("scale", [4]), ("scale", 4), ("scale", [4, 65]), ("scale", ["4", "4"]),
        ("scale", [True, 4]), ("scale", [4, None]), ("scale", [10**400, 4]),
        ("size", [0, 4]), ("size", [4, 2**31]), ("size", [4.5, 4]), ("size", [True, 4]), ("size", "ab"),
        ("grey", 1), ("grey", "true"), ("carrier", "latent"), ("carrier", []), ("alpha", True),
        ("writer", ""), ("writer", "x" * 101), ("writer", "line\nbreak"),
    ],
)  # fmt: skip
def test_wrong_values_are_refused_by_key(key, value):
    values = json.loads(header_to_json(GOOD))
    with pytest.raises(DamagedLRFileError, match=key):
        header_from_json(json.dumps({**values, key: value}).encode())


def test_unknown_and_missing_keys_are_named():
    values = json.loads(header_to_json(GOOD))
    with pytest.raises(DamagedLRFileError, match=r"'modle' \(nearest: 'model'\)"):
        header_from_json(json.dumps({**values, "modle": "x"}).encode())
    del values["grey"]
    with pytest.raises(DamagedLRFileError, match="lacks grey"):
        header_from_json(json.dumps(values).encode())


@pytest.mark.parametrize(
    "text", [b"", b"[]", b"null", b"{", b'{"a":1,"a":2}', b'{"scale":[NaN,1]}', b"\xff", b"[" * 50_000]
)
def test_what_is_no_json_object(text):
    with pytest.raises(DamagedLRFileError):
        header_from_json(text)


def test_limits():
    with pytest.raises(LimitError):
        header_from_json(header_to_json(GOOD), limits=Limits(max_header_bytes=100))
    with pytest.raises(LimitError):
        GOOD.check(Limits(max_hr_pixels=19 * 25 - 1))
    GOOD.check(Limits(max_hr_pixels=19 * 25))


def test_the_record_checks_itself():
    with pytest.raises(UsageError, match="model"):
        header(picture(), model="no spaces")


@pytest.mark.parametrize(("size", "fits"), [((5, 7), True), ((4, 7), True), ((6, 7), False), ((5, 5), False)])
def test_fits_allows_for_rounding_and_no_more(size, fits):
    assert header(picture(), size=(19, 27)).fits(size) is fits
