"""`--memory`: what fits is done, what does not is refused before work begins."""

import pytest


def test_too_little_is_refused_by_every_command_with_what_is_needed(call, draw, weights):
    photo = draw("photo.png")
    small = photo.with_name("small.png")
    assert call("down", str(photo), str(small), "--weights", weights[4], "--memory", "64GB").code == 0
    for command in (["down", str(photo)], ["up", str(small)], ["roundtrip", str(photo)]):
        done = call(*command, "--weights", weights[4], "--memory", "50MB")
        assert done.code == 5
        assert "GB in all" in done.err
        assert "--memory" in done.err
    assert not photo.with_name("photo.x4.png").exists()


@pytest.mark.parametrize("amount", ["2", "lots", "-1GB"])
def test_an_amount_needs_a_unit(call, draw, amount):
    assert call("down", str(draw("photo.png")), "--memory", amount).code == 2


def test_decoding_is_not_begun_where_it_does_not_fit(call, draw, weights, monkeypatch):
    photo = draw("photo.jpg", (400, 400))

    def decode(*_, **__):
        raise AssertionError("decoded")

    monkeypatch.setattr("unshrink.files.picture.decode_image", decode)
    done = call("down", str(photo), "--weights", weights[4], "--memory", "50MB")
    assert done.code == 5
    assert "400x400" in done.err
