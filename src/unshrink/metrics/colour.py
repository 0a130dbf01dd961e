"""How far apart colours look: CIEDE2000, of 8-bit sRGB pictures."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
_TO_XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)
_WHITE = np.array([0.95047, 1.0, 1.08883])
_STRIP = 1 << 18
"""Pixels at once; bounds memory."""


def ciede2000(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> Floats:
    """CIEDE2000 of each pixel of two sRGB pictures (h, w, 3): (h, w), 1 being about what an eye just tells apart.

    Grey pictures (h, w) are compared as sRGB greys. Source: Sharma, Wu & Dalal, Color Research & Application 2005.
    Raises ValueError where the shapes differ.
    """
    if one.shape != other.shape:
        raise ValueError(f"pictures of {one.shape} and {other.shape} cannot be compared")
    flat = [(x if x.ndim == 3 else x[..., None].repeat(3, axis=2)).reshape(-1, 3) for x in (one, other)]
    parts = [_difference(*(to_lab(x[at : at + _STRIP]) for x in flat)) for at in range(0, len(flat[0]), _STRIP)]
    return np.concatenate(parts).reshape(one.shape[:2])


def to_lab(rgb: NDArray[np.uint8]) -> Floats:
    """sRGB (..., 3) of 8 bits -> CIELAB, D65."""
    value = rgb / 255.0
    linear = np.where(value > 0.04045, ((value + 0.055) / 1.055) ** 2.4, value / 12.92)
    xyz = linear @ _TO_XYZ.T / _WHITE
    root = np.where(xyz > 216 / 24389, np.cbrt(xyz), (24389 / 27 * xyz + 16) / 116)
    x, y, z = np.moveaxis(root, -1, 0)
    lab: Floats = np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1)
    return lab


def _difference(one: Floats, other: Floats) -> Floats:
    """CIEDE2000 of CIELAB colours (N, 3)."""
    (l1, a1, b1), (l2, a2, b2) = one.T, other.T
    chroma = (np.hypot(a1, b1) + np.hypot(a2, b2)) / 2
    g = 0.5 * (1 - np.sqrt(chroma**7 / (chroma**7 + 25.0**7)))
    a1, a2 = (1 + g) * a1, (1 + g) * a2
    c1, c2 = np.hypot(a1, b1), np.hypot(a2, b2)
    h1, h2 = np.degrees(np.arctan2(b1, a1)) % 360, np.degrees(np.arctan2(b2, a2)) % 360
    grey = c1 * c2 == 0
    turn = np.where(grey, 0, (h2 - h1 + 180) % 360 - 180)
    hue = np.where(grey, h1 + h2, (h1 + turn / 2) % 360)
    light, c = (l1 + l2) / 2, (c1 + c2) / 2
    delta_hue = 2 * np.sqrt(c1 * c2) * np.sin(np.radians(turn / 2))
    t = 1 - 0.17 * _cos(hue - 30) + 0.24 * _cos(2 * hue) + 0.32 * _cos(3 * hue + 6) - 0.20 * _cos(4 * hue - 63)
    s_light = 1 + 0.015 * (light - 50) ** 2 / np.sqrt(20 + (light - 50) ** 2)
    s_chroma, s_hue = 1 + 0.045 * c, 1 + 0.015 * c * t
    rotation = 2 * np.sqrt(c**7 / (c**7 + 25.0**7)) * np.sin(np.radians(60 * np.exp(-(((hue - 275) / 25) ** 2))))
    dl, dc, dh = (l2 - l1) / s_light, (c2 - c1) / s_chroma, delta_hue / s_hue
    total: Floats = np.sqrt(np.maximum(dl**2 + dc**2 + dh**2 - rotation * dc * dh, 0))
    return total


def _cos(degrees: Floats) -> Floats:
    cosine: Floats = np.cos(np.radians(degrees))
    return cosine
