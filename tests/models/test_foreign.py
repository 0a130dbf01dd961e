"""Weights from elsewhere: whatever is wrong with them ends at once in a WeightsError that names the file."""

from __future__ import annotations

import contextlib
import io
import json
import pickle
import random
import struct
import zipfile

import pytest
import torch

from unshrink.errors import WeightsError
from unshrink.models import foreign, registry, weights
from unshrink.models.authors import read_authors_checkpoint
from unshrink.models.irn import IRN, IRNSettings, LevelSettings

TINY = IRNSettings((LevelSettings(blocks=1, width=4, depth=1, subnet="residual"),))
PAPER = IRNSettings((LevelSettings(blocks=2, width=4, depth=2),))


@pytest.fixture
def folder(tmp_path):
    weights.write_weights(IRN(TINY), "lite-x2", tmp_path)
    return tmp_path


def change(folder, **values) -> None:
    path = folder / "config.json"
    config = json.loads(path.read_text())
    config["settings"]["levels"][0].update(values)
    path.write_text(json.dumps(config))


@pytest.fixture
def _nothing_made(monkeypatch):
    """Only shapes are made of what the settings ask for, no numbers."""
    build = foreign.build

    def on_meta_only(*given, **settings):
        assert torch.get_default_device().type == "meta", "numbers were made before they were checked"
        return build(*given, **settings)

    monkeypatch.setattr(foreign, "build", on_meta_only)


@pytest.mark.usefixtures("_nothing_made")
@pytest.mark.parametrize(
    "values",
    [{"factor": 0}, {"factor": -1}, {"factor": 10**9}, {"width": 0}, {"width": 10**12}, {"blocks": 10**9},
     {"depth": 10**9}, {"blocks": -5}, {"depth": -1}, {"coupling": "x"}, {"subnet": "x"}, {"augment": 10**9},
     {"width": 4000}, {"blocks": 3}, {"blocks": 2**70}, {"factor": 3}, {"augment": -7}],
    ids=str,
)  # fmt: skip
def test_settings_that_make_no_network_or_a_giant(folder, values):
    change(folder, **values)
    with pytest.raises(WeightsError, match=r"config\.json|weights in"):
        weights.load("lite-x2", path=folder)


@pytest.mark.parametrize("text", ["[" * 100_000, '{"a":' * 50_000, "{", "[]", '"x"', "", "\0", "NaN",
                                  '{"model": "lite-x2"}',
                                  '{"model": "lite-x2", "settings": {"levels": []}}',
                                  '{"model": "lite-x2", "settings": [1]}',
                                  '{"model": "lite-x2", "settings": {"levels": 1e999}}'])  # fmt: skip
def test_configs_that_are_none(folder, text):
    (folder / "config.json").write_text(text)
    with pytest.raises(WeightsError, match=r"config\.json"):
        weights.load("lite-x2", path=folder)


def test_a_config_of_a_megabyte_is_not_read(folder):
    (folder / "config.json").write_text(" " * (1 << 20) + "{}")
    with pytest.raises(WeightsError, match="more than"):
        weights.load("lite-x2", path=folder)


def safetensors_of(dtype: str, number: int, held: int) -> bytes:
    head = json.dumps({"a": {"dtype": dtype, "shape": [number], "data_offsets": [0, held]}}).encode()
    return struct.pack("<Q", len(head)) + head + bytes(held)


@pytest.mark.parametrize(
    "data",
    [safetensors_of("F8_E8M0", 8, 8), safetensors_of("F4", 16, 8), safetensors_of("X", 8, 8),
     safetensors_of("F32", 10**12, 8), b"", b"\xff" * 40, struct.pack("<Q", 2**60) + bytes(50)],
)  # fmt: skip
def test_safetensors_of_kinds_that_torch_lacks(folder, data):
    (folder / "model.safetensors").write_bytes(data)
    with pytest.raises(WeightsError, match=r"model\.safetensors|weights"):
        weights.load("lite-x2", path=folder)


# --- checkpoints ----------------------------------------------------------------------------------------------------


def checkpoint(values: object, **options: object) -> bytes:
    stream = io.BytesIO()
    torch.save(values, stream, **options)
    return stream.getvalue()


SOUND = {f"operations.1.F.conv{n}.weight": torch.randn(3, 3) for n in range(1, 6)}


def read(tmp_path, data: bytes):
    path = tmp_path / "theirs.pth"
    path.write_bytes(data)
    return read_authors_checkpoint(path)


@pytest.mark.parametrize("zipped", [True, False])
def test_a_sound_checkpoint_of_either_kind_is_read(tmp_path, zipped):
    found = read(tmp_path, checkpoint(SOUND, _use_new_zipfile_serialization=zipped))
    assert len(found) == 5


class Evil:
    def __reduce__(self):
        return (print, ("code of theirs ran",))


@pytest.mark.parametrize(
    "data",
    [b"hello, I am a text file", b"", pickle.dumps({"a": 1}), pickle.dumps(Evil()), checkpoint({"a": 1}),
     checkpoint({"operations.1.F.conv1.weight": [1, 2]}), checkpoint([torch.zeros(2)]), checkpoint({"a": {"b": 1}}),
     checkpoint({1: torch.zeros(1)})],
)  # fmt: skip
def test_checkpoints_that_are_none(tmp_path, data, capsys):
    with pytest.raises(WeightsError, match=r"theirs\.pth|tensor"):
        read(tmp_path, data)
    assert "ran" not in capsys.readouterr().out


def test_a_packed_archive_is_refused_unopened(tmp_path):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", bytes(50_000_000))
    with pytest.raises(WeightsError, match="packed archive"):
        read(tmp_path, stream.getvalue())


@pytest.mark.parametrize("zipped", [True, False])
def test_a_few_changed_bytes_never_end_otherwise(tmp_path, zipped):
    sound = checkpoint(SOUND, _use_new_zipfile_serialization=zipped)
    rng = random.Random(5)
    for _ in range(150):
        data = bytearray(sound)
        for _ in range(rng.randint(1, 5)):
            data[rng.randrange(len(data))] = rng.randrange(256)
        with contextlib.suppress(WeightsError):
            found = read(tmp_path, bytes(data))
            assert all(isinstance(tensor, torch.Tensor) for tensor in found.values())


@pytest.mark.parametrize("name", ["irn-q-x2", "irn-m-x4", "dlv-a-x2", "iarn-q", "irrm-s-x4", "irn-x2"])
def test_networks_of_the_registry_are_within_the_bounds(name, tmp_path):
    spec = registry.get(name)
    with torch.device("meta"):
        tensors = registry.build(spec).state_dict()
    foreign._require_bounded(spec.settings, len(tensors), tmp_path)
