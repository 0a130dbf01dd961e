"""TIFF files of any kind, written field by field, so that tests need no other program's writer."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping, Sequence

import numpy as np

BYTE, ASCII, SHORT, LONG = 1, 2, 3, 4
Fields = Mapping[int, tuple[int, Sequence[int] | bytes]]
CODES = {BYTE: "B", SHORT: "H", LONG: "I", 16: "Q"}


def tiff(
    pages: Sequence[Fields], data: Sequence[bytes], *, order: str = "<", big: bool = False, below: Sequence[Fields] = ()
) -> bytes:
    """A file of `pages`; tag 273 of each names pieces of `data` by number, and so does 279; 330 names `below`."""
    at, places = 16 if big else 8, []
    for piece in data:
        places.append(at)
        at += len(piece) + len(piece) % 2
    body = b"".join(piece + b"\0" * (len(piece) % 2) for piece in data)
    every = [*pages, *below]
    sizes = [len(_directory(page, 0, 0, places, data, [0] * len(below), order, big)) for page in every]
    starts = [at + sum(sizes[:index]) for index in range(len(every))]
    subs = starts[len(pages) :]
    out = []
    for index, page in enumerate(every):
        following = starts[index + 1] if index + 1 < len(pages) else 0
        out.append(_directory(page, starts[index], following, places, data, subs, order, big))
    magic = (b"II" if order == "<" else b"MM") + struct.pack(order + "H", 43 if big else 42)
    magic += struct.pack(order + "HHQ", 8, 0, starts[0]) if big else struct.pack(order + "I", starts[0])
    return magic + body + b"".join(out)


def _directory(page, start, following, places, data, subs, order, big) -> bytes:
    word, inline, entry, count = ("Q", 8, "HHQ", "Q") if big else ("I", 4, "HHI", "H")
    at = start + struct.calcsize("<" + count) + (struct.calcsize("<" + entry) + inline) * len(page) + inline
    listed, values = b"", b""
    for tag, (kind, given) in sorted(page.items()):
        if tag in (273, 324):
            given, kind = [places[number] for number in given], 16 if big else LONG
        elif tag in (279, 325):
            given, kind = [len(data[number]) for number in given], LONG
        elif tag == 330:
            given, kind = [subs[number] for number in given], LONG
        packed = given if isinstance(given, bytes) else struct.pack(f"{order}{len(given)}{CODES[kind]}", *given)
        listed += struct.pack(order + entry, tag, kind, len(given))
        if len(packed) <= inline:
            listed += packed.ljust(inline, b"\0")
        else:
            listed += struct.pack(order + word, at + len(values))
            values += packed + b"\0" * (len(packed) % 2)
    return struct.pack(order + count, len(page)) + listed + struct.pack(order + word, following) + values


def picture_fields(samples: np.ndarray, **more: tuple[int, Sequence[int] | bytes]) -> dict:
    """The fields of (H, W, C) uint8 `samples` in one strip, uncompressed, number 0 of the data."""
    height, width, channels = samples.shape
    bits = samples.dtype.itemsize * 8
    return {
        256: (LONG, [width]), 257: (LONG, [height]), 258: (SHORT, [bits] * channels), 259: (SHORT, [1]),
        262: (SHORT, [2 if channels > 2 else 1]), 273: (LONG, [0]), 277: (SHORT, [channels]), 278: (LONG, [height]),
        279: (LONG, [0]), 284: (SHORT, [1]),
    }  # fmt: skip


def simple(samples: np.ndarray, changes: Fields | None = None, *, order="<",
           big: bool = False) -> bytes:  # fmt: skip
    """One page of `samples` with some fields changed."""
    stored = samples.astype(samples.dtype.newbyteorder(order)).tobytes()
    return tiff([{**picture_fields(samples), **(changes or {})}], [stored], order=order, big=big)


def deflated_planes(samples: np.ndarray, extras: Sequence[int], **options) -> bytes:
    """Each channel in a deflated strip of its own."""
    channels = samples.shape[2]
    planes = [zlib.compress(np.ascontiguousarray(samples[..., index]).tobytes()) for index in range(channels)]
    changes = {259: (SHORT, [8]), 273: (LONG, range(channels)), 279: (LONG, range(channels)), 284: (SHORT, [2])}
    changes |= {338: (SHORT, extras)} if extras else {}
    return tiff([{**picture_fields(samples), **changes}], planes, **options)
