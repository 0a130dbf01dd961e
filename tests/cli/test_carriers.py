"""`--carrier`: where -A models keep their payload, on the command line."""

from __future__ import annotations

import pytest
import torch
from PIL import Image

from unshrink.models import registry
from unshrink.models.weights import write_weights


@pytest.fixture(scope="module")
def auxiliary(tmp_path_factory):
    """A folder of untrained weights of an -A model."""
    folder = tmp_path_factory.mktemp("auxiliary")
    torch.manual_seed(0)
    write_weights(registry.build(registry.get("irn-a-x2")), "irn-a-x2", folder)
    return str(folder)


@pytest.mark.parametrize(
    ("carrier", "mode", "least"), [("chunk", "RGB", 0), ("alpha", "RGBA", 1), ("floor", "RGBA", 192)]
)
def test_down_and_up(call, draw, auxiliary, carrier, mode, least, tmp_path):
    draw("photo.png", (25, 38))
    assert call("down", "photo.png", "--weights", auxiliary, "--carrier", carrier).code == 0
    with Image.open(tmp_path / "photo.x2.png") as small:
        assert small.mode == mode
        assert mode == "RGB" or small.getchannel("A").getextrema()[0] >= least
    stated = call("info", "photo.x2.png", "--json").json["results"][0]
    assert stated["carrier"] == ("chunk" if carrier == "chunk" else "alpha")
    assert ("PLNE" in stated["sections"]) == (carrier == "chunk")
    assert call("up", "photo.x2.png", "--weights", auxiliary).code == 0
    with Image.open(tmp_path / "photo.restored.png") as restored:
        assert (restored.mode, restored.size) == ("RGB", (38, 25))


def test_roundtrip_counts_the_payload(call, draw, auxiliary):
    draw("photo.png", (24, 38))
    sizes = {}
    for carrier in ("chunk", "alpha"):
        result = call(
            "roundtrip", "photo.png", "--weights", auxiliary, "--carrier", carrier, "--no-exact-blocks", "--json"
        )
        assert result.code == 0
        sizes[carrier] = result.json["results"][0]["payload_bytes"]
    assert sizes["chunk"] > sizes["alpha"] == 0


@pytest.mark.parametrize("carrier", ["zip", "floor:0", "floor:many"])
def test_an_unknown_carrier_is_told(call, draw, auxiliary, carrier):
    draw("photo.png", (8, 8))
    result = call("down", "photo.png", "--weights", auxiliary, "--carrier", carrier)
    assert result.code != 0
    assert "floor:N" in result.err


def test_a_model_without_payload_has_none_to_carry(call, draw, weights):
    draw("photo.png", (8, 8))
    result = call("down", "photo.png", "--weights", weights[2], "--carrier", "alpha")
    assert result.code != 0
    assert "no payload" in result.err
