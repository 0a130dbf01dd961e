"""One kind of TIFF file (TIFF 6.0), written and read back: 8 bit samples in deflated strips, ICC, EXIF, a private tag.

Pillow, through libtiff, can write neither the directories that EXIF consists of nor a block of it unchanged.  Here the
EXIF block, a TIFF structure itself, becomes the beginning of the file: every offset in it, those inside maker notes
too, stays right.  Only the link to its first directory is bent to a new one that also describes the pixels.

``tiff_pixels`` reads exactly what ``tiff_bytes`` writes.  Other TIFF files are left to Pillow, whose libtiff reports
every damaged byte on the standard error stream by itself.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unshrink.errors import LimitError
from unshrink.files import tiff
from unshrink.files.exif import resolution_fields
from unshrink.files.metadata import Metadata

__all__ = ["exif_at_start", "tiff_bytes", "tiff_pixels"]

_BYTE, _SHORT, _LONG, _UNDEFINED = 1, 3, 4, 7
_XMP = 700
_CODES = {_SHORT: "H", _LONG: "I"}
_DEFLATE, _HORIZONTAL, _UNASSOCIATED = 8, 2, 2
_STRIP_BYTES = 1 << 18
_MAX_BYTES = 2**32 - 1


@dataclass(frozen=True)
class _Field:
    tag: int
    type: int
    count: int
    data: bytes


def tiff_bytes(samples: NDArray[np.uint8], *, metadata: Metadata, kept: tuple[int, ...], body: bytes | None) -> bytes:
    """Return a TIFF file of ``samples`` (H, W, C), C = 1 grey, 2 grey and alpha, 3 RGB, 4 RGB and alpha.

    Of the first directory of the EXIF block the tags in `kept` are listed in the file's own. Raises LimitError where
    the file would pass 4 GiB.
    """
    icc, exif, xmp = metadata.icc, metadata.exif, metadata.xmp
    order = tiff.byte_order(exif or b"") or "<"
    start = _even(exif or (b"II*\0" + bytes(4)))
    rows = _rows_per_strip(samples.shape)
    strips = _strips(samples, rows)
    offsets = np.cumsum([len(start), *(len(_even(strip)) for strip in strips)])
    if (
        int(offsets[-1]) + sum(len(held or b"") for held in (icc, xmp, body)) + 16 * len(strips) + (1 << 16)
        > _MAX_BYTES
    ):
        raise LimitError("A TIFF holds at most 4 GiB, and this picture needs more; write a PNG.")
    fields = _pixel_fields(samples.shape, rows, order)
    fields += [_numbers(273, _LONG, order, *offsets[:-1]), _numbers(279, _LONG, order, *map(len, strips))]
    fields += [_Field(_XMP, _BYTE, len(xmp), xmp)] if xmp else []
    if metadata.dpi:
        stated = resolution_fields(metadata.dpi, order)
        fields += [_Field(tag, kind, 1, values) for tag, (kind, values) in stated.items()]
    fields += [_Field(tiff.ICC_TAG, _UNDEFINED, len(icc), icc)] if icc else []
    fields += [_Field(tiff.BODY_TAG, _UNDEFINED, len(body), body)] if body else []
    inherited = _inherited(exif or b"", {*kept} - {field.tag for field in fields})
    directory = _directory(fields, inherited, int(offsets[-1]), order)
    link = struct.pack(order + "I", int(offsets[-1]))
    return b"".join([start[:4], link, start[8:], *map(_even, strips), directory])


def exif_at_start(data: bytes, length: int, offset: int) -> bytes:
    """Return the EXIF block that ``tiff_bytes`` put at the start: ``length`` bytes, its directory at ``offset``."""
    order = tiff.byte_order(data) or "<"
    return data[:4] + struct.pack(order + "I", offset) + data[8:length]


def tiff_pixels(data: bytes, *, max_pixels: int) -> NDArray[np.uint8] | None:
    """Return the samples (H, W, C) of a file that ``tiff_bytes`` wrote; None where it is of any other kind, or damaged.

    No more is allocated than the ``max_pixels`` that the stated size may have.
    """
    entries, order = tiff.first_directory(data), tiff.byte_order(data) or "<"
    shape = tuple(sum(_listed(data, entries, tag, 1)) for tag in (257, 256, 277))
    if not 1 <= shape[2] <= 4 or not 1 <= shape[0] * shape[1] <= max_pixels:
        return None
    rows = _rows_per_strip(shape)
    for field in _pixel_fields(shape, rows, order):
        if _listed(data, entries, field.tag, field.count) != _values(field, order):
            return None
    samples = np.empty(shape, dtype=np.uint8)
    tops = range(0, shape[0], rows)
    offsets, counts = (_listed(data, entries, tag, len(tops)) for tag in (273, 279))
    if not offsets or not counts:
        return None
    places = zip(tops, offsets, counts, strict=True)
    sound = all(_fill(samples[top : top + rows], data[at : at + count]) for top, at, count in places)
    return samples if sound else None


def _listed(data: bytes, entries: dict[int, tiff.Entry], tag: int, count: int) -> tuple[int, ...]:
    """Return the ``count`` numbers of a tag; empty where it is missing or has another count."""
    entry = entries.get(tag)
    return tiff.integers(data, entry) if entry is not None and entry.number == count else ()


def _even(data: bytes) -> bytes:
    return data + b"\0" * (len(data) % 2)


def _rows_per_strip(shape: tuple[int, ...]) -> int:
    return max(1, _STRIP_BYTES // max(1, shape[1] * shape[2]))


def _strips(samples: NDArray[np.uint8], rows: int) -> list[bytes]:
    return [_strip(samples[top : top + rows]) for top in range(0, samples.shape[0], rows)]


def _strip(samples: NDArray[np.uint8]) -> bytes:
    differences = samples.copy()
    differences[:, 1:] -= samples[:, :-1]  # modulo 256, as the horizontal predictor wants it
    return zlib.compress(differences.tobytes(), 6)


def _fill(samples: NDArray[np.uint8], strip: bytes) -> bool:
    """Put the strip's samples into place; False where it does not hold exactly as many."""
    inflater = zlib.decompressobj()
    try:
        inflated = inflater.decompress(strip, samples.size + 1)
    except zlib.error:
        return False
    if len(inflated) != samples.size or not inflater.eof:
        return False
    differences = np.frombuffer(inflated, dtype=np.uint8).reshape(samples.shape)
    np.cumsum(differences, axis=1, dtype=np.uint8, out=samples)
    return True


