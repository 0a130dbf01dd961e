"""What `down` is asked, as one value."""

import subprocess
import sys
from dataclasses import fields
from inspect import signature

import pytest

import unshrink
from unshrink.cli.options import OrderOptions
from unshrink.cli.rescaling import down
from unshrink.cli.roundtrip import roundtrip
from unshrink.errors import UsageError
from unshrink.rescale.order import Order, as_order


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"effort": 10}, "0 to 9"),
        ({"effort": -1}, "0 to 9"),
        ({"carrier": "zip"}, "carrier"),
        ({"payload_budget": -1}, "0 bytes or more"),
        ({"scale": 2, "max_side": 9}, "give one"),
        ({"scale": 0.5}, "at least 1"),
    ],
)
def test_what_is_out_of_range_is_refused_when_it_is_made(options, message):
    with pytest.raises(UsageError, match=message):
        Order(**options)


def test_an_order_stands_or_is_made():
    order = Order(2.5, effort=3)
    assert as_order(order, {}) is order
    assert as_order(2.5, {"effort": 3}) == as_order(None, {"scale": 2.5, "effort": 3}) == order
    with pytest.raises(TypeError, match="effort"):
        as_order(order, {"effort": 3})
    with pytest.raises(TypeError, match="efort"):
        unshrink.down("photo.jpg", efort=3)


def test_the_command_line_has_an_option_for_each_field_and_the_same_defaults():
    named = {option.name for option in fields(OrderOptions)}
    assert named == {field.name for field in fields(Order) if field.init}
    assert OrderOptions().order() == Order()
    for command in (down, roundtrip):
        assert named < set(signature(command).parameters)


def test_making_one_needs_no_torch():
    code = "import sys; from unshrink import Order; Order(2.5, effort=3); print('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout == b"False\n"
