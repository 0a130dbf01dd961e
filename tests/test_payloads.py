"""The plane of -A models on its way through files: three carriers, the same pixels back, and clear errors."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from unshrink.errors import DamagedLRFileError, EditedLRFileError, UsageError
from unshrink.files.lrfile import decode, encode
from unshrink.files.payload import lossless_plane_decode, lossless_plane_encode
from unshrink.files.picture import Picture
from unshrink.models import registry
from unshrink.models.payloads import Plane
from unshrink.models.weights import write_weights
from unshrink.rescale import Engine, Small
from unshrink.rescale.carriers import Held
from unshrink.rescale.carriers.alpha import FLOOR_SECTION
from unshrink.rescale.effort import LUMA_WEIGHT
from unshrink.rescale.order import Order
from unshrink.rescale.payloads import Packed, decode_payload, held_in

NAME = "irn-a-x2"
PAGE = (Path(__file__).parents[1] / "docs" / "file-format.md").read_text(encoding="utf-8")
CARRIERS = ("chunk", "alpha", "floor", "floor:240")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Untrained weights with a little noise, so that the couplings count."""
    folder = tmp_path_factory.mktemp("weights")
    torch.manual_seed(0)
    model = registry.build(registry.get(NAME))
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.003 * torch.randn_like(parameter))
    write_weights(model, NAME, folder)
    return folder


@pytest.fixture(scope="module")
def engine(folder: Path) -> Engine:
    return Engine(weights=folder, precision="float32")


def drawn(height: int, width: int, channels: int = 3) -> np.ndarray:
    noise = np.random.default_rng(height).integers(0, 256, (height, width, channels))
    y, x = np.mgrid[:height, :width]
    planes = [128 + 100 * np.sin(x / 5 + phase) * np.cos(y / 4) for phase in range(channels)]
    return (0.8 * np.stack(planes, axis=-1) + 0.2 * noise).astype(np.uint8)


def payload_of(engine: Engine, lrfile) -> torch.Tensor:
    return decode_payload(engine.load(NAME), held_in(lrfile))


@pytest.mark.parametrize("format", ["png", "webp", "tiff"])
@pytest.mark.parametrize("carrier", CARRIERS)
def test_the_payload_comes_back_bit_by_bit(engine, carrier, format):
    small = engine.down(drawn(25, 38), model=NAME, carrier=carrier)
    back = decode(small.encode(format))
    assert torch.equal(payload_of(engine, back), payload_of(engine, small.lrfile))
    assert np.array_equal(engine.up(small.encode(format)).rgb, engine.up(small).rgb)


def test_chunk_and_alpha_hold_the_same_plane(engine):
    hr = drawn(24, 40)
    chunk, alpha = (engine.down(hr, model=NAME, carrier=carrier).lrfile for carrier in ("chunk", "alpha"))
    plane = lossless_plane_decode(chunk.sections[Plane.section], (12, 20))
    assert np.array_equal(plane, alpha.picture.alpha)
    assert plane.min() >= 1
    assert chunk.picture.alpha is None
    assert (chunk.header.carrier, alpha.header.carrier) == ("chunk", "alpha")
    assert not alpha.sections.keys() & {Plane.section, FLOOR_SECTION}
    assert np.array_equal(engine.up(Small(chunk)).rgb, engine.up(Small(alpha)).rgb)


def test_it_is_what_training_rounds_to(engine):
    hr = drawn(24, 40)
    model = engine.load(NAME).model
    with torch.inference_mode():
        payload = model.downscale(torch.from_numpy(hr).permute(2, 0, 1)[None].float() / 255)[1]
        expected = model.payload.rounded(payload)
    held = payload_of(engine, engine.down(hr, model=NAME).lrfile)
    assert (held - expected).abs().max() < 1e-6


@pytest.mark.parametrize("floor", [1, 77, 254])
def test_the_formula_on_the_format_page_reads_it_from_any_decoder(engine, floor):
    small = engine.down(drawn(24, 40), model=NAME, carrier=f"floor:{floor}")
    a = np.asarray(Image.open(io.BytesIO(small.encode("webp"))).getchannel("A"), dtype=float)
    formula = re.search(r"p = (.*)", PAGE)[1]
    p = eval(formula, {"a": a, "f": small.lrfile.sections.get("FLOR", b"\1")[0]})
    assert np.abs(payload_of(engine, small.lrfile)[0, 0].numpy() - p).max() < 1e-6


