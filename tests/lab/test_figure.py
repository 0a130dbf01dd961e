"""The figure of the README."""

from pathlib import Path

from PIL import Image

from lab.figure import GAP, WINDOW, ZOOM, main

EXAMPLE = Path(__file__).parents[2] / "examples" / "circuit.png"


def test_four_panels_side_by_side(tmp_path):
    target = tmp_path / "figure.png"
    assert main([str(EXAMPLE), str(target), "--corner", "30", "20"]) == 0
    with Image.open(target) as figure, Image.open(EXAMPLE) as source:
        side = WINDOW * ZOOM
        assert figure.width == 4 * (side + GAP) - GAP
        original = figure.crop((0, 0, side, side)).resize((WINDOW, WINDOW), Image.Resampling.NEAREST)
        cut = source.convert("RGB").crop((30, 20, 30 + WINDOW, 20 + WINDOW))
        assert original.tobytes() == cut.tobytes()


def test_a_missing_picture_is_told(tmp_path, capsys):
    assert main([str(tmp_path / "none.png"), str(tmp_path / "figure.png")]) == 3
    assert "none.png" in capsys.readouterr().err
