"""Packing and patches."""

import numpy as np
import pytest
import torch
from PIL import Image

from unshrink.data.pack import pack_folder
from unshrink.data.patches import PatchSettings, draw_batch, draw_scales
from unshrink.errors import UsageError
from unshrink.nn.resample import bicubic_down, resize


@pytest.fixture
def folder(tmp_path):
    rng = np.random.default_rng(0)
    for name in ("a_0", "a_1", "b_0", "c_0"):
        Image.fromarray(rng.integers(0, 255, (64, 80, 3), dtype=np.uint8)).save(tmp_path / f"{name}.png")
    return tmp_path


def test_a_pack_holds_the_pixels(folder, tmp_path):
    pack = pack_folder(folder, tmp_path / "cache")
    for index, name in enumerate(pack.names):
        assert np.array_equal(pack.picture(index), np.asarray(Image.open(folder / name)))


def test_a_pack_is_reused_until_a_file_changes(folder, tmp_path):
    first = pack_folder(folder, tmp_path / "cache")
    assert pack_folder(folder, tmp_path / "cache", progress=lambda *_: pytest.fail("packed again")).names == first.names
    Image.new("RGB", (64, 64)).save(folder / "c_0.png")
    assert pack_folder(folder, tmp_path / "cache").digest != first.digest


def test_tiles_of_one_picture_fall_on_one_side(folder, tmp_path):
    pack = pack_folder(folder, tmp_path / "cache")
    for holdout in range(1, 12):
        train, held = pack.split(holdout)
        assert sorted(train + held) == [0, 1, 2, 3]
        assert (0 in held) == (1 in held)
    assert pack.split(0) == ([0, 1, 2, 3], [])


def test_batches_follow_seed_and_step(folder, tmp_path):
    pack = pack_folder(folder, tmp_path / "cache")
    settings = PatchSettings(batch=2, patch=16, synthetic=0.5)
    places = ((0, 0), (0, 0), (1, 0), (0, 1))
    draws = [draw_batch(pack, [0, 1], settings, scale=2, seed=s, step=t)[0] for s, t in places]
    assert torch.equal(draws[0], draws[1])
    assert not torch.equal(draws[0], draws[2])
    assert not torch.equal(draws[0], draws[3])


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_the_guide_is_cut_from_the_whole_pictures_bicubic(scale, tmp_path):
    """Every patch, turned back, is found in the picture at a multiple of the scale, with its LR beside it."""
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 255, (96, 96, 3), dtype=np.uint8)
    (tmp_path / "in").mkdir()
    Image.fromarray(pixels).save(tmp_path / "in" / "a.png")
    pack = pack_folder(tmp_path / "in", tmp_path / "cache")
    whole = torch.from_numpy(pixels).permute(2, 0, 1)[None].float() / 255
    low = bicubic_down(whole, scale)
    side = 8 * scale
    hr, guide = draw_batch(pack, [0], PatchSettings(batch=12, patch=side), scale=scale, seed=0, step=0)
    found = sum(_is_a_cut(hr[i], guide[i], whole[0], low[0], scale) for i in range(12))
    assert found == 12


def _turns(x):
    for t in (x, x.transpose(1, 2)):
        yield from (t, t.flip(1), t.flip(2), t.flip(1, 2))


def _is_a_cut(hr, guide, whole, low, scale):
    side = hr.shape[-1]
    for patch, lr in zip(_turns(hr), _turns(guide), strict=True):
        for top in range(0, whole.shape[1] - side + 1, scale):
            for left in range(0, whole.shape[2] - side + 1, scale):
                if torch.equal(whole[:, top : top + side, left : left + side], patch):
                    y, x, n = top // scale, left // scale, side // scale
                    return bool((low[:, y : y + n, x : x + n] - lr).abs().max() < 1e-5)
    return False


def test_no_picture_large_enough_is_told(folder, tmp_path):
    pack = pack_folder(folder, tmp_path / "cache")
    with pytest.raises(UsageError, match="smaller patches"):
        draw_batch(pack, [0], PatchSettings(batch=1, patch=128), scale=2, seed=0, step=0)


@pytest.mark.parametrize(("power", "middle"), [(2, 3.2), (0, 2.55)])
def test_scales_are_drawn_all_alike_or_as_their_square(power, middle):
    rng = np.random.default_rng(0)
    drawn = [draw_scales(PatchSettings(scale_power=power), rng)[0] for _ in range(4000)]
    assert np.median(drawn) == pytest.approx(middle, abs=0.06)
    assert min(drawn) >= 1.1
    assert max(drawn) <= 4


def test_scales_are_drawn_as_their_square_and_some_apart():
    rng = np.random.default_rng(0)
    drawn = np.array([draw_scales(PatchSettings(asymmetric=0.25), rng) for _ in range(4000)])
    assert 1.1 <= drawn.min() < 1.3
    assert 3.98 < drawn.max() <= 4
    assert abs((drawn[:, 0] > 3).mean() - (4**3 - 3**3) / (4**3 - 1.1**3)) < 0.03
    assert abs((drawn[:, 0] != drawn[:, 1]).mean() - 0.25) < 0.03


def test_without_a_scale_each_step_draws_its_own(folder, tmp_path):
    pack = pack_folder(folder, tmp_path / "cache")
    settings = PatchSettings(batch=2, patch=48)
    batches = [draw_batch(pack, [0, 1], settings, scale=None, seed=0, step=step) for step in range(8)]
    assert len({guide.shape for _, guide in batches}) > 4
    for hr, guide in batches:
        assert hr.shape[-1] % 8 == 0
        assert torch.equal(guide, resize(hr, tuple(guide.shape[-2:])))
    again = draw_batch(pack, [0, 1], settings, scale=None, seed=0, step=3)
    assert all(torch.equal(a, b) for a, b in zip(again, batches[3], strict=True))


def test_of_several_places_the_one_with_the_most_detail_is_taken(tmp_path):
    """Half of the picture is flat: with one place in two flat, eight places hold hardly a flat one."""
    pixels = np.full((64, 128, 3), 128, dtype=np.uint8)
    pixels[:, 64:] = np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8)
    (tmp_path / "in").mkdir()
    Image.fromarray(pixels).save(tmp_path / "in" / "a.png")
    pack = pack_folder(tmp_path / "in", tmp_path / "cache")
    spread = [
        draw_batch(pack, [0], PatchSettings(batch=16, patch=16, candidates=k), scale=2, seed=0, step=0)[0].std().item()
        for k in (1, 8)
    ]
    assert spread[1] > spread[0]


def test_shrunk_pictures_have_more_detail_a_pixel(tmp_path):
    """A ramp of one level a pixel becomes steeper, by up to the factor; a picture that is too small is shrunk less."""
    (tmp_path / "in").mkdir()
    ramp = np.broadcast_to(np.arange(80, dtype=np.uint8)[:, None, None], (80, 80, 3))
    Image.fromarray(np.ascontiguousarray(ramp)).save(tmp_path / "in" / "a.png")
    pack = pack_folder(tmp_path / "in", tmp_path / "cache")

    def steepness(shrink: float, patch: int) -> float:
        settings = PatchSettings(batch=8, patch=patch, shrink=shrink)
        hr = draw_batch(pack, [0], settings, scale=2, seed=0, step=0)[0]
        return float(hr.diff(dim=2).abs().mean() + hr.diff(dim=3).abs().mean()) * 255

    assert steepness(1.0, 16) == pytest.approx(1, abs=0.01)
    assert 1.5 < steepness(3.0, 16) < 3
    assert steepness(3.0, 72) == pytest.approx(1, abs=0.1)
