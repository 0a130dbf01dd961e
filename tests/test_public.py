"""What `import unshrink` offers, and what it costs."""

import subprocess
import sys

import pytest

import unshrink


def test_the_public_surface():
    assert set(unshrink.__all__) == set(dir(unshrink))
    for name in unshrink.__all__:
        assert getattr(unshrink, name) is not None
    with pytest.raises(AttributeError, match="downn"):
        unshrink.downn  # noqa: B018


def test_import_is_light():
    code = "import sys, unshrink; print([m for m in ('torch', 'numpy', 'PIL') if m in sys.modules])"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert result.stdout == b"[]\n"
