"""Colour profiles: made from the numbers that PNG and AVIF state, and told apart (ICC.1:2022, version 4).

Whatever way a file says what its colours mean, it becomes an ICC profile, which every container can carry.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from unshrink.errors import UnsupportedPictureError

__all__ = ["coded_profile", "coloured", "describe", "fitting", "gamma_profile", "srgb_profile"]

Chromaticities = tuple[float, float, float, float, float, float, float, float]
"""x and y of white, red, green, blue."""

_D65, _D50 = (0.3127, 0.3290), (0.3457, 0.3585)
_SRGB: Chromaticities = (*_D65, 0.64, 0.33, 0.30, 0.60, 0.15, 0.06)
_CODED: Mapping[int, Chromaticities] = {
    1: _SRGB,
    4: (0.310, 0.316, 0.67, 0.33, 0.21, 0.71, 0.14, 0.08),
    5: (*_D65, 0.64, 0.33, 0.29, 0.60, 0.15, 0.06),
    6: (*_D65, 0.630, 0.340, 0.310, 0.595, 0.155, 0.070),
    7: (*_D65, 0.630, 0.340, 0.310, 0.595, 0.155, 0.070),
    9: (*_D65, 0.708, 0.292, 0.170, 0.797, 0.131, 0.046),
    11: (0.314, 0.351, 0.680, 0.320, 0.265, 0.690, 0.150, 0.060),
    12: (*_D65, 0.680, 0.320, 0.265, 0.690, 0.150, 0.060),
}
"""Colour primaries by their number in ITU-T H.273."""
_NAMES = {1: "sRGB", 4: "BT.470 M", 5: "BT.601 625", 6: "BT.601 525", 7: "ST 240", 9: "BT.2020", 11: "DCI-P3",
          12: "Display P3"}  # fmt: skip
_SRGB_CURVE = (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)
_CURVES: Mapping[int, tuple[float, ...]] = {
    # What viewers take for BT.709 and its kin is the sRGB curve, not the inverse of what a camera does.
    **dict.fromkeys((1, 6, 13, 14, 15), _SRGB_CURVE),
    4: (2.2,),
    5: (2.8,),
    8: (1.0,),
}
"""Transfer functions by their number there, as the parameters of an ICC curve."""
_HDR = {16: "PQ", 18: "HLG"}
_UNSPECIFIED = 2
_NEAR = 0.0006
_BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
_HEAD = 128


def srgb_profile(*, grey: bool) -> bytes:
    """The profile of sRGB, or of grey with the curve of sRGB."""
    return _profile("sRGB", None if grey else _SRGB, _SRGB_CURVE)


def gamma_profile(gamma: float, chromaticities: Chromaticities | None, *, grey: bool) -> bytes:
    """The profile for a PNG whose samples are light to the power of `gamma`, of those primaries (None: of sRGB).

    For the numbers that writers of sRGB give, it is `srgb_profile`.
    """
    primaries = chromaticities or _SRGB
    usual = all(abs(one - other) < _NEAR for one, other in zip(primaries, _SRGB, strict=True))
    if abs(gamma - 1 / 2.2) < _NEAR and (grey or usual):
        return srgb_profile(grey=grey)
    name = f"gamma {1 / gamma:.3g}" + ("" if usual or grey else ", own primaries")
    return _profile(name, None if grey else primaries, (1 / gamma,))


def coded_profile(primaries: int, transfer: int, name: str, *, grey: bool) -> bytes | None:
    """The profile for colours as ITU-T H.273 numbers them; None where they are unspecified.

    Raises UnsupportedPictureError for HDR and for numbers that are not handled; `name` is what messages call the file.
    """
    if transfer in _HDR:
        raise UnsupportedPictureError(
            f"{name} is an HDR picture ({_HDR[transfer]}); convert it to SDR first, as only 8 bits can be kept."
        )
    if _UNSPECIFIED in (primaries, transfer):
        return None
    if primaries not in _CODED or transfer not in _CURVES:
        raise UnsupportedPictureError(
            f"{name} has colours of code {primaries}/{transfer}, which are not handled; convert it to sRGB first."
        )
    if primaries == 1 and _CURVES[transfer] == _SRGB_CURVE:
        return srgb_profile(grey=grey)
    return _profile(_NAMES[primaries], None if grey else _CODED[primaries], _CURVES[transfer])


def fitting(icc: bytes | None, *, grey: bool) -> tuple[bytes | None, str | None]:
    """`icc`, or what replaces it where it is of another kind of picture, and a note on that.

    A grey picture with a profile of RGB keeps the profile's curve: what is shown stays the same.
    """
    space = (icc or b"")[16:20]
    if icc is None or space not in (b"RGB ", b"GRAY", b"CMYK") or space == (b"GRAY" if grey else b"RGB "):
        return icc, None
    curve = _tags(icc).get(b"gTRC") if grey and space == b"RGB " else None
    if curve is None:
        label = {b"RGB ": "RGB", b"GRAY": "grey", b"CMYK": "CMYK"}[space]
        return None, f"its colour profile is one of {label} pictures and is dropped"
    made = _assemble(describe(icc) or "grey", {b"wtpt": _xyz(_white(_D50)), b"kTRC": curve}, b"GRAY")
    return made, "its colour profile is one of RGB pictures; a grey one with the same curve takes its place"


def coloured(icc: bytes | None) -> bytes | None:
    """The profile of RGB that shows equal channels as a profile of grey shows them; any other comes back as it is."""
    if icc is None or icc[16:20] != b"GRAY":
        return icc
    curve = _tags(icc).get(b"kTRC")
    return None if curve is None else _assemble(describe(icc) or "grey", _matrix(_SRGB, curve), b"RGB ")


def describe(icc: bytes | None) -> str | None:
    """What the profile calls itself; None where it does not say."""
    data = _tags(icc or b"").get(b"desc", b"")
    if data[:4] == b"mluc" and len(data) >= 28:
        length, offset = struct.unpack_from(">II", data, 20)
        text = data[offset : offset + length].decode("utf-16-be", "replace")
    elif data[:4] == b"desc" and len(data) >= 12:
        text = data[12 : 12 + int.from_bytes(data[8:12])].decode("latin-1")
    else:
        return None
    return "".join(letter for letter in text[:100] if letter.isprintable()).strip() or None


def _tags(icc: bytes) -> dict[bytes, bytes]:
    """The tags that lie inside the profile, by signature."""
    count = int.from_bytes(icc[_HEAD : _HEAD + 4]) if len(icc) >= _HEAD + 4 else 0
    found = {}
    for at in range(_HEAD + 4, min(_HEAD + 4 + 12 * count, len(icc) - 11), 12):
        signature, offset, length = struct.unpack_from(">4sII", icc, at)
        if offset + length <= len(icc):
            found[signature] = icc[offset : offset + length]
    return found


@lru_cache(maxsize=32)
def _profile(name: str, primaries: Chromaticities | None, curve: tuple[float, ...]) -> bytes:
    """A display profile of RGB with those primaries, or for None of grey, with one curve."""
    trc = b"para" + bytes(4) + struct.pack(">HH", 0 if len(curve) == 1 else 3, 0) + b"".join(map(_fixed, curve))
    if primaries is None:
        return _assemble(name, {b"wtpt": _xyz(_white(_D50)), b"kTRC": trc}, b"GRAY")
    return _assemble(name, _matrix(primaries, trc), b"RGB ")


def _matrix(primaries: Chromaticities, trc: bytes) -> dict[bytes, bytes]:
    """The tags of a profile of RGB with one curve."""
    adapt, columns = _columns(primaries)
    chad = b"sf32" + bytes(4) + b"".join(_fixed(value) for value in adapt.ravel())
    tags = {b"wtpt": _xyz(_white(_D50)), b"chad": chad}
    tags |= {b"%cXYZ" % letter: _xyz(columns[:, index]) for index, letter in enumerate(b"rgb")}
    return tags | {b"%cTRC" % letter: trc for letter in b"rgb"}


def _columns(primaries: Chromaticities) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The adaptation from the primaries' white to D50, and XYZ of red, green, blue, so adapted, as columns."""
    white = _white(primaries[:2])
    of_unit = np.stack([_white(primaries[at : at + 2]) for at in (2, 4, 6)], axis=1)
    columns = of_unit * np.linalg.solve(of_unit, white)
    cones = np.diag((_BRADFORD @ _white(_D50)) / (_BRADFORD @ white))
    adapt: NDArray[np.float64] = np.linalg.inv(_BRADFORD) @ cones @ _BRADFORD
    return adapt, adapt @ columns


