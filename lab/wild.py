"""Pictures of every kind that people have, and damaged in every way, each with what it shows: what reading is tried on.

Each is to be read as just that, or refused in one sentence; nothing else may come of it.
"""

from __future__ import annotations

import base64
import io
import struct
import zlib
from collections.abc import Iterator
from itertools import product
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from unshrink.errors import UnshrinkError
from unshrink.files import png
from unshrink.files.picture import read_picture

Pixels = NDArray[np.uint8]

SIZE = (27, 38)
"""Height and width: odd in every pass of an interlaced PNG."""
_PASSES = ((0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1))
_DEPTHS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}
_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}


class Wild(NamedTuple):
    """A file."""

    data: bytes
    shown: Pixels | None = None
    """What it shows, (H, W, 3) or with alpha (H, W, 4); None where only a refusal is right, or where `lossy`."""
    refused: str | None = None
    """Words of the refusal; None where it is to be read, "" where any refusal will do."""
    lossy: bool = False
    """Whether it is to be read, but nobody says as what exactly."""
    damaged: bool = False
    """Whether a refusal is as right as reading it as `shown`."""


_TO_CUT = (
    *("png colour 2, 8 bits", "png colour 6, 8 bits, interlaced", "jpeg, baseline", "jpeg, progressive"),
    *("webp, lossless, RGB", "webp, RGBA", "gif", "bmp, RGB", "ppm, RGB", "avif, RGB"),
    *("tiff, raw, RGB", "tiff, tiff_lzw, RGB", "tiff, group4", "tiff, jpeg inside"),
)
_ARITHMETIC = {
    "baseline": (
        "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDABsSFBcUERsXFhceHBsgKEIrKCUlKFE6PTBCYFVlZF9VXVtqeJmBanGQc1tdhbWGkJ6jq62rZ4C8"
        "ybqmx5moq6T/2wBDARweHigjKE4rK06kbl1upKSkpKSkpKSkpKSkpKSkpKSkpKSkpKSkpKSkpKSkpKSkpKSkpKSkpKSkpKSkpKSkpKT/yQAR"
        "CAAIAAgDASIAAhEBAxEB/8wACgAQEAUBEBEF/9oADAMBAAIRAxEAPwDLun6YqQXlHZ1Sfxj/2Q=="
    ),
    "progressive": (
        "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDABsSFBcUERsXFhceHBsgKEIrKCUlKFE6PTBCYFVlZF9VXVtqeJmBanGQc1tdhbWGkJ6jq62rZ4C8"
        "ybqmx5moq6T/2wBDARweHigjKE4rK06kbl1upKSkpKSkpKSkpKSkpKSkpKSkpKSkpKSkpKSkpKSkpKSkpKSkpKSkpKSkpKSkpKSkpKT/ygAR"
        "CAAIAAgDASIAAhEBAxEB/8wABgAQARD/2gAMAwEAAhADEAAAAcFTMP/MAAQQBf/aAAgBAQABBQL/zAAEEQX/2gAIAQMBAT8B/8wABBEF/9oA"
        "CAECAQE/ATwI/8wABBAF/9oACAEBAAY/AsD/zAAEEAX/2gAIAQEAAT8hqv/aAAwDAQACAAMAAAAQYP/MAAQRBf/aAAgBAwEBPxC+KP/MAAQR"
        "Bf/aAAgBAgEBPxDZgP/MAAQQBf/aAAgBAQABPxAC/9k="
    ),
}
"""Eight by eight pixels; nothing here writes such files."""


def pictures() -> dict[str, Wild]:
    """Every kind, by name."""
    found = dict(_pngs()) | dict(_damaged_pngs()) | dict(_jpegs()) | dict(_turned()) | dict(_others())
    return found | dict(_cut(found)) | dict(_refused())


def verdict(wild: Wild) -> str:
    """What becomes of a file: "shown" or "refused" where that is right, else what is wrong."""
    try:
        read = read_picture(wild.data)
    except UnshrinkError as error:
        said = str(error)
        right = wild.refused is not None and wild.refused in said and "\n" not in said
        return "refused" if right else f"refused by {type(error).__name__}: {said}"
    if not (wild.lossy or wild.damaged or wild.refused is None):
        return "read, which it should not be"
    shown = read.rgb if read.alpha is None else np.dstack([read.rgb, read.alpha])
    return "shown" if wild.shown is None or np.array_equal(shown, wild.shown) else "another picture"


