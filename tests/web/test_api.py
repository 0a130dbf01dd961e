"""The JSON API, down to the engine and back."""

from __future__ import annotations

import io
import json
import tempfile
import time

import numpy as np
import pytest
from PIL import Image
from web_samples import BOUNDS, edited, photo

import unshrink
from unshrink.errors import UnshrinkError
from unshrink.files.lrfile import inspect
from unshrink.web import answers

pytest.importorskip("fastapi", reason="the API needs the extra web")
pytest.importorskip("httpx2", reason="the API is asked with httpx2, of the extra dev")

QUICK = {"model": "hidden-avif", "scale": "2"}


def send(client, path, data, name="photo.png", headers=None, **fields):
    return client.post(path, files={"file": (name, data)}, data=fields, headers=headers or {})


def facts(answer):
    return json.loads(answer.headers["Unshrink-Result"])


def pixels(data):
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(image)


@pytest.fixture(scope="module")
def small(client):
    return send(client, "/api/down", photo(), **QUICK).content


def test_a_picture_goes_down_and_comes_back(client):
    down = send(client, "/api/down", photo(), "holiday/Été.jpg", scale="4")
    assert down.status_code == 200
    assert down.headers["Content-Type"] == "image/png"
    assert down.headers["Content-Disposition"] == "attachment; filename*=UTF-8''%C3%89t%C3%A9.x4.png"
    told = facts(down)
    assert (told["model"], told["lr_size"], told["lr_bytes"]) == (
        "stream-x4",
        {"width": 24, "height": 16},
        len(down.content),
    )
    up = send(client, "/api/up", down.content, "small.x4.png")
    assert facts(up)["size"] == {"width": 96, "height": 64}
    assert "small.restored.png" in up.headers["Content-Disposition"]
    assert np.array_equal(pixels(up.content), unshrink.up(down.content).rgb)


def test_auto_finds_out_which_way(client, small):
    assert facts(send(client, "/api/auto", photo(), **QUICK))["kind"] == "down"
    assert facts(send(client, "/api/auto", small))["kind"] == "up"
    bare = io.BytesIO()
    carrying = send(client, "/api/down", photo((160, 240)), **QUICK).content
    Image.fromarray(pixels(carrying)).save(bare, "WEBP", lossless=True)
    assert facts(send(client, "/api/auto", bare.getvalue()))["model"] == "hidden-avif"


@pytest.mark.parametrize(
    ("fields", "size"),
    [
        ({"scale": "2.5"}, (26, 38)),
        ({"scale": "3x1.5"}, (43, 32)),
        ({"size": "40x30"}, (30, 40)),
        ({"max_side": "48"}, (32, 48)),
    ],
)
def test_how_small_is_said_as_on_the_command_line(client, fields, size):
    lr = send(client, "/api/down", photo(), model="hidden-avif", **fields).content
    assert pixels(lr).shape[:2] == size


@pytest.mark.parametrize(("format", "magic"), [("png", b"\x89PNG"), ("webp", b"RIFF"), ("tiff", b"II*\0")])
def test_lr_files_of_every_format(client, format, magic):
    answer = send(client, "/api/down", photo(), format=format, **QUICK)
    assert answer.headers["Content-Type"] == f"image/{format}"
    assert answer.content.startswith(magic)
    assert unshrink.up(answer.content).size == (64, 96)


@pytest.mark.parametrize(
    ("fields", "magic"), [({"format": "jpeg", "quality": "80"}, b"\xff\xd8"), ({"format": "webp"}, b"RIFF")]
)
def test_restored_pictures_of_other_formats(client, small, fields, magic):
    assert send(client, "/api/up", small, **fields).content.startswith(magic)


def test_exif_is_kept_only_if_asked_for(client):
    exif = Image.Exif()
    exif[0x010F] = "Camera of mine"
    data = photo(kind="JPEG", exif=exif)
    for keep in (False, True):
        lr = send(client, "/api/down", data, "a.jpg", keep_metadata=str(keep).lower(), **QUICK).content
        assert (b"Camera of mine" in lr) == keep
        with Image.open(io.BytesIO(lr)) as image:
            assert (image.getexif().get(0x010F) == "Camera of mine") == keep


