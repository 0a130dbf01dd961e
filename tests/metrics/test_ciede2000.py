"""CIEDE2000 against the authors' own pairs and another implementation."""

import numpy as np
import pytest

from unshrink.metrics import colour


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [  # from the test data of Sharma, Wu & Dalal
        ((50, 2.6772, -79.7751), (50, 0, -82.7485), 2.0425),
        ((50, -1.3802, -84.2814), (50, 0, -82.7485), 1.0),
        ((50, 2.5, 0), (50, 0, -2.5), 4.3065),
        ((50, 2.5, 0), (73, 25, -18), 27.1492),
        ((60.2574, -34.0099, 36.2677), (60.4626, -34.1751, 39.4387), 1.2644),
        ((22.7233, 20.0904, -46.694), (23.0331, 14.973, -42.5619), 2.0373),
        ((2.0776, 0.0795, -1.135), (0.9033, -0.0636, -0.5514), 0.9082),
    ],
)
def test_published_pairs(one: tuple[float, ...], other: tuple[float, ...], expected: float) -> None:
    found = colour._difference(np.array([one], dtype=float), np.array([other], dtype=float))
    assert found[0] == pytest.approx(expected, abs=1e-4)


def test_pictures_as_another_implementation_has_them() -> None:
    skimage_color = pytest.importorskip("skimage.color", reason="scikit-image is not installed")
    one, other = np.random.default_rng(0).integers(0, 256, (2, 20, 30, 3)).astype(np.uint8)
    expected = skimage_color.deltaE_ciede2000(*(skimage_color.rgb2lab(x) for x in (one, other)))
    assert colour.ciede2000(one, other) == pytest.approx(expected, abs=2e-2)


def test_equal_pictures_do_not_differ() -> None:
    grey = np.arange(256, dtype=np.uint8).reshape(16, 16)
    assert colour.ciede2000(grey, grey).max() == 0
    with pytest.raises(ValueError, match="cannot be compared"):
        colour.ciede2000(grey, grey[:8])