def _values(field: _Field, order: str) -> tuple[int, ...]:
    return struct.unpack(f"{order}{field.count}{_CODES[field.type]}", field.data)


def _numbers(tag: int, kind: int, order: str, *values: int) -> _Field:
    return _Field(tag, kind, len(values), struct.pack(f"{order}{len(values)}{_CODES[kind]}", *map(int, values)))


def _pixel_fields(shape: tuple[int, ...], rows: int, order: str) -> list[_Field]:
    height, width, channels = shape
    fields = [
        _numbers(256, _LONG, order, width),
        _numbers(257, _LONG, order, height),
        _numbers(258, _SHORT, order, *[8] * channels),
        _numbers(259, _SHORT, order, _DEFLATE),
        _numbers(262, _SHORT, order, 1 if channels < 3 else 2),
        _numbers(277, _SHORT, order, channels),
        _numbers(278, _LONG, order, rows),
        _numbers(284, _SHORT, order, 1),
        _numbers(317, _SHORT, order, _HORIZONTAL),
    ]
    return fields + ([_numbers(338, _SHORT, order, _UNASSOCIATED)] if channels in (2, 4) else [])


def _inherited(exif: bytes, tags: set[int]) -> dict[int, bytes]:
    """Return the directory entries of ``exif`` as they stand: the offsets in them hold in the new file too."""
    entries = tiff.first_directory(exif)
    return {tag: exif[entry.at : entry.at + 12] for tag, entry in entries.items() if tag in tags}


def _directory(fields: list[_Field], inherited: dict[int, bytes], offset: int, order: str) -> bytes:
    """Return the directory, which stands at ``offset``, followed by the values that do not fit into its entries."""
    count = len(fields) + len(inherited)
    entries, values, at = dict(inherited), [], offset + 2 + 12 * count + 4
    for field in fields:
        inline = len(field.data) <= 4
        value = field.data.ljust(4, b"\0") if inline else struct.pack(order + "I", at)
        entries[field.tag] = struct.pack(order + "HHI", field.tag, field.type, field.count) + value
        if not inline:
            values.append(_even(field.data))
            at += len(values[-1])
    listed = [entries[tag] for tag in sorted(entries)]
    return b"".join([struct.pack(order + "H", count), *listed, bytes(4), *values])
