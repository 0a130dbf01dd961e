"""Installed weights: found by an index beside them, which is true; what is missing is told with where to get it."""

import json
from pathlib import Path

import pytest

from lab.index import EXTRA_FOLDER, make_index, write_index
from samples import disturb
from unshrink.cli import main
from unshrink.errors import MissingWeightsError, WeightsError
from unshrink.models import registry, weights, zoo

ROOT = Path(__file__).parents[2]
WHEEL = 15_000_000
"""Bytes that the wheel of unshrink may have; weights hardly compress."""


@pytest.fixture
def own_only(monkeypatch):
    """An installation of unshrink without unshrink-zoo."""
    monkeypatch.setattr(zoo, "folders", lambda: (zoo.OWN,))


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Two versions of lite-x2, the only weights that are installed."""
    for version in (2, 10):
        model = disturb(registry.build(registry.get("lite-x2")), seed=version)
        weights.write_weights(model, "lite-x2", tmp_path / "lite-x2" / f"v{version}")
    write_index(tmp_path)
    monkeypatch.setattr(zoo, "folders", lambda: (tmp_path,))
    return tmp_path


@pytest.mark.parametrize("place", [zoo.OWN, EXTRA_FOLDER], ids=["unshrink", "unshrink-zoo"])
def test_the_index_is_true(place):
    assert json.loads((place / zoo.INDEX).read_text()) == make_index(place), "run python -m lab.index"


def test_the_defaults_come_with_unshrink(own_only):
    defaults = [name for name in registry.names() if registry.get(name).default]
    assert defaults
    assert all(zoo.versions(name) for name in defaults)


def test_the_wheel_stays_small():
    shipped = sum(path.stat().st_size for path in (ROOT / "src").rglob("*") if "__pycache__" not in path.parts)
    assert 1_000_000 < shipped < WHEEL


def test_every_version_is_found_by_its_digest():
    found = [version for name in registry.names() for version in zoo.versions(name)]
    assert len(found) > 20
    assert all(zoo.find(version.name, digest=version.digest) == version for version in found)
    assert all((version.path / zoo.TENSORS).is_file() for version in found)


def test_the_newest_version_is_the_one_of_the_highest_number(folder):
    assert [version.version for version in zoo.versions("lite-x2")] == ["v2", "v10"]
    assert zoo.find("lite-x2").path == folder / "lite-x2" / "v10"
    assert weights.load("lite-x2").weights == zoo.find("lite-x2")


def test_a_version_that_two_folders_hold_counts_once(folder, monkeypatch):
    monkeypatch.setattr(zoo, "folders", lambda: (folder, folder))
    assert len(zoo.versions("lite-x2")) == 2


def test_models_of_the_zoo_say_how_to_get_them(own_only):
    with pytest.raises(WeightsError, match=r"of dlv-x2 are installed.*pip install 'unshrink\[zoo\]'"):
        weights.load("dlv-x2")
    with pytest.raises(MissingWeightsError, match=r"0000 of dlv-x2.*pip install 'unshrink\[zoo\]'"):
        weights.load("dlv-x2", digest="0" * 64)


def test_models_lists_where_weights_come_from(own_only, capsys):
    assert main(["models"]) == 0
    last = {line.split()[0]: line.split()[-1] for line in capsys.readouterr().out.splitlines()}
    assert (last["dlv-x2"], last["irn-x8"]) == ("unshrink-zoo", "none")
    assert last["stream-x4"] == "default"


def test_models_that_nobody_ships_say_so():
    with pytest.raises(WeightsError, match="none are shipped: train it"):
        weights.load("irn-x8")
    with pytest.raises(MissingWeightsError, match="none are shipped for it, or name the folder"):
        weights.load("irn-x8", digest="0" * 64)


def test_another_version_of_what_is_installed_is_told():
    with pytest.raises(MissingWeightsError, match="newest unshrink"):
        weights.load("irn-q-x4", digest="0" * 64)


def test_listing_opens_no_weights(folder):
    for path in folder.rglob(zoo.TENSORS):
        path.unlink()
    assert len(zoo.versions("lite-x2")) == 2


@pytest.mark.parametrize("spoil", [Path.unlink, lambda path: path.write_bytes(path.read_bytes()[:-1] + b"x")])
def test_weights_that_are_not_what_the_index_says_are_refused(folder, spoil):
    spoil(folder / "lite-x2" / "v10" / zoo.TENSORS)
    with pytest.raises(WeightsError, match="damaged"):
        weights.load("lite-x2")


def test_a_damaged_index_is_told(folder):
    zoo._index.cache_clear()
    (folder / zoo.INDEX).write_text("{")
    with pytest.raises(WeightsError, match=r"index\.json"):
        zoo.versions("lite-x2")
