from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import unshrink
from unshrink.errors import (
    DamagedLRFileError,
    EditedLRFileError,
    LimitError,
    MissingWeightsError,
    NotAnLRFileError,
    OutputExistsError,
    UnknownNameError,
    UnreadableInputError,
    UsageError,
    WeightsError,
)
from unshrink.files.lrfile import LRFile
from unshrink.files.picture import Picture
from unshrink.limits import Limits
from unshrink.models import registry
from unshrink.models.weights import write_weights
from unshrink.nn.quantise import quantise
from unshrink.rescale import Engine, Small
from unshrink.rescale.effort import LUMA
from unshrink.rescale.pixels import grow_plane, shrink_pixels, to_rgb, to_tensor
from unshrink.rescale.sizes import lr_size


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Weights for each scale: untrained ones are Haar cascades, so the noise makes the couplings count."""
    parent = tmp_path_factory.mktemp("weights")
    for scale in (2, 4):
        torch.manual_seed(scale)
        model = registry.build(registry.get(f"irn-q-x{scale}"))
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.add_(
                    torch.randn(parameter.shape, generator=torch.Generator().manual_seed(scale)), alpha=0.003
                )
        write_weights(model, f"irn-q-x{scale}", parent / str(scale))
    return parent


@pytest.fixture
def engine(folder: Path) -> Engine:
    return Engine(weights=folder / "4")


def drawn(height: int, width: int, channels: int = 3) -> np.ndarray:
    y, x = np.mgrid[:height, :width]
    planes = [128 + 100 * np.sin(x / 5 + phase) * np.cos(y / 4) for phase in range(channels)]
    return np.stack(planes, axis=-1).astype(np.uint8)


def same(a: Picture, b: Picture) -> bool:
    alphas = (a.alpha is None and b.alpha is None) or np.array_equal(a.alpha, b.alpha)
    return np.array_equal(a.rgb, b.rgb) and alphas and (a.grey, a.icc, a.exif) == (b.grey, b.icc, b.exif)


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (7, 2), (4, 4), (25, 38)])
@pytest.mark.parametrize("scale", [2, 4])
def test_any_size_comes_back(folder, size, scale):
    engine = Engine(weights=folder / str(scale))
    small = engine.down(drawn(*size), scale)
    assert small.size == (-(-size[0] // scale), -(-size[1] // scale))
    assert small.header.size == size
    assert engine.up(small).size == size


@pytest.mark.parametrize("format", ["png", "webp", "tiff"])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_a_file_restores_what_memory_does(engine, format, channels):
    small = engine.down(drawn(21, 30, channels))
    assert same(engine.up(small.encode(format)), engine.up(small))


def test_the_restored_picture_is_near_the_original(engine):
    hr = drawn(64, 64)
    error = engine.up(engine.down(hr, exact_blocks=False)).rgb - hr.astype(float)
    assert 20 * np.log10(255 / np.sqrt(np.mean(error**2))) > 20


def test_down_takes_every_kind_of_source(engine, tmp_path):
    hr = drawn(9, 13)
    path = tmp_path / "photo.png"
    Image.fromarray(hr).save(path)
    expected = engine.down(hr).encode()
    sources = [path, str(path), path.read_bytes(), io.BytesIO(path.read_bytes()), Image.fromarray(hr)]
    for source in [*sources, Picture.from_array(hr)]:
        assert engine.down(source).encode() == expected


def test_up_takes_every_kind_of_source(engine, tmp_path):
    small = engine.down(drawn(9, 13))
    path = tmp_path / "small.png"
    small.save(path)
    expected = engine.up(small)
    for source in (path, str(path), path.read_bytes(), io.BytesIO(path.read_bytes())):
        assert same(engine.up(source), expected)


@pytest.mark.parametrize("call", ["down", "up"])
def test_other_sources_are_refused(engine, call):
    with pytest.raises(UsageError, match="not int"):
        getattr(engine, call)(5)


def test_alpha_comes_back_exactly_and_the_small_one_is_shrunk(engine):
    hr = drawn(25, 38, 4)
    small = engine.down(hr)
    assert small.header.alpha == "lossless"
    assert np.array_equal(small.lrfile.picture.alpha, shrink_pixels(hr[..., 3], 4))
    assert np.array_equal(engine.up(small).alpha, hr[..., 3])


def test_grey_comes_back_grey(engine):
    restored = engine.up(engine.down(drawn(20, 20, 1)).encode())
    assert restored.grey
    assert restored.to_pil().mode == "L"


def test_a_grey_profile_does_not_stand_in_a_colour_file(engine):
    profile = b"\0" * 16 + b"GRAY" + b"\0" * 200
    picture = replace(Picture.from_array(drawn(20, 20, 1)), icc=profile)
    small = engine.down(picture)
    assert not small.lrfile.picture.grey  # noise in the network colours it
    assert small.lrfile.picture.icc is None
    assert engine.up(small.encode()).icc == profile


def test_profile_and_exif_come_back(engine):
    exif = Image.Exif()
    exif[0x010E] = "a description"
    picture = replace(Picture.from_array(drawn(20, 20)), icc=b"profile" * 30, exif=exif.tobytes()[6:])
    restored = engine.up(engine.down(picture).encode())
    assert restored.icc == picture.icc
    assert restored.exif == picture.exif


def test_small_is_an_image_and_a_file(engine, tmp_path):
    small = engine.down(drawn(20, 28))
    assert small.image.size == (7, 5)
    assert small.header.model == "irn-q-x4"
    assert small.header.writer == f"unshrink {unshrink.__version__}"
    small.save(tmp_path / "small.webp")
    with pytest.raises(OutputExistsError):
        small.save(tmp_path / "small.webp")
    small.save(tmp_path / "small.webp", overwrite=True)
    assert (tmp_path / "small.webp").read_bytes()[8:12] == b"WEBP"
    with pytest.raises(UsageError, match=r"must end in \.png"):
        small.save(tmp_path / "small.jpg")
    with pytest.raises(UsageError, match="no LR file format 'jpeg'"):
        small.encode("jpeg")
    assert [path.name for path in tmp_path.iterdir()] == ["small.webp"]


def test_scale_and_model_choose_each_other(engine):
    assert Engine().choose().name == "stream-x4"
    assert Engine().choose(2).name == "stream-x2"
    assert Engine().choose(model="irn-x2").name == "irn-x2"
    assert engine.choose(2, "irn-q-x2").name == "irn-q-x2"
    with pytest.raises(UsageError, match="has scale 2, not 4"):
        engine.choose(4, "irn-q-x2")
    with pytest.raises(UsageError, match="scale 7"):
        engine.choose(7)
    with pytest.raises(UnknownNameError, match="irn-q-x4"):
        engine.choose(model="irn-q-x44")


def test_weights_from_elsewhere_say_their_model(folder):
    assert Engine(weights=folder / "2").choose().name == "irn-q-x2"
    assert Engine(weights=folder).choose().name == "stream-x4"
    with pytest.raises(WeightsError):
        Engine(weights=folder).down(drawn(4, 4))


def test_a_model_is_loaded_once(engine):
    loaded = engine.load("irn-q-x4")
    assert engine.load("irn-q-x4") is loaded
    assert engine.load("irn-q-x4", loaded.weights.digest) is loaded


def test_steps_are_told(engine):
    steps: list[str] = []
    small = engine.down(drawn(8, 8), progress=steps.append)
    engine.up(small, progress=steps.append)
    assert steps == ["read", "load model", "shrink", "check", "read", "load model", "restore"]


def test_other_weights_do_not_restore(engine, folder, tmp_path):
    small = engine.down(drawn(8, 8))
    loaded = engine.load("irn-q-x4").model
    with torch.no_grad():
        next(loaded.parameters()).add_(0.1)
    write_weights(loaded, "irn-q-x4", tmp_path)
    other = Engine(weights=tmp_path)
    with pytest.raises(MissingWeightsError):
        other.up(small)
    assert other.up(small, plain=True).size == (8, 8)


def test_a_model_of_the_future_is_missing_weights(engine):
    small = engine.down(drawn(8, 8))
    header = replace(small.header, model="irn-x99")
    future = Small(LRFile(picture=small.lrfile.picture, header=header))
    with pytest.raises(MissingWeightsError, match="irn-x99"):
        engine.up(future)
    assert engine.up(future, plain=True).size == (8, 8)


def test_a_header_that_contradicts_its_model_is_damage(engine):
    small = engine.down(drawn(8, 8))
    header = replace(small.header, model="irn-q-x2")
    with pytest.raises(DamagedLRFileError):
        engine.up(Small(LRFile(picture=small.lrfile.picture, header=header)))


def test_weights_that_no_version_holds(engine):
    small = engine.down(drawn(8, 8))
    header = replace(small.header, weights="0" * 64)
    with pytest.raises(MissingWeightsError):
        Engine().up(Small(LRFile(picture=small.lrfile.picture, header=header)))


def test_foreign_pictures_are_enlarged_only_when_asked(engine, folder):
    hr = drawn(6, 5, 4)
    for source in (hr, Picture.from_array(hr), Picture.from_array(hr).encode()):
        with pytest.raises(NotAnLRFileError):
            engine.up(source)
        restored = engine.up(source, plain=True)
        assert restored.size == (24, 20)
        assert np.array_equal(restored.alpha, grow_plane(hr[..., 3], 4, (24, 20)))
    assert Engine(weights=folder / "2").up(hr, plain=True, scale=2).size == (12, 10)
    with pytest.raises(UsageError, match="plain"):
        engine.up(hr, scale=2)


def test_plain_restores_without_what_is_carried(engine):
    small = engine.down(drawn(10, 11, 4), exact_blocks=False)
    restored = engine.up(small.encode(), plain=True)
    assert np.array_equal(restored.rgb, engine.up(small).rgb)
    assert np.array_equal(restored.alpha, grow_plane(small.lrfile.picture.alpha, 4, (10, 11)))


def test_edited_files_are_restored_only_plainly(engine):
    data = engine.down(drawn(40, 40)).encode()
    with Image.open(io.BytesIO(data)) as image:
        image.load()
        image.putpixel((2, 2), (255, 0, 0))
        stream = io.BytesIO()
        image.save(stream, "PNG")
    other = stream.getvalue()
    start, end = data.index(b"IDAT") - 4, data.index(b"IEND") - 4
    edited = data[:start] + other[other.index(b"IDAT") - 4 : other.index(b"IEND") - 4] + data[end:]
    with pytest.raises(EditedLRFileError):
        engine.up(edited)
    assert engine.up(edited, plain=True).size == (40, 40)


def test_limits_hold_before_work_is_done(folder):
    tight = Engine(weights=folder / "4", limits=Limits(max_hr_pixels=99))
    with pytest.raises(LimitError):
        tight.down(drawn(10, 10))
    small = tight.down(drawn(9, 11))
    assert tight.up(small).size == (9, 11)
    with pytest.raises(LimitError):
        tight.up(drawn(3, 3), plain=True)


def test_unreadable_input(engine, tmp_path):
    with pytest.raises(UnreadableInputError, match="missing"):
        engine.down(tmp_path / "missing.png")
    with pytest.raises(UnreadableInputError):
        engine.up(b"no picture")


def test_padding_repeats_the_edge():
    hr = drawn(3, 5)
    padded = to_tensor(hr, 4)
    assert padded.shape == (1, 3, 4, 8)
    expected = np.pad(hr, ((0, 1), (0, 3), (0, 0)), mode="edge").transpose(2, 0, 1)[None]
    assert torch.equal(padded, torch.from_numpy(expected).float() / 255)
    assert np.array_equal(to_rgb(padded, (3, 5)), hr)


def test_rounding_is_that_of_the_quantiser():
    values = torch.rand(1, 3, 16, 16, generator=torch.Generator().manual_seed(1)) * 1.4 - 0.2
    values.view(-1)[:2] = torch.tensor([0.5, 1.5]) / 255
    expected = (quantise(values) * 255).round().byte()[0].permute(1, 2, 0).numpy()
    assert np.array_equal(to_rgb(values.clone(), (16, 16)), expected)


def test_grey_is_the_mean_of_the_channels():
    values = torch.tensor([10.0, 20.0, 60.0]).view(1, 3, 1, 1) / 255
    assert to_rgb(values, (1, 1), grey=True).tolist() == [[[30, 30, 30]]]


def test_planes_keep_flat_values():
    plane = np.full((5, 7), 200, dtype=np.uint8)
    small = shrink_pixels(plane, 4)
    assert small.shape == lr_size((5, 7), 4) == (2, 2)
    assert np.array_equal(grow_plane(small, 4, (5, 7)), plane)


def test_the_public_functions(folder, tmp_path):
    hr = drawn(12, 16)
    small = unshrink.down(hr, scale=4, weights=folder / "4")
    small.save(tmp_path / "small.png")
    photo = unshrink.up(tmp_path / "small.png", weights=folder / "4")
    assert photo.size == (12, 16)
    model = unshrink.load("irn-q-x4", weights=folder / "4")
    lr, payload = model.downscale(torch.rand(1, 3, 8, 8))
    assert model.upscale(lr, payload).shape == (1, 3, 8, 8)
    assert not model.training


def test_list_models_is_the_registry():
    models = unshrink.list_models()
    assert [model.name for model in models] == registry.names()
    assert {model.name: model.parameters for model in models}["irn-x2"] == 1_667_952
    assert [model.name for model in models if model.default and model.scale == 4] == ["stream-x4"]


def test_effort_lowers_the_error_of_a_plain_file(engine):
    hr = drawn(37, 50, 3)
    files = [engine.down(hr, effort=effort, exact_blocks=False).encode() for effort in (0, 5)]
    errors = [float(np.square((engine.up(data).rgb - hr.astype(float)) @ LUMA).mean()) for data in files]
    assert errors[1] < errors[0]


def test_an_effort_out_of_range_is_refused(engine):
    with pytest.raises(UsageError, match="0 to 9"):
        engine.down(drawn(8, 8, 3), effort=10)
