"""`--payload-budget`: how much of a latent is kept, from all to nothing."""

import pytest

from unshrink.cli.quantities import read_bytes
from unshrink.errors import UsageError
from unshrink.files.lrfile import inspect
from unshrink.models import registry
from unshrink.models.weights import write_weights


@pytest.fixture(scope="module")
def latent_weights(tmp_path_factory):
    folder = tmp_path_factory.mktemp("latent") / "irn-m-x2"
    write_weights(registry.build(registry.get("irn-m-x2")), "irn-m-x2", folder)
    return str(folder)


def _section(path):
    return inspect(path.read_bytes())["sections"].get("LATN", 0)


def test_a_budget_bounds_the_section_and_the_file_restores(call, draw, latent_weights):
    photo = draw("photo.png", (90, 130))
    sizes = {}
    for budget in ("", "150B", "0"):
        options = ["--payload-budget", budget] if budget else []
        made = photo.with_name(f"small{budget}.png")
        done = call("down", str(photo), "-o", str(made), "--weights", latent_weights, "--no-exact-blocks", *options)
        assert done.code == 0, done.err
        sizes[budget] = _section(made)
        restored = call("up", str(made), "-o", str(photo.with_name(f"back{budget}.png")), "--weights", latent_weights)
        assert restored.code == 0, restored.err
    assert sizes[""] > 150 >= sizes["150B"] > 0 == sizes["0"]


def test_what_is_kept_pays_off_and_is_reported(call, draw, latent_weights):
    photo = draw("photo.png", (90, 130))
    options = ["--weights", latent_weights, "--no-exact-blocks", "--json"]
    whole = call("roundtrip", str(photo), *options).json
    none = call("roundtrip", str(photo), *options, "--payload-budget", "0").json
    whole, none = (report["results"][0] for report in (whole, none))
    assert whole["psnr_rgb"] > none["psnr_rgb"] + 0.2
    assert whole["payload_bytes"] > none["payload_bytes"] == 0


def test_a_file_with_a_budget_opens_plainly_too(call, draw, latent_weights):
    photo = draw("photo.png")
    assert call("down", str(photo), "-o", "small.png", "--weights", latent_weights).code == 0
    assert call("up", "small.png", "-o", "plain.png", "--plain", "--weights", latent_weights).code == 0


def test_a_model_without_a_latent_refuses(call, draw, weights):
    done = call("down", str(draw("photo.png")), "--weights", weights[2], "--payload-budget", "20kB")
    assert done.code == 2
    assert "irn-q-x2 has no latent payload" in done.err


@pytest.mark.parametrize("text", ["", "20", "20 kb", "-1kB", "1e3B", "kB", "20kBps", "٢kB"])
def test_what_is_no_amount_is_refused(call, draw, text):
    done = call("down", str(draw("photo.png")), "--payload-budget", text)
    assert done.code == 2
    assert "no amount of bytes" in done.err


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("0", 0),
        ("20kB", 20_000),
        ("1.5 MB", 1_500_000),
        ("2KiB", 2048),
        ("0.0015kB", 1),
        ("3B", 3),
        ("1MiB", 1 << 20),
        ("2GB", 2 * 10**9),
        ("1GiB", 1 << 30),
    ],
)
def test_amounts(text, count):
    assert read_bytes(text) == count


def test_the_message_names_what_is_understood():
    with pytest.raises(UsageError, match="kB, MB, GB, KiB, MiB or GiB"):
        read_bytes("20 kilobytes")
