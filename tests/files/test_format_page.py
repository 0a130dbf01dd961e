"""docs/file-format.md is enough to write a second reader: here is one that shares no code with the package."""

from __future__ import annotations

import hashlib
import json
import re
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from file_samples import header, lrfile, picture, same_lrfile

from unshrink.files.lrfile import LRFile, decode, encode
from unshrink.limits import Limits

PAGE = (Path(__file__).parents[2] / "docs" / "file-format.md").read_text(encoding="utf-8")


def listing_bytes(text: str) -> bytes:
    return b"".join(bytes.fromhex(line[6:53]) for line in text.splitlines())


def blocks(language: str) -> str:
    return re.search(rf"```{language}\n(.*?)\n```", PAGE, re.DOTALL)[1]


def png_chunks(data: bytes) -> list[tuple[bytes, bytes]]:
    found, at = [], 8
    while at < len(data):
        (length,) = struct.unpack_from(">I", data, at)
        kind, content = data[at + 4 : at + 8], data[at + 8 : at + 8 + length]
        assert zlib.crc32(kind + content) == struct.unpack_from(">I", data, at + 8 + length)[0]
        found.append((kind, content))
        at += 12 + length
    return found


def second_reader(data: bytes) -> dict[str, object]:
    chunks = png_chunks(data)
    pieces = [content for kind, content in chunks if kind == b"unSH"]
    assert [struct.unpack_from(">HH", piece) for piece in pieces] == [(i, len(pieces)) for i in range(len(pieces))]
    body = b"".join(piece[4:] for piece in pieces)
    assert body[:5] == b"UNSH\1"
    assert body[-32:] == hashlib.sha256(body[:-32]).digest()
    channels, count, width, height = struct.unpack_from(">BHII", body, 5)
    (length,) = struct.unpack_from(">I", body, 80)
    sections, at = {}, 84 + length
    for _ in range(count):
        name, size = struct.unpack_from(">4sI", body, at)
        sections[name.decode()] = body[at + 8 : at + 8 + size]
        at += 8 + size
    assert at == len(body) - 32
    icc = b"".join(zlib.decompress(content.split(b"\0", 1)[1][1:]) for kind, content in chunks if kind == b"iCCP")
    exif = b"".join(content for kind, content in chunks if kind == b"eXIf")
    metadata = struct.pack(">I", len(icc)) + icc + struct.pack(">I", len(exif)) + exif
    assert body[48:80] == hashlib.sha256(metadata).digest()
    return {
        "channels": channels,
        "size": (height, width),
        "pixels": body[16:48],
        "header": json.loads(body[84 : 84 + length]),
        "sections": sections,
    }


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("metadata", [False, True])
def test_a_second_reader_reads_what_we_write(channels, metadata):
    made = lrfile(channels, metadata=metadata, sections={"LATN": bytes(5000), "ALPH": b"\0\xff"})
    read = second_reader(encode(made, limits=Limits(chunk_bytes=999)))
    samples = made.picture.samples
    assert read["channels"] == channels
    assert read["size"] == made.picture.size
    assert read["pixels"] == hashlib.sha256(struct.pack(">IIB", 7, 5, channels) + samples.tobytes()).digest()
    assert read["sections"] == dict(made.sections)
    assert read["header"] == {
        "model": "lite-x4", "weights": "0123456789abcdef" * 4, "scale": [4, 4], "size": [19, 25],
        "grey": channels < 3, "carrier": "none", "alpha": "none", "writer": "unshrink 0.1.0",
    }  # fmt: skip


def test_the_listing_is_what_the_program_on_the_page_writes(capsys):
    names: dict[str, object] = {}
    exec(compile(blocks("python"), "file-format.md", "exec"), names)
    listed, made = listing_bytes(blocks("text")), names["data"]
    assert len(capsys.readouterr().out.splitlines()) == -(-len(made) // 16)
    first_idat = listed.index(b"IDAT") - 4
    assert made[:first_idat] == listed[:first_idat]
    assert same_lrfile(decode(listed), decode(made))
    assert second_reader(listed)["sections"] == {"ALPH": b"\0\xff"}


def test_the_offsets_on_the_page_are_right():
    listed = listing_bytes(blocks("text"))
    for offset, content in ((0x21 + 4, b"unSH"), (0x2D, b"UNSH\1\4"), (0x7D, (198).to_bytes(4)), (0x81, b"{"),
                            (0x147, b"ALPH"), (0x175 + 4, b"IDAT"), (0x192 + 4, b"IEND")):  # fmt: skip
        assert listed[offset : offset + len(content)] == content
    assert listed[0x151:0x171] == hashlib.sha256(listed[0x2D:0x151]).digest()
    samples = bytes.fromhex("00000002 00000001 04 ff0000ff 0000ffff")
    assert listed[0x3D:0x5D] == hashlib.sha256(samples).digest()
    assert listed[0x5D:0x7D] == hashlib.sha256(bytes(8)).digest()


def test_the_limits_on_the_page_are_the_defaults():
    limits = Limits()
    for number in (limits.max_lr_pixels, limits.max_hr_pixels, limits.chunk_bytes):
        assert f"{number:,}".replace(",", " ") in PAGE
    assert f"{limits.max_payload_bytes >> 20} MiB" in PAGE
    assert f"{limits.max_header_bytes >> 10} KiB" in PAGE
    assert f"| {limits.max_chunks} |" in PAGE


def test_the_tiff_table_by_hand():
    lr = picture(3, 2, 4)
    data = encode(LRFile(lr, header(lr)), "tiff")
    (start,) = struct.unpack_from("<I", data, 4)
    (count,) = struct.unpack_from("<H", data, start)
    entries = {}
    for i in range(count):
        tag, kind, number, value = struct.unpack_from("<HHII", data, start + 2 + 12 * i)
        entries[tag] = (kind, number, value)
    assert list(entries) == sorted(entries)
    assert [entries[tag][2] for tag in (256, 257, 259, 262, 277, 278, 284, 317, 338)] == [
        2, 3, 8, 2, 4, 32768, 1, 2, 2,
    ]  # fmt: skip
    at, length = entries[273][2], entries[279][2]
    rows = np.frombuffer(zlib.decompress(data[at : at + length]), np.uint8).reshape(3, 2, 4)
    assert np.array_equal(np.cumsum(rows, axis=1, dtype=np.uint8), lr.samples)
    kind, number, at = entries[65107]
    assert kind == 7
    assert data[at : at + 4] == b"UNSH"
    assert data[at + number - 32 : at + number] == hashlib.sha256(data[at : at + number - 32]).digest()
