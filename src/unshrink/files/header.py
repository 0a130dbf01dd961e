"""The header of an LR file: a frozen record, and its strict JSON form."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any, Literal

from unshrink.errors import DamagedLRFileError, LimitError, UsageError, nearest
from unshrink.limits import DEFAULT_LIMITS, Limits

__all__ = ["Header", "header_from_json", "header_to_json"]

CARRIERS = ("none", "chunk", "alpha", "pixels")
"""What a header may say of the model's own payload; a reader refuses any other word."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,99}")
_DIGEST = re.compile(r"[0-9a-f]{64}")
_MAX_SCALE = 64.0
_MAX_SIDE = 2**31 - 1
_MAX_WRITER = 100


@dataclass(frozen=True, kw_only=True)
class Header:
    """What an LR file says of itself.  Raises ``UsageError`` where a value is outside its range."""

    model: str
    """Name of the model that made it: a letter or digit, then up to 99 letters, digits and ``._+-``."""

    weights: str
    """SHA-256 of the weights file, 64 lower-case hexadecimal digits."""

    scale: tuple[float, float]
    """HR side over LR side, vertical and horizontal, 1 to 64."""

    size: tuple[int, int]
    """Height and width of the original picture, in pixels."""

    grey: bool
    """The original was grey and is restored as grey."""

    carrier: str
    """Where the model's own payload is: nowhere, in the alpha channel of the LR picture, in a section."""

    alpha: Literal["none", "resampled", "lossless"]
    """How the original's alpha comes back: it had none, from the LR alpha, from section ``ALPH``."""

    writer: str
    """Program and version that wrote the file, 1 to 100 printable ASCII characters."""

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if not _VALID[field.name](value):
                raise UsageError(f"The header value {field.name} = {value!r} is out of range; see docs/file-format.md.")

    def fits(self, lr_size: tuple[int, int]) -> bool:
        """Say whether an LR picture of that height and width is what this scale makes of this size, within a pixel."""
        return all(
            abs(small - large / scale) < 1 for small, large, scale in zip(lr_size, self.size, self.scale, strict=True)
        )

    def check(self, limits: Limits) -> None:
        """Raise ``LimitError`` where the original has more than ``limits.max_hr_pixels`` pixels."""
        if self.size[0] * self.size[1] > limits.max_hr_pixels:
            height, width = self.size
            raise LimitError(f"The original is {height} x {width} pixels, over the limit of {limits.max_hr_pixels}.")


def _pair_of(kind: type[int] | type[float], low: float, high: float) -> Callable[[Any], bool]:
    def valid(value: Any) -> bool:
        return (
            isinstance(value, tuple)
            and len(value) == 2
            and all(isinstance(v, kind | int) and not isinstance(v, bool) and low <= v <= high for v in value)
        )

    return valid


def _text_like(pattern: re.Pattern[str]) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, str) and pattern.fullmatch(value) is not None


_VALID: dict[str, Callable[[Any], bool]] = {
    "model": _text_like(_NAME),
    "weights": _text_like(_DIGEST),
    "scale": _pair_of(float, 1, _MAX_SCALE),
    "size": _pair_of(int, 1, _MAX_SIDE),
    "grey": lambda value: isinstance(value, bool),
    "carrier": lambda value: value in CARRIERS,
    "alpha": lambda value: value in ("none", "resampled", "lossless"),
    "writer": _text_like(re.compile(rf"[ -~]{{1,{_MAX_WRITER}}}")),
}


def header_to_json(header: Header) -> bytes:
    """Return the canonical JSON of ``header``: ASCII, keys sorted, no spaces, whole numbers without a point."""
    values = {field.name: getattr(header, field.name) for field in fields(header)}
    values["scale"] = [int(s) if float(s).is_integer() else float(s) for s in header.scale]
    return json.dumps(values, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode("ascii")


def header_from_json(data: bytes, *, limits: Limits = DEFAULT_LIMITS) -> Header:
    """Return the header in ``data``: every key once, none more, every value in its range.

    Raises ``DamagedLRFileError`` where it is not so, and ``LimitError`` beyond ``limits.max_header_bytes``.
    """
    if len(data) > limits.max_header_bytes:
        raise LimitError(f"The header has {len(data)} bytes, over the limit of {limits.max_header_bytes}.")
    try:
        values = json.loads(data.decode("ascii"), object_pairs_hook=_unique, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise DamagedLRFileError(f"The header is not proper JSON ({error}); get a good copy of the file.") from error
    if not isinstance(values, dict):
        raise DamagedLRFileError("The header is not a JSON object; get a good copy of the file.")
    _check_keys(values)
    try:
        return _header(values)
    except UsageError as error:
        raise DamagedLRFileError(f"The header holds a wrong value ({error}); get a good copy of the file.") from error


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) != len(pairs):
        raise ValueError("a key stands twice")
    return values


def _no_constant(text: str) -> float:
    raise ValueError(f"{text} is no number")


def _check_keys(values: dict[str, Any]) -> None:
    known = [field.name for field in fields(Header)]
    for key in values:
        if key not in known:
            near = nearest(key, known)
            hint = f" (nearest: {near!r})" if near else ""
            raise DamagedLRFileError(f"The header has the unknown key {key!r}{hint}; get a good copy of the file.")
    missing = [key for key in known if key not in values]
    if missing:
        raise DamagedLRFileError(f"The header lacks {', '.join(missing)}; get a good copy of the file.")


def _header(values: dict[str, Any]) -> Header:
    pairs = {key: tuple(values[key]) for key in ("scale", "size") if isinstance(values[key], list)}
    values = {**values, **pairs}
    if _VALID["scale"](values["scale"]):
        values["scale"] = tuple(map(float, values["scale"]))  # JSON has it as 4, the record as 4.0
    return Header(**values)