def test_figures_where_they_are_asked_for(client):
    told = facts(send(client, "/api/down", photo(), measure="true", **QUICK))
    for side in ("psnr_y", "psnr_rgb", "lr_psnr_y", "lr_psnr_rgb"):
        assert told[side] > 30
    assert told["bicubic_psnr_y"] > 10
    assert told["seconds_up"] > 0
    two_steps = facts(send(client, "/api/down", photo(), max_side="12", measure="true"))
    assert two_steps["size"]["width"] < 96
    assert {"psnr_y", "lr_psnr_y"} <= set(two_steps)


def test_a_restored_picture_is_measured_against_an_original(client, small):
    files = {"file": ("a.png", small), "original": ("b.png", photo())}
    assert facts(client.post("/api/up", files=files))["psnr_rgb"] > 30
    wrong = client.post("/api/up", files={"file": ("a.png", small), "original": ("b.png", photo((20, 20)))})
    assert wrong.status_code == 422
    assert "another size" in wrong.json()["message"]


# -- jobs -------------------------------------------------------------------------------------------------------------


def start(client, data, path="/api/down", **fields):
    answer = send(client, path, data, headers={"Prefer": "respond-async"}, **fields)
    assert answer.status_code == 202
    return answer.headers["Location"]


def finish(client, where):
    until = time.monotonic() + 60
    while (job := client.get(where).json())["state"] in ("waiting", "running"):
        assert time.monotonic() < until
        time.sleep(0.02)
    return job


def test_a_job_can_be_watched_and_its_files_fetched(client):
    where = start(client, photo(), measure="true", **QUICK)
    job = finish(client, where)
    assert (job["state"], job["error"], job["result"]["kind"]) == ("done", None, "down")
    assert set(job["files"]) == {"small", "restored"}
    for made in job["files"].values():
        assert len(client.get(made["href"]).content) == made["bytes"]
    assert client.delete(where).status_code == 204
    assert client.get(where).status_code == 404


def test_a_job_can_be_cancelled_while_it_runs(client):
    where = start(client, photo((400, 480)), scale="4")
    while client.get(where).json()["step"] in ("", "read", "load model"):
        time.sleep(0.01)
    client.delete(where)
    job = finish(client, where)
    assert (job["state"], job["error"]["error"]) == ("cancelled", "StoppedError")
    assert send(client, "/api/down", photo(), **QUICK).status_code == 200  # and there is someone for the next


def test_what_browsers_do_not_show_comes_as_png_too(client):
    job = finish(client, start(client, photo(kind="TIFF"), format="tiff", measure="true", **QUICK))
    assert set(job["files"]) == {"small", "restored", "original", "shown"}
    assert np.array_equal(pixels(client.get(job["files"]["original"]["href"]).content), pixels(photo()))


# -- errors -----------------------------------------------------------------------------------------------------------


def told(answer, status, error):
    document = answer.json()
    assert (answer.status_code, document["error"]) == (status, error), document
    assert set(document) == {"error", "message", "exit_code"}
    return document["message"]


def test_errors_are_the_command_lines_sentences(client, small):
    foreign = told(send(client, "/api/up", photo(), "f.png"), 422, "NotAnLRFileError")
    with pytest.raises(UnshrinkError) as raised:
        unshrink.up(io.BytesIO(photo()))
    assert foreign.replace("f.png", "") in str(raised.value)
    assert "pixels" in told(send(client, "/api/up", edited(small)), 422, "EditedLRFileError")
    told(send(client, "/api/auto", edited(small)), 422, "EditedLRFileError")
    told(send(client, "/api/down", b"hello"), 415, "UnreadableInputError")
    told(send(client, "/api/down", photo()[:900]), 415, "UnreadableInputError")
    told(send(client, "/api/down", b""), 415, "UnreadableInputError")


