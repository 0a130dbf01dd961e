"""A picture in tiles gives what the whole gives, and no tile takes more memory than there is."""

import math
import weakref

import numpy as np
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from unshrink.errors import LimitError
from unshrink.models.iarn import IARN
from unshrink.models.iarn_settings import IARNSettings, Layout, StageSettings
from unshrink.models.irn import IRN, IRNSettings, LevelSettings
from unshrink.models.irn_a import IRNA, IRNASettings
from unshrink.models.irn_m import IRNM, IRNMSettings
from unshrink.models.irrm import IRRM, IRRMSettings, ModuleSettings
from unshrink.nn import tiling
from unshrink.nn.parts import Part, reader
from unshrink.nn.quantise import to_levels
from unshrink.rescale import memory as memories
from unshrink.rescale import tiled
from unshrink.rescale.device import feature_bytes
from unshrink.rescale.memory import Memory, memory
from unshrink.rescale.pixels import read_part, to_rgb
from unshrink.rescale.sizes import lr_size
from unshrink.rescale.tiles import MOST_EXTRA, computed, cut

LEVEL = LevelSettings(blocks=1, width=6, depth=1, subnet="residual", coupling="twin")
STAGE = StageSettings(blocks=1, width=6, depth=1)
SYMBOLS = {
    "near_symbols": (Layout(1, (8,), (2, 2, 2)), Layout(2.5, (64,), (4, 4, 4))),
    "far_symbols": (Layout(1, (8, 8), (4, 4, 4)),),
}
SIZE = (135, 90)
MODELS = {
    "irn": lambda: IRN(IRNSettings((LEVEL, LEVEL))),
    "irn-dense-x3": lambda: IRN(IRNSettings((LevelSettings(factor=3, blocks=1, width=4, depth=2),))),
    "dlv": lambda: IRN(IRNSettings((LevelSettings(blocks=1, width=6, depth=1, subnet="residual", augment=3),))),
    "irn-a": lambda: IRNA(IRNASettings((LEVEL,))),
    "irn-m": lambda: IRNM(IRNMSettings(irn=IRNSettings((LEVEL,)), width=8)),
    "irrm": lambda: IRRM(IRRMSettings((ModuleSettings(1, 6, 4),), bypass=True)),
    "iarn": lambda: IARN(IARNSettings(STAGE, (STAGE, STAGE), presplit=False)),
    "iarn-q": lambda: IARN(IARNSettings(STAGE, (STAGE, STAGE), position=False, presplit=False, **SYMBOLS)),
    "iarn-presplit": lambda: IARN(IARNSettings(STAGE, (STAGE, STAGE))),
}


def build(name):
    torch.manual_seed(0)
    model = MODELS[name]().eval().requires_grad_(False)
    for parameter in model.parameters():
        parameter.add_(0.05 * torch.randn_like(parameter))
    return model


def lr_sizes(model):
    return [(67, 60), (135, 54)] if model.scale is None else [lr_size(SIZE, model.scale)]


class InTiles(Memory):
    """Room for tiles of about a third of the picture, at any price."""

    def tiles(self, size, *, unit, floats, reserve, halo):
        del floats, reserve, halo
        return cut(size, halo=unit, unit=unit, most=max((3 * unit) ** 2, size[0] * size[1] / 3))


@pytest.mark.parametrize("name", MODELS)
def test_tiles_give_what_the_whole_gives(name):
    model = build(name)
    pixels = np.random.default_rng(0).integers(0, 256, (*SIZE, 3), dtype=np.uint8)
    for small in lr_sizes(model):
        whole, payload = tiled.downscale(pixels, model, small, memory(), exact=True)
        parts, pieces = tiled.downscale(pixels, model, small, InTiles(0), exact=True)
        assert (parts - whole).abs().max() < 1e-6 * max(1, whole.abs().max())
        if payload is not None:
            assert (pieces - payload).abs().max() < 1e-6 * max(1, payload.abs().max())
        with torch.inference_mode():
            assert torch.equal(tiled.downscale(pixels, model, small, InTiles(0))[0], to_levels(whole.clone()))
            lr = to_rgb(whole, small)
        ways = [tiled.upscale(lr, model, SIZE, room, payload=payload) for room in (memory(), InTiles(0))]
        at_once, put_together = (tiled.assemble(way, SIZE).astype(int) for way in ways)
        assert np.abs(at_once - put_together).max() <= 1
        assert (at_once != put_together).mean() < 1e-4


@pytest.mark.parametrize("name", ["irn", "iarn"])
def test_a_part_is_exact_before_rounding(name):
    model = build(name)
    small = lr_sizes(model)[0]
    lr = torch.rand(1, 3, *small)
    size = SIZE if model.scale is None else (small[0] * model.scale, small[1] * model.scale)
    part = Part(64, 128, 64, 88)
    with torch.no_grad():
        placed = model.at(size, small)
        whole = placed.upscale(lr)
        made = placed.upscale_part(reader(lr), part)
    assert (made - whole[..., *part.slices]).abs().max() < 2e-6 * whole.abs().max()


