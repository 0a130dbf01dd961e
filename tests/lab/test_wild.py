"""Every picture in the wild is read as what it shows or refused in a sentence, and takes neither long nor much."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from lab.wild import pictures, verdict

PICTURES = pictures()


@pytest.mark.parametrize("name", PICTURES)
def test_each_is_shown_or_refused(name: str) -> None:
    assert verdict(PICTURES[name]) in ("shown", "refused")


WITHIN = """
import sys
from unshrink.cli import main
code = main(sys.argv[1:])
# getrusage would count what the process that started this one held
peak = next(line for line in open('/proc/self/status') if line.startswith('VmHWM'))
print(int(peak.split()[1]) // 1000, file=sys.stderr)
sys.exit(code)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="counts memory as Linux does")
def test_each_goes_through_down_or_is_refused_by_name(tmp_path: Path) -> None:
    some = {re.sub(r"\W+", "_", name) + ".jpg": wild for name, wild in PICTURES.items()}
    assert len(some) == len(PICTURES)
    (tmp_path / "in").mkdir()
    for name, wild in some.items():
        (tmp_path / "in" / name).write_bytes(wild.data)
    command = ["down", "in", "-o", "out/", "-m", "lite-x4", "--no-exact-blocks", "--json"]
    run = subprocess.run([sys.executable, "-c", WITHIN, *command], cwd=tmp_path, capture_output=True, text=True)
    done = json.loads(run.stdout)
    shrunk, failed = ({Path(entry["input"]).name: entry for entry in done[part]} for part in ("results", "failed"))
    assert shrunk.keys() | failed.keys() == some.keys()
    assert not done["passed_over"]
    for name, entry in failed.items():
        assert some[name].refused is not None, entry
        assert entry["exit_code"] in (3, 5)
        assert entry["message"].startswith(f"in/{name}")
    assert max(entry["seconds"] for entry in shrunk.values()) < 10
    assert int(run.stderr.split()[-1]) < 1000