def photo(channels: int = 3, seed: int = 0) -> Pixels:
    """A soft picture of `SIZE`."""
    coarse = np.random.default_rng(seed).integers(0, 256, (5, 6, 4), dtype=np.uint8)
    soft = np.asarray(Image.fromarray(coarse, "RGBA").resize(SIZE[::-1], Image.Resampling.BILINEAR))
    return np.ascontiguousarray(soft[..., 3:] if channels == 1 else soft[..., :channels])


def saved(image: Image.Image, kind: str, **options: Any) -> bytes:
    """What Pillow writes."""
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


# --- PNG ------------------------------------------------------------------------------------------------------------


def _pngs() -> Iterator[tuple[str, Wild]]:
    for colour, depths in _DEPTHS.items():
        for depth, interlaced, key in product(depths, (False, True), (False, True)):
            if key and colour in (4, 6):
                continue
            name = f"png colour {colour}, {depth} bits{', interlaced' * interlaced}{', with a key' * key}"
            values, chunks, shown = _of_kind(colour, depth, key)
            data = _png(values, depth, colour, chunks, interlaced=interlaced)
            yield name, Wild(data, refused="16 bits") if depth == 16 else Wild(data, shown)


def _of_kind(colour: int, depth: int, key: bool) -> tuple[NDArray[np.int64], list[png.Chunk], Pixels]:
    """Values (H, W, C) as they are stored, the chunks that explain them, and what they show."""
    rng = np.random.default_rng(depth * 8 + colour)
    values = rng.integers(0, 2**depth, (*SIZE, _CHANNELS[colour]))
    if colour == 3:
        palette = rng.integers(0, 256, (2**depth, 3), dtype=np.uint8)
        alpha = rng.integers(0, 256, 2**depth, dtype=np.uint8)
        chunks = [png.Chunk(b"PLTE", palette.tobytes()), *([png.Chunk(b"tRNS", alpha.tobytes())] if key else [])]
        entries = np.dstack([palette[None], alpha[None]])[0] if key else palette
        return values, chunks, entries[values[..., 0]]
    eight = np.rint(values / (2**depth - 1) * 255).astype(np.uint8)
    shown = eight.repeat(3, axis=2) if colour == 0 else eight
    shown = np.dstack([eight[..., :1].repeat(3, axis=2), eight[..., 1:]]) if colour == 4 else shown
    if not key:
        return values, [], shown
    clear = values[0, 0]
    alpha = np.where((values == clear).all(axis=2), 0, 255).astype(np.uint8)
    return values, [png.Chunk(b"tRNS", struct.pack(f">{len(clear)}H", *clear))], np.dstack([shown, alpha])


def _png(
    values: NDArray[np.int64], depth: int, colour: int, chunks: list[png.Chunk], *, interlaced: bool = False
) -> bytes:
    passes = [values[top::down, left::across] for top, left, down, across in _PASSES] if interlaced else [values]
    rows = b"".join(b"\0" + _packed(row, depth) for one in passes if one.size for row in one)
    head = struct.pack(">IIBBBBB", values.shape[1], values.shape[0], depth, colour, 0, 0, interlaced)
    return png.join([png.Chunk(b"IHDR", head), *chunks, png.Chunk(b"IDAT", zlib.compress(rows)), _END])


def _packed(row: NDArray[np.int64], depth: int) -> bytes:
    if depth == 16:
        return row.astype(">u2").tobytes()
    bits = np.unpackbits(row.astype(np.uint8).ravel()[:, None], axis=1)[:, 8 - depth :]
    return np.packbits(bits.ravel()).tobytes()


_END = png.Chunk(b"IEND", b"")


