"""Scales and sizes on the command line."""

from pathlib import Path

import pytest
import torch
import typer
from PIL import Image

from unshrink.cli.quantities import read_scale, read_size
from unshrink.cli.tasks import restored_name
from unshrink.models.iarn import IARN
from unshrink.models.iarn_settings import IARNSettings, StageSettings
from unshrink.models.weights import write_weights


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("weights")
    torch.manual_seed(0)
    write_weights(IARN(IARNSettings(StageSettings(1, 4), (StageSettings(1, 4), StageSettings(1, 4)))), "iarn", path)
    return str(path)


@pytest.mark.parametrize(
    ("option", "name", "size"),
    [
        (("-s", "2.5"), "photo.x2.5.png", (15, 10)),
        (("-s", "3.2x1.5"), "photo.x3.2x1.5.png", (12, 17)),
        (("--size", "20x11"), "photo.20x11.png", (20, 11)),
        (("--max-side", "19"), "photo.max19.png", (19, 13)),
    ],
)
def test_there_and_back(call, draw, folder, option, name, size):
    draw("photo.png")
    assert call("down", "photo.png", *option, "--weights", folder).code == 0
    with Image.open(name) as small:
        assert small.size == size
    assert call("up", name, "--weights", folder).code == 0
    with Image.open("photo.restored.png") as restored:
        assert restored.size == (38, 25)


def test_roundtrip_tells_the_scale(call, draw, folder):
    draw("photo.png")
    document = call("roundtrip", "photo.png", "-s", "1.5x3", "--json", "--weights", folder)
    assert document.code == 0
    assert b'"lr_psnr_y"' in document.out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("-s", "4.5"), "no model for scale 4.5"),
        (("-s", "1.5,3"), "'--scale'"),
        (("-s", "0.5"), "less than 1"),
        (("--size", "800"), "WIDTHxHEIGHT"),
        (("--size", "0x5"), "WIDTHxHEIGHT"),
        (("-s", "2", "--max-side", "9"), "give one"),
    ],
)
def test_mistakes_are_told(call, draw, arguments, message):
    draw("photo.png")
    result = call("down", "photo.png", *arguments)
    assert result.code == 2
    assert message in result.err


def test_scales_and_sizes_are_read():
    assert read_scale("2.5") == 2.5
    assert read_scale("3.2x1.5") == (1.5, 3.2)
    assert read_scale("2X2") == 2.0
    assert read_size("800x600") == (600, 800)
    with pytest.raises(typer.BadParameter):
        read_scale("x2")


def test_marks_are_taken_off_again():
    for mark in ("x4", "x2.5", "x1.5x3.2", "800x600", "max1024"):
        assert restored_name(Path(f"a.b.{mark}.png"), ".png") == "a.b.restored.png"