@pytest.mark.parametrize(
    ("fields", "error", "words"),
    [
        ({"model": "steam-x4"}, "UnknownNameError", "did you mean 'stream-x4'"),
        ({"scael": "2"}, "UnknownNameError", "did you mean 'scale'"),
        ({"scale": "two"}, "UsageError", "is no number"),
        ({"scale": "9"}, "UsageError", "scales go from"),
        ({"scale": "2", "size": "30x20"}, "UsageError", "give one"),
        ({"effort": "12"}, "UsageError", "Effort goes from"),
        ({"effort": "much"}, "UsageError", "effort"),
        ({"lr_quality": "best"}, "UsageError", "LR quality"),
        ({"format": "jpeg"}, "UsageError", "format"),
        ({"measure": "true", "sigma": "0.5"}, "UsageError", "Sigma means nothing"),
        ({"payload_budget": "lots"}, "UsageError", "no amount of bytes"),
    ],
)
def test_wrong_fields_are_told(client, fields, error, words):
    assert words in told(send(client, "/api/down", photo(), **fields), 422, error)


def test_what_is_no_form_is_told(client):
    told(client.post("/api/down", content=photo()), 422, "UsageError")
    told(client.post("/api/down", data={"scale": "2"}), 422, "UsageError")
    told(client.post("/api/down", files={"other": ("a.png", photo())}), 422, "UsageError")


def test_uploads_are_bounded_by_bytes_and_by_pixels(client):
    assert "--max-upload" in told(send(client, "/api/down", b"x" * (BOUNDS.upload + 1)), 413, "LimitError")
    assert "pixels" in told(send(client, "/api/down", photo((400, 600)), **QUICK), 413, "LimitError")

    def stream():
        yield b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
        for _ in range(BOUNDS.upload // 100_000 + 2):
            yield b"x" * 100_000

    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    told(client.post("/api/down", content=stream(), headers=headers), 413, "LimitError")


def test_nothing_is_kept_on_disk(client, monkeypatch):
    def refuse(*_, **__):
        raise AssertionError("a file on disk")

    for name in ("TemporaryFile", "NamedTemporaryFile", "mkstemp"):
        monkeypatch.setattr(tempfile, name, refuse)
    noise = np.random.default_rng(0).integers(0, 255, (400, 480, 3), dtype=np.uint8)
    data = io.BytesIO()
    Image.fromarray(noise).save(data, "BMP")
    assert len(data.getvalue()) > 500_000
    padded = data.getvalue() + bytes(700_000)  # over what starlette's parser would keep in memory
    assert send(client, "/api/down", padded, "a.bmp", **QUICK).status_code in (200, 415)


def test_what_is_not_there_is_told(client):
    told(client.get("/api/jobs/none"), 404, "NotThereError")
    told(client.delete("/api/jobs/none"), 404, "NotThereError")
    told(client.get("/elsewhere"), 404, "NotThereError")
    assert client.get("/api/down").status_code == 405
    assert client.get("/js/../../api.py").status_code == 404


# -- what there is ----------------------------------------------------------------------------------------------------


def test_models_are_those_of_the_command_line(client):
    listed = client.get("/api/models").json()["models"]
    assert [model["name"] for model in listed] == [model.name for model in unshrink.list_models()]
    assert client.get("/api/about").json()["limits"]["pixels"] == BOUNDS.pixels


def test_the_description_names_every_field(client):
    paths = client.get("/api/openapi.json").json()["paths"]
    assert {"/api/down", "/api/up", "/api/auto", "/api/models", "/api/jobs/{id}"} <= set(paths)
    form = paths["/api/down"]["post"]["requestBody"]["content"]["multipart/form-data"]["schema"]
    assert form["required"] == ["file"]
    assert {"file", "scale", "size", "max_side", "model", "lr_quality", "payload_budget"} <= set(form["properties"])


def test_the_page_loads_nothing_from_elsewhere(client):
    page = client.get("/")
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    for text in (page.text, client.get("/api").text, client.get("/style.css").text, client.get("/js/main.js").text):
        assert "http://" not in text.replace("http://www.w3.org", "")
        assert "https://" not in text
        assert " style=" not in text
        assert "onclick" not in text
    again = client.get("/", headers={"If-None-Match": page.headers["ETag"]})
    assert again.status_code == 304


def test_every_kind_of_error_has_a_status():
    kinds = [kind for kind in vars(answers).values() if isinstance(kind, type) and issubclass(kind, UnshrinkError)]
    assert all(answers.failure(kind.__new__(kind)).status for kind in kinds)
    assert answers.failure(MemoryError()).status == 507
    assert answers.failure(OSError("broken")).status == 500


def test_lr_files_say_what_they_were_made_of(small):
    assert "FROM" in inspect(small)["sections"]
