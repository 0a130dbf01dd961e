"""What `unshrink doctor` finds out, sound and broken."""

from __future__ import annotations

import json
import tomllib
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pytest
import torch
from PIL import features

from lab.index import write_index
from unshrink import checkup
from unshrink.models import registry
from unshrink.models import zoo as installed
from unshrink.models.weights import write_weights
from unshrink.nn.precision import fast_dtype

PROJECT = Path(__file__).parent.parent / "pyproject.toml"


@pytest.fixture(scope="module")
def findings():
    return {finding.name: finding for finding in checkup.examine(thorough=True)}


@pytest.fixture
def zoo(tmp_path, monkeypatch):
    """A folder of weights with an untrained irn-q-x4 in place of those that are shipped."""
    folder = tmp_path / "irn-q-x4" / "v1"
    write_weights(registry.build(registry.get("irn-q-x4")), "irn-q-x4", folder)
    write_index(tmp_path)
    monkeypatch.setattr(installed, "folders", lambda: (tmp_path,))
    return folder


def test_this_installation_is_sound(findings):
    assert checkup.is_sound(list(findings.values()))
    assert [name for name in findings if not name.startswith("extra ")] == [
        *("python", "numpy", "pillow", "torch", "processor", "gpu", "memory", "formats", "models", "self-test")
    ]


def test_the_quick_look_finds_the_same_without_what_takes_long(findings):
    quick = {finding.name: finding for finding in checkup.examine()}
    assert list(quick) == [name for name in findings if name not in ("gpu", "self-test")]
    assert quick["torch"].facts == findings["torch"].facts
    assert quick["models"].facts == findings["models"].facts


def test_torch_that_is_not_there_is_told_with_the_command(monkeypatch):
    monkeypatch.setattr(checkup, "find_spec", lambda name: None)
    finding = checkup._torch()
    assert (finding.ok, finding.required) == (False, True)
    assert "pip install torch" in finding.advice


def test_weights_that_are_gone_are_told(zoo):
    (zoo / installed.TENSORS).unlink()
    for thorough in (False, True):
        assert checkup._models(thorough=thorough).facts["damaged"] == ["irn-q-x4 v1"]


def test_facts_are_measured(findings):
    assert findings["torch"].facts == {"version": torch.__version__}
    assert findings["processor"].facts["cores"] >= findings["processor"].facts["idle"] >= 1
    assert findings["processor"].facts["bfloat16"] == (fast_dtype(torch.device("cpu")) == torch.bfloat16)
    assert findings["memory"].facts["available_bytes"] > 0
    assert {"png", "tiff"} <= set(findings["formats"].facts["written"])
    assert findings["models"].facts["defaults"] == ["stream-x2", "stream-x4", "stream"]
    assert findings["self-test"].facts["psnr_rgb"] >= checkup.SELF_TEST_PSNR


def test_all_extras_for_users_are_known():
    extras = tomllib.loads(PROJECT.read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    known = {name: [*packages] for name, (packages, _) in checkup.EXTRAS.items()}
    assert known == {name: [part.split(">")[0] for part in parts] for name, parts in extras.items() if name != "dev"}


def test_a_missing_extra_is_no_fault_but_says_what_to_install(monkeypatch):
    def absent(package: str) -> str:
        raise PackageNotFoundError(package)

    monkeypatch.setattr(checkup, "version", absent)
    finding = checkup._extra("plots")
    assert (finding.ok, finding.required) == (False, False)
    assert finding.advice == "pip install 'unshrink[plots]'"
    assert finding.facts == {"matplotlib": None}


def test_a_library_that_cannot_be_imported_is_told(monkeypatch):
    def check() -> checkup.Finding:
        return checkup._library("torch", "unshrink.no_such_module")

    finding = checkup._checked("torch", True, check)
    assert (finding.ok, finding.required) == (False, True)
    assert "no_such_module" in finding.text
    assert not checkup.is_sound([finding])


def test_formats_that_pillow_was_built_without_are_left_out(monkeypatch):
    monkeypatch.setattr(features, "check", lambda name: name not in ("avif", "webp"))
    finding = checkup._formats()
    assert finding.ok
    assert not {"avif", "webp"} & {*finding.facts["read"], *finding.facts["written"]}
    assert finding.text.endswith("without webp, avif")


def test_defaults_without_weights_are_told(zoo):
    finding = checkup._models()
    assert not finding.ok
    assert finding.facts["absent"] == ["stream-x2", "stream-x4", "stream"]
    assert finding.facts["with_weights"] == 1


def test_weights_that_changed_since_they_were_measured_are_told(zoo):
    (found,) = installed.versions("irn-q-x4")
    (zoo / "eval.json").write_text(json.dumps({"weights": found.digest}))
    assert checkup._models(thorough=True).facts["damaged"] == []
    (zoo / "eval.json").write_text(json.dumps({"weights": "0" * 64}))
    assert checkup._models(thorough=True).facts["damaged"] == ["irn-q-x4 v1"]


def test_weights_that_are_not_those_of_the_index_are_told(zoo):
    (zoo / installed.TENSORS).write_bytes(b"other")
    assert checkup._models(thorough=True).facts["damaged"] == ["irn-q-x4 v1"]


def test_a_network_that_restores_badly_is_told(monkeypatch):
    monkeypatch.setattr(checkup, "SELF_TEST_PSNR", 90.0)
    finding = checkup._self_test()
    assert not finding.ok
    assert finding.advice.startswith("At least 90 dB")
