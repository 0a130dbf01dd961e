"""The packaged table of published figures."""

from __future__ import annotations

from unshrink.evaluate.published import published, published_rows


def test_every_row_is_whole_and_plausible() -> None:
    assert len(published()) > 100
    for row in published():
        assert row.system
        assert row.source
        assert row.set in {"Set5", "Set14", "BSD100", "Urban100", "DIV2K"}
        assert row.psnr_y is not None
        assert 20 < row.psnr_y < 55
        assert row.ssim_y is None or 0.5 < row.ssim_y < 1
        assert row.payload in {"none", "alpha", "metadata"}


def test_no_figure_is_listed_twice_with_the_same_source() -> None:
    keys = [(row.system, row.scale, row.set, row.source) for row in published()]
    assert len(set(keys)) == len(keys)


def test_rows_are_chosen_by_scale_and_set() -> None:
    rows = published_rows(2, ["SET14", "nonsense"])
    assert {(row["scale"], row["set"]) for row in rows} == {(2.0, "Set14")}
    assert [row["psnr_y"] for row in rows if row["system"] == "DLV-IRN"] == [42.16]
    assert published_rows(7, ["Set5"]) == []
