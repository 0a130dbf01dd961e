"""What the README tells people to type works."""

import json
import re
import shlex
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from unshrink.cli import main
from unshrink.models import zoo

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")


@pytest.fixture
def desk(tmp_path, monkeypatch):
    """A folder with the pictures that the README speaks of."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    coarse = Image.fromarray(rng.integers(0, 255, (9, 12, 3), dtype=np.uint8)).resize(
        (97, 70), Image.Resampling.BICUBIC
    )
    for name in ("photo.jpg", "holiday/a.jpg", "holiday/b.jpg"):
        Path(name).parent.mkdir(exist_ok=True)
        coarse.save(name)
    return tmp_path


def _commands():
    lines = re.findall(r"^    (unshrink .*)$", README, re.MULTILINE)
    return [shlex.split(line.split("#")[0])[1:] for line in lines]


def test_the_commands_work_in_their_order(desk):
    commands = _commands()
    assert len(commands) >= 7
    for arguments in commands:
        assert main(_globbed(arguments)) == 0, arguments


def _globbed(arguments):
    """What a shell would pass."""
    out = []
    for argument in arguments:
        out += sorted(map(str, Path().glob(argument))) if "*" in argument else [argument]
    return out


def test_the_python_example_works(desk):
    (block,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    exec(compile(block, "README.md", "exec"), {})
    with Image.open("restored.png") as restored, Image.open("photo.jpg") as photo:
        assert restored.size == photo.size


def test_every_link_leads_somewhere():
    root = Path(__file__).parents[1]
    links = re.findall(r"\]\(([^)#:]+)\)", README)
    assert links
    assert [link for link in links if not (root / link).exists()] == []


def test_the_figures_are_those_of_the_shipped_weights():
    rows = [
        [cell.strip(" *`") for cell in line.split("|")[1:-1]] for line in README.splitlines() if line.startswith("| `")
    ]
    assert {row[0] for row in rows} >= {"lite-x2", "lite-x4"}
    for row in rows:
        newest = zoo.versions(row[0])[-1].path
        report = json.loads((newest / "eval.json").read_text())
        sets = [report["sets"][name] for name in ("Set5", "Set14", "BSD100")]
        assert row[2:5] == [f"{entry['psnr_y']:.2f}" for entry in sets], row[0]
        assert row[5] == " / ".join(f"{entry['lr_psnr_y']:.1f}" for entry in sets)
        assert row[6] == " / ".join(f"{entry['lr_bits_per_hr_pixel']:.2f}" for entry in sets)


def test_the_figures_of_the_defaults_are_those_of_their_reports():
    rows = [[cell.strip(" *") for cell in line.split("|")[1:-1]] for line in README.splitlines() if "| **" in line]
    rows = [[cell.replace("**", "").replace("`", "") for cell in row] for row in rows]
    assert {row[0].split(",")[0] for row in rows} == {"stream-x2", "stream-x4", "stream"}
    for row in rows:
        name, _, scale = row[0].partition(", ")
        ending = {"": "", "1.5 in height, 3 in width": "-x1.5x3"}.get(scale, f"-{scale}")
        report = json.loads((zoo.versions(name)[-1].path / f"eval{ending}.json").read_text())
        found = report["sets"][row[1]]
        sides = ("psnr_y", "psnr_rgb", "lr_psnr_y", "lr_psnr_rgb", "lr_bits_per_hr_pixel")
        assert row[2:7] == [f"{found[side]:.2f}" for side in sides], row
