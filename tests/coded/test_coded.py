"""Models that code what bicubic leaves out in the LR's own pixels: round trips through files, and what survives."""

import io
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import unshrink
from unshrink.data.synthetic import text_page
from unshrink.errors import DamagedLRFileError, NotAnLRFileError, UnshrinkError, UsageError
from unshrink.files.lrfile import strip
from unshrink.files.picture import Picture
from unshrink.metrics.colour import ciede2000
from unshrink.metrics.quality import psnr_rgb
from unshrink.rescale import Engine
from unshrink.rescale.avif import bicubic

MODELS = ["stream-x2", "stream-x4", "hidden-avif"]


def scene(height: int, width: int, seed: int = 0) -> np.ndarray:
    """Smooth colours, edges and texture."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width]
    planes = [128 + 80 * np.sin(x / (9 + 3 * k)) * np.cos(y / (7 + 2 * k)) for k in range(3)]
    picture = np.stack(planes, axis=-1) + rng.normal(0, 6, (height, width, 1)) * (x > width // 2)[..., None]
    picture[height // 3 : height // 2, width // 4 : width // 2] = (200, 40, 60)
    return picture.clip(0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def engine() -> Engine:
    return Engine()


def lr_of(engine: Engine, pixels: np.ndarray, model: str, scale: float) -> bytes:
    return engine.down(pixels, scale, model=model, exact_blocks=False).encode("png")


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("shape", [(96, 128), (101, 67), (64, 200)])
def test_round_trip_is_far_better_than_bicubic(engine: Engine, model: str, shape: tuple[int, int]) -> None:
    scale = 2 if model == "stream-x2" else 4
    hr = scene(*shape)
    data = lr_of(engine, hr, model, scale)
    restored = engine.up(data).rgb
    assert restored.shape == hr.shape
    lr = np.asarray(Image.open(io.BytesIO(data)))
    plain = np.clip(np.rint(bicubic(lr, shape)), 0, 255).astype(np.uint8)
    if model != "hidden-avif":  # so small a picture has hardly room for a file
        assert psnr_rgb(hr, restored) > psnr_rgb(hr, plain) + 2


@pytest.mark.parametrize("model", MODELS)
def test_grey_stays_grey(engine: Engine, model: str) -> None:
    pixels = scene(96, 120)[..., 1]
    data = lr_of(engine, pixels, model, 2 if model == "stream-x2" else 4)
    assert Image.open(io.BytesIO(data)).mode == "L"
    restored = engine.up(data)
    assert restored.grey
    assert psnr_rgb(pixels[..., None].repeat(3, 2), restored.rgb) > 25


@pytest.mark.parametrize("shape", [(1, 1), (3, 40), (17, 9), (30, 33)])
@pytest.mark.parametrize("model", ["stream-x4", "hidden-avif"])
def test_too_few_pixels_keep_everything_as_exact_blocks(engine: Engine, shape: tuple[int, int], model: str) -> None:
    hr = scene(*shape)
    small = engine.down(hr, 4, model=model)
    restored = engine.up(small.encode("png")).rgb
    assert restored.shape == hr.shape
    if small.lrfile.header.carrier == "none":
        assert (restored == hr).all()


@pytest.mark.parametrize("scales", [1.5, 2.5, (1.5, 3.0), 3.7])
def test_hidden_avif_takes_any_scale(engine: Engine, scales: float | tuple[float, float]) -> None:
    hr = scene(150, 130)
    restored = engine.up(engine.down(hr, scales, model="hidden-avif", exact_blocks=False).encode("png"))
    assert restored.size == (150, 130)


def resaved(data: bytes, kind: str) -> bytes:
    """What other programs make of an LR file: the same pixels, and nothing else kept."""
    image = Image.open(io.BytesIO(data))
    image.load()
    bare = Image.fromarray(np.asarray(image))
    buffer = io.BytesIO()
    options = {"webp": {"lossless": True, "exact": True}, "png": {"optimize": True}}.get(kind, {})
    bare.save(buffer, format=kind, **options)
    return buffer.getvalue()


@pytest.mark.parametrize("kind", ["png", "webp", "bmp", "tiff"])
@pytest.mark.parametrize("model", MODELS)
def test_the_pixels_alone_restore_the_same(engine: Engine, model: str, kind: str, tmp_path: Path) -> None:
    data = lr_of(engine, scene(96, 128), model, 2 if model == "stream-x2" else 4)
    expected = engine.up(data).rgb
    stripped = tmp_path / f"stripped.{kind}"
    stripped.write_bytes(resaved(data, kind))
    assert (engine.up(stripped).rgb == expected).all()
    with open(stripped, "rb") as stream:
        assert (engine.up(stream).rgb == expected).all()


def test_a_changed_pixel_is_an_error_and_never_another_picture(engine: Engine) -> None:
    data = resaved(lr_of(engine, scene(96, 128), "stream-x4", 4), "png")
    pixels = np.asarray(Image.open(io.BytesIO(data)))
    expected = engine.up(data).rgb
    rng = np.random.default_rng(0)
    for _ in range(40):
        changed = pixels.copy()
        changed.ravel()[rng.integers(changed.size)] ^= 1 << int(rng.integers(3))
        buffer = io.BytesIO()
        Image.fromarray(changed).save(buffer, "png")
        try:
            restored = engine.up(buffer.getvalue()).rgb
        except (DamagedLRFileError, NotAnLRFileError):
            continue
        assert np.abs(restored.astype(int) - expected).max() <= 64  # a sample that says nothing


@pytest.mark.parametrize("change", ["crop", "paint", "jpeg", "scale"])
def test_an_edited_picture_is_refused(engine: Engine, change: str) -> None:
    image = Image.open(io.BytesIO(resaved(lr_of(engine, scene(128, 128), "stream-x2", 2), "png")))
    if change == "crop":
        image = image.crop((5, 5, 60, 60))
    elif change == "paint":
        image.paste((255, 0, 0), (20, 20, 40, 40))
    elif change == "scale":
        image = image.resize((90, 90))
    buffer = io.BytesIO()
    image.save(buffer, "jpeg" if change == "jpeg" else "png")
    with pytest.raises(UnshrinkError):
        engine.up(buffer.getvalue())


def test_files_restore_the_same_with_other_threads(engine: Engine) -> None:
    data = lr_of(engine, scene(96, 128), "stream-x4", 4)
    expected, threads = engine.up(data).rgb, torch.get_num_threads()
    try:
        for count in (1, 2, 3):
            torch.set_num_threads(count)
            assert np.abs(engine.up(data).rgb.astype(int) - expected).max() <= 1
    finally:
        torch.set_num_threads(threads)


def test_what_the_decoder_relies_on_is_whole_and_the_same_in_any_precision(engine: Engine) -> None:
    data = lr_of(engine, scene(96, 128), "stream-x4", 4)
    expected = engine.up(data).rgb
    other = Engine(precision="float32")
    other.load("stream-x4").model.to(torch.float64)  # all means differ in their last bits
    for module in other.load("stream-x4").model.modules():
        if hasattr(module, "check"):
            module.check()
            module.float()
    other.load("stream-x4").model.float()
    torch._C._set_mkldnn_enabled(False)  # other convolutions altogether
    try:
        assert np.abs(other.up(data).rgb.astype(int) - expected).max() <= 1
    finally:
        torch._C._set_mkldnn_enabled(True)


def test_a_rendered_page_has_no_coloured_fringes(engine: Engine) -> None:
    page = text_page(3, (400, 520))
    # What letters of ten pixels say does not fit at x4 into so little: the floor in dB alone holds there
    for model, scale, most in (("stream-x2", 2, 1.0), ("stream-x4", 4, 1.7)):
        small = engine.down(page, scale, model=model, exact_blocks=False)
        lr = small.lrfile.picture.rgb
        wanted = np.clip(np.rint(bicubic(page, lr.shape[:2])), 0, 255).astype(np.uint8)
        assert ciede2000(lr, wanted).mean() < most


@pytest.mark.parametrize(("quality", "least"), [("low", 35.3), ("medium", 39.2), ("high", 43.0), ("47", 46.0)])
def test_lr_quality_is_a_floor(engine: Engine, quality: str, least: float) -> None:
    hr = scene(256, 256)
    lr = engine.down(hr, 4, model="hidden-avif", lr_quality=quality, exact_blocks=False).lrfile.picture.rgb
    wanted = np.clip(np.rint(bicubic(hr, (64, 64))), 0, 255).astype(np.uint8)
    assert least < psnr_rgb(wanted, lr) < least + 4


def test_what_cannot_be_is_refused(engine: Engine) -> None:
    with pytest.raises(UsageError, match="LR quality"):
        engine.down(scene(64, 64), 4, lr_quality="best")


def test_plain_enlarges_any_picture(engine: Engine) -> None:
    pixels = scene(40, 50)
    assert engine.up(Picture(rgb=pixels).encode("png"), plain=True, scale=4, model="stream-x4").size == (160, 200)
    assert engine.up(Picture(rgb=pixels).encode("png"), plain=True, scale=2, model="hidden-avif").size == (80, 100)


@pytest.mark.parametrize("model", MODELS)
def test_strip_leaves_nothing_in_the_pixels(engine: Engine, model: str) -> None:
    data = lr_of(engine, scene(96, 128), model, 2 if model == "stream-x2" else 4)
    bare = strip(data)
    with pytest.raises(NotAnLRFileError):
        engine.up(bare)
    before, after = (np.asarray(Image.open(io.BytesIO(x))).astype(int) for x in (data, bare))
    assert np.abs(after - before).max() <= 8


def test_alpha_comes_back(engine: Engine) -> None:
    pixels = np.dstack([scene(90, 100), np.tile(np.linspace(0, 255, 100).astype(np.uint8), (90, 1))])
    restored = engine.up(engine.down(pixels, 4, model="stream-x4").encode("png"))
    assert (restored.alpha == pixels[..., 3]).all()


def test_the_default_is_the_coded_stream() -> None:
    small = unshrink.down(scene(64, 64), 4)
    assert small.lrfile.header.model == "stream-x4"
    assert small.lrfile.header.carrier == "pixels"