@pytest.mark.parametrize("floor", [1, 2, 100, 192, 240, 254])
def test_a_floor_is_kept_and_spans_the_range(engine, floor):
    made = engine.down(drawn(24, 40), model=NAME, carrier=f"floor:{floor}").lrfile
    assert made.picture.alpha.min() >= floor
    assert made.sections.get(FLOOR_SECTION, b"\1") == bytes([floor])
    ends = np.full((2, 1), 255, dtype=np.uint8)
    ends[0] = floor
    decoded = decode_payload(
        engine.load(NAME), Packed(Held(np.zeros((2, 1, 3), np.uint8), ends, made.sections), "alpha")
    )
    assert (decoded[0, 0, :, 0] - torch.tensor([1 / 255, 1])).abs().max() < 1e-6


def test_a_higher_floor_restores_a_little_less(engine):
    hr = drawn(48, 48)
    errors = [
        float(
            np.square(engine.up(engine.down(hr, model=NAME, carrier=carrier, exact_blocks=False)).rgb - hr * 1.0).mean()
        )
        for carrier in ("alpha", "floor:128", "floor:240")
    ]
    assert errors == sorted(errors)
    assert errors[0] < errors[-1]


@pytest.mark.parametrize("carrier", CARRIERS)
@pytest.mark.parametrize("size", [(1, 1), (1, 7), (33, 2), (17, 31)])
def test_every_size(engine, carrier, size):
    hr = drawn(*size)
    small = Small(decode(engine.down(hr, model=NAME, carrier=carrier).encode()))
    assert small.size == (-(-size[0] // 2), -(-size[1] // 2))
    assert engine.up(small).rgb.shape == hr.shape


@pytest.mark.parametrize("carrier", CARRIERS)
def test_the_originals_own_alpha_comes_back(engine, carrier):
    hr = drawn(17, 31, 4)
    hr[:5, :, 3] = 0
    small = engine.down(hr, model=NAME, carrier=carrier)
    restored = engine.up(small.encode("webp"))
    assert np.array_equal(restored.alpha, hr[..., 3])
    assert small.header.alpha == "lossless"
    if carrier == "chunk":
        assert small.lrfile.picture.alpha[0, 0] == 0
    else:
        assert small.lrfile.picture.alpha.min() >= 1


@pytest.mark.parametrize("carrier", CARRIERS)
def test_a_picture_without_alpha_gets_none(engine, carrier):
    data = engine.down(drawn(16, 20), model=NAME, carrier=carrier).encode()
    assert engine.up(data).alpha is None
    assert engine.up(data, plain=True).alpha is None
    assert engine.up(data, plain=True, model=NAME).alpha is None


@pytest.mark.parametrize("carrier", CARRIERS)
def test_grey_stays_grey(engine, carrier):
    restored = engine.up(engine.down(drawn(16, 20)[..., 0], model=NAME, carrier=carrier).encode())
    assert restored.grey


@pytest.mark.parametrize("carrier", ["chunk", "alpha"])
def test_plain_goes_without_the_payload(engine, carrier):
    small = engine.down(drawn(16, 20), model=NAME, carrier=carrier, exact_blocks=False)
    model = engine.load(NAME).model
    lr = torch.from_numpy(small.lrfile.picture.rgb.copy()).permute(2, 0, 1)[None].float() / 255
    with torch.inference_mode():
        expected = model.upscale(lr).clamp(0, 1).mul(255).round()[0].permute(1, 2, 0).numpy()
    plain = engine.up(small.encode(), plain=True).rgb
    assert np.array_equal(plain, expected)
    assert not np.array_equal(plain, engine.up(small).rgb)


def test_effort_refines_the_payload_with_the_picture(engine):
    hr = drawn(32, 32)
    errors = {}
    for carrier in ("chunk", "floor:240"):
        for effort in (0, 6):
            small = engine.down(hr, model=NAME, carrier=carrier, effort=effort, exact_blocks=False)
            error = engine.up(small.encode()).rgb - hr * 1.0
            luma = error @ (0.299, 0.587, 0.114)  # effort lowers the weighed sum of both
            errors[carrier, effort] = np.square(error).sum() + LUMA_WEIGHT * np.square(luma).sum()
    assert errors["chunk", 6] < errors["chunk", 0]
    assert errors["floor:240", 6] < errors["floor:240", 0]


def _changed(engine: Engine, made_as: str, **changes) -> bytes:
    made = engine.down(drawn(16, 20), model=NAME, carrier=made_as).lrfile
    sections = {**made.sections, **changes.pop("sections", {})}
    header = replace(made.header, **changes)
    return encode(replace(made, header=header, sections={k: v for k, v in sections.items() if v is not None}))


def _zero() -> bytes:
    return lossless_plane_encode(np.zeros((8, 10), dtype=np.uint8))


@pytest.mark.parametrize(
    ("carrier", "changes", "told"),
    [
        ("chunk", {"sections": {Plane.section: None}}, "missing"),
        ("chunk", {"sections": {Plane.section: b"\x01junk"}}, "damaged"),
        ("chunk", {"sections": {Plane.section: b""}}, "damaged"),
        ("chunk", {"sections": {Plane.section: _zero()}}, "value of 0"),
        ("chunk", {"carrier": "none"}, "no payload"),
        ("chunk", {"carrier": "alpha"}, "no alpha channel"),
        ("alpha", {"carrier": "chunk"}, "missing"),
        ("alpha", {"sections": {FLOOR_SECTION: b"\xfe"}}, "smallest is 254"),
        ("floor", {"sections": {FLOOR_SECTION: b"\x00"}}, "1 to 254"),
        ("floor", {"sections": {FLOOR_SECTION: b"\xff"}}, "1 to 254"),
        ("floor", {"sections": {FLOOR_SECTION: b""}}, "1 to 254"),
    ],
)
def test_a_file_whose_payload_is_not_right_is_refused(engine, carrier, changes, told):
    data = _changed(engine, carrier, **changes)
    with pytest.raises(DamagedLRFileError, match=told):
        engine.up(data)
    assert engine.up(data, plain=True).size == (16, 20)


def test_a_payload_that_the_model_does_not_have_is_refused(engine):
    packed = Packed(Held(np.zeros((8, 10, 3), np.uint8), sections={Plane.section: _zero()}), "chunk")
    loaded = Engine().load("lite-x2")
    with pytest.raises(DamagedLRFileError, match="a payload for lite-x2"):
        decode_payload(loaded, packed)


def test_a_viewer_that_drops_the_alpha_channel_is_noticed(engine):
    data = engine.down(drawn(16, 20), model=NAME, carrier="alpha").encode()
    image = Image.open(io.BytesIO(data))
    assert image.mode == "RGBA"
    made = decode(data)
    opaque = replace(made, picture=Picture(rgb=made.picture.rgb, alpha=np.full((8, 10), 255, dtype=np.uint8)))
    chunk = [part for part in _chunks(data) if part[4:8] == b"unSH"]
    other = _chunks(encode(opaque))
    edited = b"".join(chunk[0] if part[4:8] == b"unSH" else part for part in other)
    with pytest.raises(EditedLRFileError):
        engine.up(data[:8] + edited)


def _chunks(data: bytes) -> list[bytes]:
    found, at = [], 8
    while at < len(data):
        end = at + 12 + int.from_bytes(data[at : at + 4])
        found.append(data[at:end])
        at = end
    return found


@pytest.mark.parametrize("text", ["", "zip", "floor:0", "floor:255", "floor:-1", "floor:x", "alpha:3", "floor:"])
def test_an_unknown_carrier_is_refused(text):
    with pytest.raises(UsageError, match="carrier"):
        Order(carrier=text)


def test_a_model_without_a_plane_has_nothing_for_the_alpha_channel(engine):
    with pytest.raises(UsageError, match="no payload"):
        engine.down(drawn(8, 8), model="lite-x2", carrier="alpha")
