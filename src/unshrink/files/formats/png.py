"""The format PNG."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Mapping, Sequence
from typing import Any

from PIL.PngImagePlugin import PngImageFile

from unshrink.errors import UnreadableInputError, UnsupportedPictureError
from unshrink.files import colour, png, pngtext
from unshrink.files.checks import check_size, refuse_bits, refuse_frames
from unshrink.files.formats.base import Format, Job, Located, Metadata, PictureFile, Prepared, begins_with
from unshrink.limits import Limits

__all__ = ["PNG"]

_PIXEL_CHUNKS = (b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND")
# On photographs level 9 saves 0.3 % over level 6 and takes half as long again: worth it for small pictures only.
_BEST_COMPRESSION_PIXELS = 4_000_000
_METRE = 0.0254  # to the inch
_INFLATED_AT_ONCE = 1 << 20
# Row and column of the first pixel, and steps between them, of the seven passes of an interlaced picture.
_PASSES = ((0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1))
_SAMPLES = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
_CHROMATICITIES = 100_000


def _prepare(file: PictureFile, max_pixels: int, limits: Limits) -> Prepared:
    chunks: list[png.Chunk] = file.parts
    head = png.head(chunks)
    check_size(head[:2], max_pixels, file.name)
    if head.depth == 16:
        refuse_bits(file.name, "16")
    if png.frame_count(chunks) > 1:
        refuse_frames(file.name, "an animated PNG")
    key = png.only(chunks, b"tRNS") if head.colour == 0 and head.depth in (2, 4) else None
    # Pillow stretches 2 and 4 bit grey to 8 bits but leaves the transparent value as it was.
    grey_key = int.from_bytes(key[:2]) * (255 // (2**head.depth - 1)) if key else None
    text = pngtext.read(chunks, limits)
    metadata = Metadata(
        icc=_profile(chunks, limits, file.name),
        exif=png.only(chunks, b"eXIf") or text.exif,
        xmp=text.xmp,
        dpi=_dpi(chunks),
    )
    notes = [*_fullness(chunks, head, limits, file.name), *text.notes]
    if chunks[-1].kind != b"IEND":
        notes.append("its end mark is missing; nothing else is")
        chunks = [*chunks, png.Chunk(b"IEND", b"")]
    plain = chunks is file.parts and all(chunk.kind in _PIXEL_CHUNKS for chunk in chunks)
    pixels = file.data if plain else png.join(chunk for chunk in chunks if chunk.kind in _PIXEL_CHUNKS)
    return Prepared(pixels, metadata, tuple(notes), grey_key)


def _fullness(chunks: Sequence[png.Chunk], head: png.Head, limits: Limits, name: str) -> list[str]:
    """A note where rows are missing and that is allowed; Pillow would leave them black without a word."""
    wanted, held = _inflated_size(head, chunks[0].data[12]), 0
    inflater = zlib.decompressobj()
    try:
        for chunk in chunks:
            data = chunk.data if chunk.kind == b"IDAT" else b""
            while data and held <= wanted:
                held += len(inflater.decompress(data, _INFLATED_AT_ONCE))
                data = inflater.unconsumed_tail
    except zlib.error as error:
        raise UnreadableInputError(
            f"{name} is damaged: its pixels do not unpack ({error}); get a good copy."
        ) from error
    if held >= wanted:
        return []
    if not limits.lenient or not held:
        raise UnreadableInputError(
            f"{name} is cut short: it holds {held} of {wanted} bytes of pixels; get a whole copy, or read what there "
            "is of it (--lenient)."
        )
    return [f"it holds only {held} of {wanted} bytes of pixels; the rest is empty"]


def _inflated_size(head: png.Head, interlaced: int) -> int:
    bits = _SAMPLES.get(head.colour, 1) * head.depth
    if not interlaced:
        return head.height * (1 + (head.width * bits + 7) // 8)
    total = 0
    for top, left, down, across in _PASSES:
        rows, columns = -(-(head.height - top) // down), -(-(head.width - left) // across)
        total += rows * (1 + (columns * bits + 7) // 8) if rows > 0 and columns > 0 else 0
    return total


def _profile(chunks: Sequence[png.Chunk], limits: Limits, name: str) -> bytes | None:
    """The profile that is stated, in the order of precedence of the specification: cICP, iCCP, sRGB, gAMA and cHRM."""
    grey = png.head(chunks).colour in (0, 4)
    coded = png.only(chunks, b"cICP") or b""
    if len(coded) == 4:
        if coded[2] or not coded[3]:
            raise UnsupportedPictureError(f"{name} is no full-range RGB (cICP); convert it to sRGB first.")
        found = colour.coded_profile(coded[0], coded[1], name, grey=grey)
        if found is not None:
            return found
    found = png.icc_profile(chunks, limits, name)
    if found is not None:
        return found
    if png.only(chunks, b"sRGB") is not None:
        return colour.srgb_profile(grey=grey)
    gamma = int.from_bytes((png.only(chunks, b"gAMA") or b"")[:4]) / _CHROMATICITIES
    held = png.only(chunks, b"cHRM") or b""
    numbers = struct.unpack(">8I", held) if len(held) == 32 else ()
    points = tuple(number / _CHROMATICITIES for number in numbers) if all(numbers) and numbers else None
    if not 0.01 <= gamma <= 100:
        gamma = 0
    if not gamma and points is None:
        return None
    return colour.gamma_profile(gamma or 1 / 2.2, points, grey=grey)


def _dpi(chunks: Sequence[png.Chunk]) -> tuple[float, float] | None:
    held = png.only(chunks, b"pHYs") or b""
    if len(held) != 9 or held[8] != 1:
        return None
    across, down, _ = struct.unpack(">IIB", held)
    return (across * _METRE, down * _METRE) if across and down else None


def _encode(job: Job) -> bytes:
    level = 9 if job.image.width * job.image.height <= _BEST_COMPRESSION_PIXELS else 6
    extra = _chunks_of(job.metadata, grey=job.image.mode in ("L", "LA"))
    extra += png.body_chunks(job.body, job.limits) if job.body else []
    stream = _Stream(png.join(extra)[len(png.SIGNATURE) :])
    job.image.save(stream, "PNG", compress_level=level)
    return stream.getvalue()


def _chunks_of(metadata: Metadata, *, grey: bool) -> list[png.Chunk]:
    chunks = []
    if metadata.icc:
        srgb = metadata.icc == colour.srgb_profile(grey=grey)
        chunks.append(png.Chunk(b"sRGB", b"\0") if srgb else png.icc_chunk(metadata.icc))
    if metadata.dpi:
        sides = [min(2**31 - 1, max(1, round(number / _METRE))) for number in metadata.dpi]
        chunks.append(png.Chunk(b"pHYs", struct.pack(">IIB", *sides, 1)))
    if metadata.exif:
        chunks.append(png.Chunk(b"eXIf", metadata.exif))
    if metadata.xmp:
        chunks.append(pngtext.xmp_chunk(metadata.xmp))
    return chunks


class _Stream(io.BytesIO):
    """Takes a PNG as it is written, and puts chunks of ours after its first, so that no second copy is needed."""

    def __init__(self, extra: bytes) -> None:
        super().__init__()
        self._extra = extra

    def write(self, data: Any) -> int:  # bytes or anything like them
        if self.tell() == png.HEAD_END:
            super().write(self._extra)
        return super().write(data)


class _Container:
    """A body in unSH chunks."""

    def holds(self, data: bytes) -> bool:
        return any(kind == png.BODY_CHUNK for kind in png.kinds(data))

    def locate(self, file: PictureFile, limits: Limits) -> Located:
        head = png.head(file.parts)
        return Located((head.height, head.width), png.join_body(file.parts, limits, file.name))

    def strip(self, file: PictureFile) -> bytes:
        return png.join(chunk for chunk in file.parts if chunk.kind != png.BODY_CHUNK)

    def carried(self, metadata: Metadata) -> Metadata:
        return metadata

    def sections(self, exif: bytes | None) -> Mapping[str, bytes]:
        del exif
        return {}

    def exif(self, file: PictureFile, sections: Mapping[str, bytes], block: bytes | None) -> bytes | None:
        del file, sections
        return block


PNG = Format(
    kind="png",
    endings=(".png",),
    begins=begins_with(png.SIGNATURE),
    plugin=PngImageFile,
    feature="zlib",
    take_apart=png.read_chunks,
    prepare=_prepare,
    encode=_encode,
    container=_Container(),
)