def _damaged_pngs() -> Iterator[tuple[str, Wild]]:
    """One fault each in a sound file; a reader may refuse it, or see through it."""
    shown = photo()
    rows = b"".join(b"\0" + row.tobytes() for row in shown)
    head, pixels = struct.pack(">IIBBBBB", SIZE[1], SIZE[0], 8, 2, 0, 0, 0), zlib.compress(rows)

    def made(head: bytes = head, pixels: bytes = pixels, before: bytes = b"", after: bytes = b"") -> bytes:
        return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", head) + before + _chunk(b"IDAT", pixels) + after + _chunk(b"IEND")

    text, wrong = _chunk(b"tEXt", b"Comment\0hello"), zlib.compress(b"\5" + rows[1:])
    parts = _chunk(b"IDAT", pixels[:40]), _chunk(b"IDAT", pixels[40:])
    begin = made()[:33]
    faults = {
        "no end mark": made()[:-12],
        "bytes behind its end": made() + b"PK\3\4" + bytes(99),
        "a wrong sum of its head": made()[:32] + b"?" + made()[33:],
        "a wrong sum of its pixels": made()[:-13] + b"?" + made()[-12:],
        "a wrong sum of its text": made(before=text[:-1] + b"?"),
        "a wrong sum in its stream": made(pixels=pixels[:-4] + bytes(4)),
        "a row too few": made(pixels=zlib.compress(rows[: -3 * SIZE[1]])),
        "a row too many": made(pixels=zlib.compress(rows + bytes(500))),
        "an unknown filter": made(pixels=wrong),
        "no stream": made(pixels=b""),
        "noise for a stream": made(pixels=bytes(range(200))),
        "two heads": made(before=_chunk(b"IHDR", head)),
        "an unknown chunk that counts": made(before=_chunk(b"ABCD", b"x")),
        "pixels in two pieces": begin + b"".join(parts) + _chunk(b"IEND"),
        "a text between its pixels": begin + text.join(parts) + _chunk(b"IEND"),
        "no width": made(head=bytes(4) + head[4:]),
        "a width of two thousand million": made(head=b"\x7f" + b"\xff" * 3 + head[4:]),
        "bits that cannot be": made(head=head[:8] + b"\x03" + head[9:]),
        "a colour type that cannot be": made(head=head[:9] + b"\x05" + head[10:]),
        "an interlace that cannot be": made(head=head[:12] + b"\x07"),
        "a compression that cannot be": made(head=head[:10] + b"\x09" + head[11:]),
        "a length beyond its end": made()[:33] + b"\x7f\xff\xff\xff" + made()[37:],
        "no palette": made(head=head[:9] + b"\x03" + head[10:], pixels=zlib.compress((b"\0" + bytes(38)) * 27)),
        "a head cut short": b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", head[:9]) + made()[33:],
    }
    for name, data in faults.items():
        yield f"png with {name}", Wild(data, shown, refused="", damaged=True)


def _chunk(kind: bytes, data: bytes = b"") -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


# --- JPEG -----------------------------------------------------------------------------------------------------------


def _jpegs() -> Iterator[tuple[str, Wild]]:
    image = Image.fromarray(photo())
    ways: dict[str, dict[str, Any]] = {
        "baseline": {}, "4:4:4": {"subsampling": "4:4:4"}, "4:2:2": {"subsampling": "4:2:2"},
        "progressive": {"progressive": True}, "optimised": {"optimize": True},
        "progressive, 4:4:4": {"progressive": True, "subsampling": "4:4:4"},
        "restarts by block": {"restart_marker_blocks": 2}, "restarts by row": {"restart_marker_rows": 1},
        "RGB inside": {"keep_rgb": True}, "quality 1": {"quality": 1}, "quality 100": {"quality": 100},
    }  # fmt: skip
    for name, options in ways.items():
        yield f"jpeg, {name}", _as_pillow(saved(image, "JPEG", **options))
    yield "jpeg, grey", _as_pillow(saved(image.convert("L"), "JPEG"))
    yield "jpeg, grey, progressive", _as_pillow(saved(image.convert("L"), "JPEG", progressive=True))
    for progressive in (False, True):
        data = saved(image.convert("CMYK"), "JPEG", progressive=progressive)
        yield f"jpeg, CMYK{', progressive' * progressive}", Wild(data, refused="CMYK")
    for name, text in _ARITHMETIC.items():
        yield f"jpeg, arithmetic, {name}", _as_pillow(base64.b64decode(text))
    for bits in (12, 16):
        data = saved(image, "JPEG")
        at = data.index(b"\xff\xc0")
        yield f"jpeg, {bits} bits", Wild(data[: at + 4] + bytes([bits]) + data[at + 5 :], refused=f"{bits} bits")


def _turned() -> Iterator[tuple[str, Wild]]:
    """The eight orientations, one stated as a long number, and three that cannot be."""
    image = Image.fromarray(photo())
    for value, long in (*((value, False) for value in range(1, 9)), (6, True), (0, False), (9, False), (65535, False)):
        block = struct.pack("<2sHIHHHI", b"II", 42, 8, 1, 0x112, 4 if long else 3, 1)
        block += struct.pack("<I" if long else "<HH", *((value,) if long else (value, 0))) + bytes(4)
        plain = Image.open(io.BytesIO(saved(image, "JPEG")))
        plain.load()
        plain.getexif()[0x112] = value
        shown = np.asarray(ImageOps.exif_transpose(plain))
        name = f"jpeg of orientation {value}{', a long number' * long}"
        yield name, Wild(saved(image, "JPEG", exif=b"Exif\0\0" + block), shown)


