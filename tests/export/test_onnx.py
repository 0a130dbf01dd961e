"""Exported networks do what torch does, at any size and batch, and say what they are."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from samples import disturb
from unshrink.cli import main
from unshrink.errors import OutputExistsError, UnshrinkError, UsageError
from unshrink.models import registry
from unshrink.models.irn import IRNSettings, LevelSettings
from unshrink.models.irn_a import IRNASettings
from unshrink.models.irn_m import IRNMSettings
from unshrink.models.irn_q import IRNQSettings
from unshrink.models.irrm import IRRMSettings, ModuleSettings
from unshrink.models.weights import Loaded, write_weights
from unshrink.models.zoo import Weights
from unshrink.rescale import Engine

pytest.importorskip("onnx", reason="the extra `export` is not installed")
runtime = pytest.importorskip("onnxruntime", reason="the extra `export` is not installed")

from unshrink.export import check, export_network, onnx_file  # noqa: E402

PAGE = Path(__file__).parents[2] / "docs" / "export.md"
DENSE = LevelSettings(blocks=1, width=4, depth=2)
TWIN = LevelSettings(blocks=2, width=6, depth=1, subnet="residual", coupling="twin")
AUGMENTED = LevelSettings(blocks=2, width=6, depth=1, subnet="residual", coupling="twin", augment=2)
SMALL = {
    "dense": ("irn-x4", IRNSettings((DENSE, DENSE))),
    "mixing": ("irn-x3", IRNSettings((LevelSettings(factor=3, blocks=1, width=4, depth=2),))),
    "augmented": ("dlv-x2", IRNSettings((AUGMENTED,))),
    "dial": ("irn-sigma-x4", IRNSettings((TWIN, AUGMENTED), latent_unit=0.01)),
    "irrm": ("irrm-s-x2", IRRMSettings((ModuleSettings(1, 4, 4),))),
    "plane": ("irn-a-x2", IRNASettings((TWIN,), start="mean", gain=8.0)),
    "symbols": ("irn-q-x2", IRNQSettings((TWIN,), planes=(8, 3), steps=(4, 2, 4))),
    "symbols and plane": ("irn-qa-x4", IRNQSettings((TWIN, TWIN), payload=True)),
    "latent": ("irn-m-x2", IRNMSettings(irn=IRNSettings((TWIN,)), width=6)),
    "paper's autoencoder": ("irn-m-x2", IRNMSettings(irn=IRNSettings((TWIN,)), width=6, design="paper")),
}


def small(kind: str) -> Loaded:
    name, settings = SMALL[kind]
    model = disturb(registry.build(registry.get(name), settings=settings).eval().requires_grad_(False), 0.03)
    return Loaded(model, registry.get(name), Weights(name, "v1", Path(), "0123" * 16))


def session(path: Path):
    return runtime.InferenceSession(path.read_bytes(), providers=["CPUExecutionProvider"])


@pytest.mark.parametrize("kind", SMALL)
def test_both_directions_are_torchs(kind, tmp_path):
    loaded = small(kind)
    down, up = export_network(loaded, tmp_path / "new")
    assert max(down.difference.value, up.difference.value) <= check.TOLERANCE
    model, scale = loaded.model, loaded.model.scale
    hr = torch.rand(3, 3, 7 * scale, 11 * scale, generator=torch.Generator().manual_seed(3))
    with torch.no_grad():
        lr, payload = model.downscale(hr)
        stored = None if payload is None else model.payload.rounded(payload)
    found = session(down.path).run(None, {"hr": hr.numpy()})
    assert len(found) == (1 if payload is None else 2)
    off = np.abs(found[0] * 255 - lr.clamp(0, 1).numpy() * 255) > 0.51
    assert not off.any() or (model.at(hr.shape[-2:], lr.shape[-2:]).symbols is not None and off.mean() < 0.002)
    assert np.allclose(found[0] * 255, np.rint(found[0] * 255), atol=1e-4)
    given = {"lr": found[0]}
    if stored is not None:
        assert found[1].shape == tuple(stored.shape)
        given["payload"] = found[1]
    with torch.no_grad():
        wanted = model.upscale(*(torch.from_numpy(array) for array in given.values())).clamp(0, 1)
    assert np.abs(session(up.path).run(None, given)[0] - wanted.numpy()).max() <= check.TOLERANCE


@pytest.mark.parametrize("kind", ["plane", "latent"])
def test_a_payload_is_what_a_file_gives_back(kind, tmp_path):
    loaded = small(kind)
    write_weights(loaded.model, loaded.spec.name, tmp_path / "weights")
    engine = Engine(weights=tmp_path / "weights", precision="float32")
    files = export_network(engine.load(loaded.spec.name), tmp_path)
    pixels = (255 * check._picture(1, 34, 46)[0].permute(1, 2, 0)).round().byte().numpy()
    hr = pixels.astype(np.float32).transpose(2, 0, 1)[None] / 255
    lr, payload = session(files[0].path).run(None, {"hr": hr})
    made = engine.down(pixels, model=loaded.spec.name, exact_blocks=False)
    assert np.array_equal(np.rint(255 * lr[0]).transpose(1, 2, 0), made.lrfile.picture.rgb)
    (restored,) = session(files[1].path).run(None, {"lr": lr, "payload": payload})
    expected = engine.up(made.encode()).rgb.astype(float)
    assert np.abs(np.rint(255 * restored[0]).transpose(1, 2, 0) - expected).max() <= 1


def test_the_file_says_what_it_is(tmp_path):
    loaded = small("plane")
    for file in export_network(loaded, tmp_path):
        stated = session(file.path).get_modelmeta().custom_metadata_map
        assert stated["model"] == "irn-a-x2"
        assert stated["direction"] == file.direction
        assert stated["weights"] == loaded.weights.digest
        assert stated["scale"] == "2"
        assert stated["size_multiple"] == {"down": "2", "up": "1"}[file.direction]
        assert stated["payload"] == "alpha"
        assert set(stated) == set(re.findall(r"^\| `(\w+)` \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE))
        assert file.bytes == file.path.stat().st_size


def test_what_differs_from_torch_is_not_written(tmp_path, monkeypatch):
    run = onnx_file.run
    monkeypatch.setattr(onnx_file, "run", lambda *given: [array + np.float32(2e-4) for array in run(*given)])
    with pytest.raises(UnshrinkError, match="not what torch computes"):
        export_network(small("dense"), tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_differences_are_counted():
    raw = torch.tensor([0.5, 100.5, 7.0, 255.0]) / 255
    wanted = torch.tensor([0.0, 100.0, 7.0, 255.0]) / 255
    found = np.array([0.0, 101.0, 7.0, 255.0], dtype=np.float32) / 255
    difference = check.compare_rounded((found, wanted), (raw.numpy() + np.float32(1e-5), raw), 1 / 255)
    assert difference.value == pytest.approx(1e-5, rel=0.01)
    assert (difference.levels, difference.share) == (1, 0.25)
    assert "at 25.0000 %" in str(difference)
    check.require_close(difference, "x.onnx")
    for bad in (check.Difference(2e-4), check.Difference(0.0, 2), check.Difference(float("nan"))):
        with pytest.raises(UnshrinkError, match=r"x\.onnx"):
            check.require_close(bad, "x.onnx")


def test_what_cannot_be_exported(tmp_path):
    spec = registry.get("iarn")
    loaded = Loaded(registry.build(spec), spec, Weights("iarn", "v1", Path(), "0" * 64))
    with pytest.raises(UsageError, match="iarn cannot be exported"):
        export_network(loaded, tmp_path)
    with pytest.raises(UsageError, match="not 'coreml'"):
        export_network(small("dense"), tmp_path, format="coreml")


def test_every_model_that_cannot_be_is_in_the_docs():
    page = PAGE.read_text(encoding="utf-8")
    assert all(f"`{name}` cannot" in page for name in registry.names() if registry.get(name).scale is None)


@pytest.mark.parametrize("missing", ["onnx", "onnxruntime"])
def test_a_missing_extra_says_how_to_install_it(missing, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(UsageError, match=r"needs " + missing + r", .*pip install 'unshrink\[export\]'"):
        export_network(small("irrm"), tmp_path)


def test_the_command(tmp_path, capsys):
    loaded = small("irrm")
    write_weights(loaded.model, loaded.spec.name, tmp_path / "weights")
    call = ["export", "irrm-s-x2", "--weights", str(tmp_path / "weights"), "-o", str(tmp_path / "out")]
    assert main(call) == 0
    out = capsys.readouterr().out
    assert re.search(r"irrm-s-x2\.down\.onnx [\d,]+ bytes, largest difference from torch \d", out)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["irrm-s-x2.down.onnx", "irrm-s-x2.up.onnx"]
    assert main(call) == OutputExistsError.exit_code
    assert main([*call, "--overwrite", "--json"]) == 0
    assert '"direction": "up"' in capsys.readouterr().out


def test_the_example_of_the_page_works(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    y, x = np.mgrid[:50, :67]
    waves = [128 + 100 * np.sin(x / 9 + phase) * np.cos(y / 7) for phase in range(3)]
    Image.fromarray(np.stack(waves, axis=-1).astype(np.uint8)).save("photo.png")
    page = PAGE.read_text(encoding="utf-8")
    assert "\n    unshrink export irn-q-x4\n" in page
    assert main(["export", "irn-q-x4"]) == 0
    (block,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    exec(compile(block, "docs/export.md", "exec"), {})
    engine = Engine(precision="float32")
    expected = engine.down("photo.png", 4, model="irn-q-x4", exact_blocks=False)
    for name, picture in (("small.png", expected.lrfile.picture), ("restored.png", engine.up(expected))):
        with Image.open(name) as image:
            off = np.asarray(image).astype(int) - picture.rgb
        assert (np.abs(off) > 1).mean() < 0.002, name  # a symbol that the last bits decide
