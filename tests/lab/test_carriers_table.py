"""The table of carriers: a row for each, into the page; a page without marks is told."""

from lab import carriers


def test_a_row_for_each_carrier(pictures, tmp_path, capsys):
    page = tmp_path / "page.md"
    page.write_text("# Carriers\n")
    assert carriers.main([str(pictures), "--page", str(page)]) == 2
    assert "has no marks" in capsys.readouterr().err
    page.write_text("<!-- carriers -->\n<!-- end of carriers -->\n")
    assert carriers.main([str(pictures), "--page", str(page)]) == 0
    rows = [line.split(" | ") for line in page.read_text().splitlines() if line.startswith("| `")]
    assert [row[0].strip("| `") for row in rows] == list(carriers.CARRIERS)
    over_white = [row[2] for row in rows]
    assert over_white[0] == "–"
    assert float(over_white[1]) < float(over_white[2]) < float(over_white[4])