class Live(TorchDispatchMode):
    """Counts the bytes of tensors that are alive at once, at most."""

    def __init__(self):
        super().__init__()
        self.sizes, self.now, self.peak = {}, 0, 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        result = function(*args, **(kwargs or {}))
        for value in result if isinstance(result, list | tuple) else [result]:
            if isinstance(value, torch.Tensor):
                self._note(value.untyped_storage())
        return result

    def _note(self, storage):
        key = storage._cdata
        if key not in self.sizes:
            self.sizes[key] = storage.nbytes()
            self.now += storage.nbytes()
            self.peak = max(self.peak, self.now)
            weakref.finalize(storage, self._drop, key)

    def _drop(self, key):
        self.now -= self.sizes.pop(key)


@pytest.mark.parametrize("name", MODELS)
def test_a_network_holds_no_more_than_it_says(name, monkeypatch):
    monkeypatch.setattr(tiling, "TILE_PIXELS", 32 * 32)
    model = build(name)
    for small in lr_sizes(model):
        size = SIZE if model.scale is None else (small[0] * model.scale, small[1] * model.scale)
        placed = model.at(size, small)
        with torch.no_grad():  # so that tables of resampling weights, which are kept, are there
            placed.upscale(*placed.downscale(torch.rand(1, 3, *size)))
        with torch.no_grad(), Live() as down:
            lr, payload = placed.downscale(torch.rand(1, 3, *size))
        with torch.no_grad(), Live() as up:
            placed.upscale(lr, payload)
        pixels = math.prod(size)
        features = feature_bytes(model) * 48 * 48  # a strip's, with its halo
        assert max(down.peak, up.peak) <= 4 * placed.floats_per_pixel * pixels + features
        assert max(down.peak, up.peak) > 4 * 3 * pixels


@pytest.mark.parametrize("size", [(750, 1000), (2250, 3000), (16, 40000), (7, 5)])
@pytest.mark.parametrize("halo", [24, 120])
def test_tiles_cover_the_picture_once_and_begin_at_units(size, halo):
    seen = np.zeros(size, np.uint8)
    for tile in cut(size, halo=halo, unit=16, most=500_000):
        seen[tile.slices] += 1
        assert tile.top % 16 == tile.left % 16 == 0
        assert math.prod(tile.grown(halo, size).size) <= 500_000
    assert (seen == 1).all()


def test_tiles_are_small_where_that_is_cheap_and_large_where_it_is_not():
    size = (3000, 4000)
    for halo, at_once in ((96, False), (480, True)):
        tiles = cut(size, halo=halo, unit=64, most=math.inf)
        assert (len(tiles) == 1) == at_once
        assert computed(tiles, size, halo) <= (1 + MOST_EXTRA) * math.prod(size)
    assert len(cut(size, halo=480, unit=64, most=4e6)) > 1
    assert cut(size, halo=480, unit=64, most=1e6) == []


def test_too_little_memory_is_told_with_what_is_needed():
    model = build("irn")
    with pytest.raises(LimitError, match=r"takes about .* GB in all, and 0\.0 GB are allowed \(--memory\)"):
        tiled.downscale(np.zeros((64, 64, 3), np.uint8), model, (16, 16), memory(1_000_000))
    with pytest.raises(LimitError, match=r"may be used of what is free"):
        Memory(1_000_000).require(1, "anything")


def test_without_a_limit_a_share_of_what_is_free_is_used(monkeypatch):
    monkeypatch.setattr(memories, "resident", lambda: 10)
    monkeypatch.setattr(memories, "available", lambda: 1000)
    assert memory().limit == 510
    assert memory(77).limit == 77


def test_a_control_group_bounds_what_is_free(monkeypatch, tmp_path):
    for name, text in (("limit", "5000000\n"), ("used", "2000000\n"), ("none", "max\n")):
        (tmp_path / name).write_text(text)
    bounded = (str(tmp_path / "limit"), str(tmp_path / "used"))
    monkeypatch.setattr(memories, "_MEMORY_FILES", (bounded, (str(tmp_path / "none"), bounded[1])))
    assert memories.available() == 3_000_000
    monkeypatch.setattr(memories, "_MEMORY_FILES", ())
    assert memories.available() > 3_000_000


def test_a_part_beyond_the_edge_repeats_it():
    pixels = np.arange(12, dtype=np.uint8).reshape(2, 2, 3)
    made = read_part(pixels, Part(1, 4, 0, 3)).mul(255).round()
    assert made.shape == (1, 3, 3, 3)
    assert torch.equal(made[0, 0], torch.tensor([[6.0, 9, 9]] * 3))
