"""The command that starts the server: docs/web.md says how; and what it says where it cannot."""

from __future__ import annotations

import json
import re
import shlex
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

pytest.importorskip("fastapi", reason="the server needs the extra web")

from unshrink.web.server import is_loopback

PAGE = Path(__file__).parents[2] / "docs" / "web.md"
BLOCKED = """
import sys
class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("fastapi", "uvicorn"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Blocker())
from unshrink.cli import main
sys.exit(main(sys.argv[1:]))
"""


def commands() -> list[list[str]]:
    lines = re.findall(r"^    (unshrink serve.*)$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    return [shlex.split(line.partition("#")[0])[1:] for line in lines]


@pytest.mark.parametrize("words", commands(), ids=" ".join)
def test_the_commands_of_the_page_start_it_and_ctrl_c_ends_it(words):
    known = [word for word in words if word != "--open"]  # that would open a browser here
    command = [sys.executable, "-m", "unshrink", *known, *([] if "--port" in known else ["--port", "0"])]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as server:
        try:
            address = re.findall(r"http://127\.0\.0\.1:\d+/", server.stdout.readline())[0]
            with urllib.request.urlopen(address + "api/about", timeout=30) as answer:
                assert json.load(answer)["limits"]["pixels"] == 50_000_000
            server.send_signal(signal.SIGINT)
            assert server.wait(timeout=30) == 0
            assert server.stderr.read() == ""
        finally:
            server.kill()


def serve(*words: str, code: str | None = None) -> subprocess.CompletedProcess[str]:
    start = ["-m", "unshrink"] if code is None else ["-c", code]
    return subprocess.run(
        [sys.executable, *start, "serve", *words], capture_output=True, text=True, check=False, timeout=60
    )


def test_without_the_extra_it_says_in_one_sentence_what_to_install():
    result = serve(code=BLOCKED)
    assert result.stderr == "unshrink: The page needs more than is installed here; `pip install 'unshrink[web]'`.\n"
    assert result.returncode == 2


def test_a_port_that_is_taken_is_told():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        result = serve("--port", str(taken.getsockname()[1]))
    assert result.returncode == 2
    assert "cannot be used: Address already in use; name another --port" in result.stderr


def test_only_addresses_of_this_machine_are_its_own():
    assert all(map(is_loopback, ("127.0.0.1", "127.8.8.8", "::1", "localhost")))
    assert not any(map(is_loopback, ("0.0.0.0", "::", "192.168.1.4", "example.org")))
