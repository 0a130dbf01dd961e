"""Many pictures at once give what one by one do."""

import io
import pickle
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from unshrink import Picture
from unshrink.errors import UnknownNameError, UnreadableInputError, UsageError
from unshrink.files.lrfile import is_lrfile
from unshrink.models import registry
from unshrink.models.weights import write_weights
from unshrink.rescale import Engine


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    folder = tmp_path_factory.mktemp("weights")
    write_weights(registry.build(registry.get("irn-q-x2")), "irn-q-x2", folder)
    return Engine(weights=folder, precision="float32")


def drawn(height, width):
    y, x = np.mgrid[:height, :width]
    return np.stack([128 + 100 * np.sin(x / 5 + c) * np.cos(y / 4) for c in range(3)], axis=-1).astype(np.uint8)


def test_results_are_those_of_one_by_one(engine):
    pictures = [drawn(8, 12), drawn(9, 7), drawn(8, 12)[::-1].copy()]
    smalls = list(engine.down_many(pictures, 2, exact_blocks=False))
    assert [small.encode() for small in smalls] == [engine.down(p, 2, exact_blocks=False).encode() for p in pictures]
    restored = [picture.rgb for picture in engine.up_many(small.encode() for small in smalls)]
    for picture, small in zip(restored, smalls, strict=True):
        assert np.array_equal(picture, engine.up(small).rgb)


def test_no_picture_is_read_before_its_turn(engine):
    def pictures():
        yield drawn(4, 4)
        raise RuntimeError("read too early")

    assert next(engine.down_many(pictures(), 2)).size == (2, 2)


def test_errors_name_the_picture(engine, tmp_path):
    results = engine.down_many([drawn(4, 4), tmp_path / "none.png"], 2)
    next(results)
    with pytest.raises(UnreadableInputError, match=r"^Picture 2 \(.*none\.png\): "):
        next(results)
    with pytest.raises(UsageError, match=r"^Picture 1: .*not int"):
        next(engine.up_many([5]))
    with pytest.raises(UnknownNameError, match=r"^Picture 1: There is no model"):
        next(engine.down_many([drawn(4, 4)], model="irn-4x"))


def test_errors_may_stand_in_the_place_of_results(engine, tmp_path):
    sources = [drawn(4, 4), tmp_path / "none.png", drawn(6, 4)]
    first, missing, last = engine.down_many(sources, 2, errors="return")
    assert (first.size, last.size) == ((2, 2), (3, 2))
    assert isinstance(missing, UnreadableInputError)
    assert str(missing).startswith("Picture 2 (")
    assert [type(result) for result in engine.up_many([5, first], errors="return")] == [UsageError, Picture]
    with pytest.raises(UsageError, match="'raise' or 'return'"):
        engine.down_many(sources, 2, errors="ignore")


def test_results_are_pictures_to_numpy_pillow_and_notebooks(engine):
    small = engine.down(drawn(8, 12), 2)
    assert np.array_equal(np.asarray(small), np.asarray(small.to_pil()))
    assert np.asarray(small).shape == (4, 6, 3)
    picture = engine.up(small)
    assert np.array_equal(np.asarray(picture, dtype=float), picture.rgb)
    assert np.asarray(engine.up(engine.down(drawn(8, 12)[..., 0], 2))).shape == (8, 12)
    for shown in (small, picture):
        with Image.open(io.BytesIO(shown._repr_png_())) as image:
            assert np.array_equal(np.asarray(image), np.asarray(shown))
    assert not is_lrfile(small._repr_png_())


def test_results_and_engines_go_to_other_processes(engine):
    small = pickle.loads(pickle.dumps(engine.down(drawn(8, 12), 2)))
    other = pickle.loads(pickle.dumps(engine))
    assert len(pickle.dumps(engine)) < 2000
    assert small.encode() == other.down(drawn(8, 12), 2).encode()
    picture = pickle.loads(pickle.dumps(other.up(small)))
    assert np.array_equal(picture.rgb, engine.up(small).rgb)


def test_tensors_go_through_a_network_in_batches():
    model = registry.build(registry.get("irn-q-x2")).eval()
    hr = torch.rand(3, 3, 8, 12, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        lr, _ = model.downscale(hr)
        one_by_one = torch.cat([model.downscale(picture[None])[0] for picture in hr])
    assert torch.allclose(lr, one_by_one, atol=1e-6)


def test_the_examples_of_the_page_work(tmp_path, monkeypatch, capsys):
    page = (Path(__file__).parents[1] / "docs" / "library.md").read_text(encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    for name in ("a.jpg", "b.jpg", "pictures/c.jpg", "pictures/d.jpg"):
        Path(name).parent.mkdir(exist_ok=True)
        Image.fromarray(drawn(12, 20) if "/" not in name else drawn(130, 140)).save(name)
    blocks = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    assert len(blocks) == 5
    desk: dict[str, object] = {}
    for block in blocks:
        exec(compile(block, "docs/library.md", "exec"), desk)
    assert capsys.readouterr().out.startswith("(12, 20)\n(12, 20)\n")
