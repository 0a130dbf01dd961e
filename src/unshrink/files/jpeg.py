"""JPEG as a list of segments (ITU-T T.81, annex B), walked without decoding; pixels are left to Pillow."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from unshrink.errors import LimitError, UnreadableInputError

__all__ = ["ARITHMETIC", "LOSSLESS", "Frame", "Jpeg", "Scan", "Segment", "walk"]

LOSSLESS = (0xC3, 0xC5, 0xC6, 0xC7, 0xCB, 0xCD, 0xCE, 0xCF)
"""Frame markers of lossless and hierarchical coding."""
ARITHMETIC = (0xC9, 0xCA)
"""Frame markers of arithmetic coding."""
_FRAMES = (0xC0, 0xC1, 0xC2, *ARITHMETIC, *LOSSLESS)
_SOI, _EOI, _SOS, _DRI = 0xD8, 0xD9, 0xDA, 0xDD
_ALONE = (0x01, _SOI, *range(0xD0, 0xD8))
_NEXT_MARKER = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")
_RESTART = re.compile(rb"\xff[\xd0-\xd7]")


class Segment(NamedTuple):
    """A marker and where its data stand."""

    marker: int
    start: int
    end: int


class Frame(NamedTuple):
    """What the frame header says."""

    marker: int
    precision: int
    """Bits per sample."""
    height: int
    width: int
    sampling: dict[int, tuple[int, int]]
    """Horizontal and vertical sampling factor by number of component."""


class Scan(NamedTuple):
    """One run of coded samples."""

    components: tuple[int, ...]
    start: int
    end: int
    """Where its coded bytes begin and end."""
    interval: int
    """Units between restart markers; 0 for none."""
    band: tuple[int, int]
    """The first and last coefficient that it has, 0 to 63."""
    left: int
    """How many bits of them it leaves to later scans."""


@dataclass(frozen=True)
class Jpeg:
    """A JPEG file taken apart."""

    segments: list[Segment]
    frame: Frame
    scans: list[Scan]
    end: int | None
    """Where the picture ends, behind its end mark; None where that is missing."""

    def missing_scans(self) -> bool:
        """Whether some bits of some coefficients are in no scan."""
        left = {component: [16] * 64 for component in self.frame.sampling}
        for scan in self.scans:
            for component in scan.components:
                for at in range(scan.band[0], min(scan.band[1], 63) + 1):
                    left.get(component, [0] * 64)[at] = scan.left
        return any(map(any, left.values()))

    def missing_restarts(self, data: bytes) -> bool:
        """Whether a scan has fewer restart markers than its size asks for, and so ends early."""
        return any(scan.interval and self._restarts(scan, data) < self._expected(scan) for scan in self.scans)

    def _restarts(self, scan: Scan, data: bytes) -> int:
        return sum(1 for _ in _RESTART.finditer(data, scan.start, scan.end))

    def _expected(self, scan: Scan) -> int:
        return (self._units(scan) - 1) // scan.interval

    def _units(self, scan: Scan) -> int:
        across = max(h for h, _ in self.frame.sampling.values())
        down = max(v for _, v in self.frame.sampling.values())
        if len(scan.components) > 1:
            return _ceil(self.frame.width, 8 * across) * _ceil(self.frame.height, 8 * down)
        h, v = self.frame.sampling.get(scan.components[0], (1, 1))
        return _ceil(_ceil(self.frame.width * h, across), 8) * _ceil(_ceil(self.frame.height * v, down), 8)


def walk(data: bytes, name: str, *, max_scans: int) -> Jpeg:
    """The segments, frame and scans of the first picture in `data`.

    Raises UnreadableInputError where there is no frame or no scan, and LimitError for more than `max_scans`, which take
    a decoder minutes for a few bytes.
    """
    segments: list[Segment] = []
    scans: list[Scan] = []
    frame, interval, end = None, 0, None
    for segment in _segments(data):
        if segment.marker == _EOI:
            end = segment.end
            break
        if segment.marker == _SOS:
            following = _NEXT_MARKER.search(data, segment.end)
            scans.append(_scan(data, segment, following.start() if following else len(data), interval))
        elif segment.marker == _DRI and segment.end - segment.start >= 2:
            interval = int.from_bytes(data[segment.start : segment.start + 2])
        elif segment.marker in _FRAMES and frame is None:
            frame = _frame(data, segment)
        segments.append(segment)
        if len(scans) > max_scans:
            raise LimitError(
                f"{name} is a JPEG of more than {max_scans} scans; save it anew as an ordinary JPEG first."
            )
    if frame is None or not scans:
        raise UnreadableInputError(f"{name} is damaged or cut short: the JPEG holds no picture; get a good copy.")
    return Jpeg(segments, frame, scans, end)


def _segments(data: bytes) -> Iterator[Segment]:
    at = 2
    while (marker := _NEXT_MARKER.search(data, at)) is not None:
        kind, start = data[marker.end() - 1], marker.end()
        if kind == _EOI or kind in _ALONE:
            yield Segment(kind, start, start)
            at = start
            continue
        length = int.from_bytes(data[start : start + 2])
        if length < 2 or start + length > len(data):
            return
        yield Segment(kind, start + 2, start + length)
        at = start + length


def _frame(data: bytes, segment: Segment) -> Frame | None:
    held = data[segment.start : segment.end]
    if len(held) < 6:
        return None
    precision, height, width, count = struct.unpack_from(">BHHB", held)
    parts = [held[at : at + 3] for at in range(6, 6 + 3 * count, 3)]
    sampling = {part[0]: (part[1] >> 4 or 1, part[1] & 15 or 1) for part in parts if len(part) == 3}
    return Frame(segment.marker, precision, height, width, sampling or {1: (1, 1)})


def _scan(data: bytes, segment: Segment, end: int, interval: int) -> Scan:
    count = data[segment.start] if segment.end > segment.start else 0
    components = tuple(data[segment.start + 1 : segment.start + 1 + 2 * count : 2])
    about = data[segment.start + 1 + 2 * count : segment.end]
    first, last, bits = about[:3] if len(about) >= 3 else (0, 63, 0)
    return Scan(components or (1,), segment.end, end, interval, (first, last), bits & 15)


def _ceil(number: int, by: int) -> int:
    return -(-number // by)