def _white(xy: tuple[float, ...]) -> NDArray[np.float64]:
    x, y = xy
    return np.array([x / y, 1, (1 - x - y) / y])


def _assemble(name: str, tags: Mapping[bytes, bytes], space: bytes) -> bytes:
    every = {b"desc": _text(name), b"cprt": _text("No copyright, use freely"), **tags}
    table, values, placed = [], b"", dict[bytes, int]()
    start = _HEAD + 4 + 12 * len(every)
    for signature, data in every.items():
        if data not in placed:
            placed[data] = start + len(values)
            values += data + bytes(-len(data) % 4)
        table.append(signature + struct.pack(">II", placed[data], len(data)))
    head = struct.pack(">I4sI", start + len(values), bytes(4), 0x04300000) + b"mntr" + space + b"XYZ " + bytes(12)
    head += b"acsp" + bytes(28) + b"".join(_fixed(value) for value in (0.9642, 1.0, 0.8249))
    return head.ljust(_HEAD, b"\0") + struct.pack(">I", len(every)) + b"".join(table) + values


def _text(text: str) -> bytes:
    coded = text.encode("utf-16-be")
    return b"mluc" + bytes(4) + struct.pack(">II2s2sII", 1, 12, b"en", b"US", len(coded), 28) + coded


def _xyz(values: NDArray[np.float64]) -> bytes:
    return b"XYZ " + bytes(4) + b"".join(_fixed(float(value)) for value in values)


def _fixed(value: float) -> bytes:
    return struct.pack(">i", round(value * 65536))