def _as_pillow(data: bytes) -> Wild:
    with Image.open(io.BytesIO(data)) as image:
        alpha = "A" in image.mode or "transparency" in image.info
        return Wild(data, np.asarray(image.convert("RGBA" if alpha else "RGB")))


# --- others ---------------------------------------------------------------------------------------------------------


def _others() -> Iterator[tuple[str, Wild]]:
    colour, clear = Image.fromarray(photo()), Image.fromarray(photo(4))
    grey, few = colour.convert("L"), colour.quantize(16)
    for kind, images in {"WEBP": (colour, clear, grey), "AVIF": (colour, clear, grey)}.items():
        for image in images:
            yield f"{kind.lower()}, {image.mode}", Wild(saved(image, kind), lossy=True)
    for image in (colour, clear):
        yield f"webp, lossless, {image.mode}", _as_pillow(saved(image, "WEBP", lossless=True, exact=True))
    yield "avif, 4:4:4", Wild(saved(colour, "AVIF", subsampling="4:4:4"), lossy=True)
    yield "gif", _as_pillow(saved(few, "GIF"))
    yield "gif, interlaced", _as_pillow(saved(few, "GIF", interlace=1))
    yield "gif, with a clear colour", _as_pillow(saved(few, "GIF", transparency=0))
    for image in (colour, grey, few, colour.convert("1")):
        yield f"bmp, {image.mode}", _as_pillow(saved(image, "BMP"))
        if image.mode != "P":
            yield f"ppm, {image.mode}", _as_pillow(saved(image, "PPM"))
    yield "bmp, RGBA", _as_pillow(saved(clear, "BMP"))
    for way in ("raw", "tiff_lzw", "tiff_adobe_deflate", "packbits"):
        for image in (colour, clear, grey, grey.convert("LA"), few):
            data = saved(image, "TIFF", compression=None if way == "raw" else way)
            yield f"tiff, {way}, {image.mode}", _as_pillow(data)
    for way in ("group3", "group4", "tiff_ccitt"):
        yield f"tiff, {way}", _as_pillow(saved(colour.convert("1"), "TIFF", compression=way))
    yield "tiff, jpeg inside", Wild(saved(colour, "TIFF", compression="jpeg"), lossy=True)
    for kind in ("GIF", "PNG", "WEBP", "AVIF"):
        yield f"{kind.lower()}, animated", Wild(_frames(kind), refused="animated")
    yield "tiff, two pages", Wild(_frames("TIFF"), refused="several pages")


def _frames(kind: str) -> bytes:
    images = [Image.fromarray(photo(seed=seed)) for seed in (1, 2)]
    return saved(images[0], kind, save_all=True, append_images=images[1:])


def _cut(whole: dict[str, Wild]) -> Iterator[tuple[str, Wild]]:
    """One of each format, cut at five places: refused, or shown as before where only an end mark is gone."""
    for name in _TO_CUT:
        wild = whole[name]
        for tenth in (1, 3, 5, 7, 9):
            data = wild.data[: len(wild.data) * tenth // 10]
            yield f"{name}, cut at {tenth}0 %", Wild(data, wild.shown, refused="", damaged=True)


def _refused() -> Iterator[tuple[str, Wild]]:
    image = Image.fromarray(photo())
    for mode, words in (("CMYK", "CMYK"), ("LAB", "LAB"), ("I;16", "16 bits"), ("I", "32 bits"), ("F", "floating")):
        made = image.convert("L").convert("I").convert(mode) if mode == "I;16" else image.convert(mode)
        yield f"tiff, {mode}", Wild(saved(made, "TIFF"), refused=words)
    magics = {
        "JPEG XL": b"\xff\x0a", "JPEG 2000": b"\0\0\0\x0cjP  ", "Photoshop": b"8BPS", "PDF": b"%PDF-1.7",
        "SVG": b"<svg ", "icon": b"\0\0\1\0", "OpenEXR": b"v/1\1", "Radiance": b"#?RADIANCE", "camera raw": b"FOVb",
    }  # fmt: skip
    for words, magic in magics.items():
        yield words, Wild(magic + bytes(64), refused=words)
    for name, data in {
        "nothing": b"",
        "words": b"no picture",
        "zeros": bytes(64),
        "a sound": b"RIFF\0\0\0\0WAVE",
    }.items():
        yield name, Wild(data, refused="")
