"""What LR files survive: `python -m lab.survival`, into docs/survival.md and docs/results/survival.json.

An LR file of each sort goes through other programs, and `up` gets what they write. Programs that are not there are left
out, and named; `make survival` installs those that pip has.
"""

from __future__ import annotations

import argparse
import base64
import importlib.util
import io
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from lab.command import answer, write_json
from lab.pages import fill
from unshrink.errors import UnshrinkError
from unshrink.files import png
from unshrink.files.colour import coded_profile, srgb_profile
from unshrink.files.lrfile import is_lrfile
from unshrink.files.picture import Picture, read_picture
from unshrink.rescale import Engine, Order

PAGE, RESULTS = Path("docs/survival.md"), Path("docs/results/survival.json")
SORTS: Mapping[str, Order] = {
    "stream-x4": Order(model="stream-x4"),
    "hidden-avif": Order(scale=4, model="hidden-avif"),
    "irn-q-x4": Order(model="irn-q-x4"),
    "dlv-m-x4": Order(model="dlv-m-x4"),
    "irn-qa-x4": Order(model="irn-qa-x4"),
    "irn-qa-x4 in alpha": Order(model="irn-qa-x4", carrier="alpha"),
}
"""Ways to make an LR file."""
LOOKED_AT = "stream-x4"
"""The sort of file whose pixels and metadata are compared."""
_MODULES = {"cv2": "opencv-python-headless", "pyvips": "pyvips[binary]", "oxipng": "pyoxipng"}
_BROWSERS = ("chromium", "chromium-browser", "google-chrome")
_CANVAS = """<html><body><img id=i src="data:image/png;base64,{}"><script>
const i = document.getElementById("i");
i.decode().then(() => {{
  const c = document.createElement("canvas");
  [c.width, c.height] = [i.naturalWidth, i.naturalHeight];
  c.getContext("2d").drawImage(i, 0, 0);
  document.body.textContent = c.toDataURL("image/png");
}});
</script></body></html>"""

Remake = Callable[[bytes], bytes]


@dataclass(frozen=True)
class Program:
    """Something that writes a picture anew."""

    remake: Remake
    """A PNG to what the program makes of it."""
    module: str | None = None
    """What it needs to be imported."""
    commands: tuple[str, ...] = ()
    """What it needs to be run, any of these."""
    wide: bool = True
    """Whether the picture's profile is Display P3 and not sRGB."""

    @property
    def absent(self) -> str | None:
        """What is missing here to run it; None where nothing is."""
        if self.module is not None and importlib.util.find_spec(self.module) is None:
            return f"{self.module} (pip install {_MODULES[self.module]})"
        if self.commands and _command(self.commands) is None:
            return " or ".join(self.commands)
        return None


@dataclass(frozen=True)
class Row:
    """What became of the LR files in one program."""

    kept: dict[str, bool]
    """Of pixels, profile, EXIF and our own data, whether they are there still."""
    answers: dict[str, str]
    """What `up` does with each sort: "back", "back: NOTE" or "CODE: SENTENCE"."""


def sample(side: int = 0, *, wide: bool = True) -> Picture:
    """The example picture, or a corner of it, with a colour profile and EXIF."""
    picture = read_picture(Path(__file__).parents[1] / "examples" / "circuit.png")
    exif = Image.Exif()
    exif[0x010E] = "a circuit board"
    profile = coded_profile(12, 13, "it", grey=False) if wide else srgb_profile(grey=False)
    rgb = picture.rgb[: side or None, : side or None]
    return Picture(np.ascontiguousarray(rgb), icc=profile, exif=exif.tobytes())


def measure(programs: Sequence[str], sorts: Sequence[str], side: int = 0) -> Iterator[tuple[str, Row]]:
    """The row of each of those programs that is there, for files of those sorts."""
    engine = Engine()
    made: dict[tuple[str, bool], tuple[bytes, Picture]] = {}
    for name in programs:
        program = PROGRAMS[name]
        if program.absent is not None:
            continue
        for sort in sorts:
            if (sort, program.wide) not in made:
                data = engine.down(sample(side, wide=program.wide), SORTS[sort]).encode("png")
                made[sort, program.wide] = data, engine.up(data)
        files = {sort: made[sort, program.wide] for sort in sorts}
        remade = {sort: program.remake(data) for sort, (data, _) in files.items()}
        answers = {sort: _answer(engine, remade[sort], restored) for sort, (_, restored) in files.items()}
        yield name, Row(_kept(files[LOOKED_AT][0], remade[LOOKED_AT]), answers)


def page(rows: Mapping[str, Row]) -> str:
    """A Markdown table, and under it what `up` says by letter."""
    kinds, sorts = list(next(iter(rows.values())).kept), list(next(iter(rows.values())).answers)
    said: dict[str, str] = {}
    lines = [["written anew by", *kinds, *(f"`{sort}`" for sort in sorts)]]
    for name, row in rows.items():
        cells = ["kept" if kept else "–" for kept in row.kept.values()]
        lines.append([name, *cells, *(_cell(answer, said) for answer in row.answers.values())])
    head, *body = ("| " + " | ".join(cells) + " |" for cells in lines)
    legend = [f"- **{letter}**: {sentence}" for sentence, letter in said.items()]
    return "\n".join([head, "|---" * len(lines[0]) + "|", *body, "", *legend])


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.parse_args(arguments)

    def work() -> None:
        rows = dict(measure(list(PROGRAMS), list(SORTS)))
        write_json(RESULTS, {name: {"kept": row.kept, "answers": row.answers} for name, row in rows.items()})
        fill(PAGE, "python -m lab.survival", page(rows))
        for name in PROGRAMS.keys() - rows.keys():
            sys.stderr.write(f"{name} is left out: there is no {PROGRAMS[name].absent}.\n")

    return answer(work)


def read_rows() -> dict[str, Row]:
    """The rows of the last run of the command."""
    return {name: Row(**row) for name, row in json.loads(RESULTS.read_text(encoding="utf-8")).items()}


def _cell(answer: str, said: dict[str, str]) -> str:
    head, _, sentence = answer.partition(": ")
    if not sentence:
        return head
    text = f"“{sentence}”" if head == "back" else f"exit code {head}, “{sentence}”"
    letter = said.setdefault(text, "abcdefghijklmnopqrstuvwxyz"[len(said)])
    return f"back, {letter}" if head == "back" else f"**{letter}**"


def _answer(engine: Engine, data: bytes, expected: Picture) -> str:
    try:
        restored = engine.up(data)
    except UnshrinkError as error:
        return f"{error.exit_code}: {str(error).replace('the data given', 'small.png')}"
    if not np.array_equal(restored.rgb, expected.rgb):
        return "another picture"
    return f"back: {'; '.join(restored.notes)}" if restored.notes else "back"


def _kept(before: bytes, after: bytes) -> dict[str, bool]:
    old, new = read_picture(before), read_picture(after)
    return {
        "pixels": np.array_equal(old.rgb, new.rgb),
        "profile": old.icc == new.icc,
        "EXIF": new.exif is not None,
        "our data": is_lrfile(after),
    }


def _command(names: Sequence[str]) -> str | None:
    found = (shutil.which(name) for name in names)
    return next((path for path in found if path is not None and _runs(path)), None)


def _runs(path: str) -> bool:
    return subprocess.run([path, "--version"], capture_output=True, check=False).returncode == 0


def _pillow(data: bytes, kind: str = "PNG", **options: Any) -> bytes:
    stream = io.BytesIO()
    with Image.open(io.BytesIO(data)) as image:
        (image.convert("RGB") if kind == "JPEG" else image).save(stream, kind, **options)
    return stream.getvalue()


def _cropped(data: bytes) -> bytes:
    stream = io.BytesIO()
    with Image.open(io.BytesIO(data)) as image:
        image.crop((1, 1, *image.size)).save(stream, "PNG")
    return stream.getvalue()


def _bare(data: bytes) -> bytes:
    kept = (b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND")
    return png.join([chunk for chunk in png.read_chunks(data, "x") if chunk.kind in kept])


def _opencv(data: bytes) -> bytes:
    import cv2

    image: Any = cv2.imdecode(np.frombuffer(data, dtype=np.uint8), cv2.IMREAD_UNCHANGED)
    return bytes(cv2.imencode(".png", image)[1])


def _vips(data: bytes) -> bytes:
    import pyvips

    return bytes(pyvips.Image.new_from_buffer(data, "").write_to_buffer(".png"))


def _oxipng(data: bytes, *, strip: bool) -> bytes:
    import oxipng

    chunks = oxipng.StripChunks.safe() if strip else oxipng.StripChunks.none()
    return bytes(oxipng.optimize_from_memory(data, strip=chunks))


def _imagemagick(data: bytes) -> bytes:
    command = _command(("magick", "convert")) or "convert"
    return subprocess.run([command, "png:-", "png:-"], input=data, capture_output=True, check=True).stdout


def _canvas(data: bytes) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        site = Path(folder, "page.html")
        site.write_text(_CANVAS.format(base64.b64encode(data).decode()), encoding="ascii")
        options = ["--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=20000", "--dump-dom"]
        run = [_command(_BROWSERS) or "chromium", *options, f"--user-data-dir={folder}/profile", site.as_uri()]
        said = subprocess.run(run, capture_output=True, text=True, check=True, timeout=120).stdout
    return base64.b64decode(said.partition("base64,")[2].partition("<")[0])


PROGRAMS: Mapping[str, Program] = {
    "Pillow": Program(_pillow),
    "Pillow, PNG to lossless WebP": Program(partial(_pillow, kind="WEBP", lossless=True, exact=True)),
    "Pillow, to WebP and back": Program(lambda data: _pillow(_pillow(data, "WEBP", lossless=True, exact=True))),
    "Pillow, to BMP": Program(partial(_pillow, kind="BMP")),
    "OpenCV": Program(_opencv, module="cv2"),
    "libvips": Program(_vips, module="pyvips"),
    "ImageMagick": Program(_imagemagick, commands=("magick", "convert")),
    "oxipng": Program(partial(_oxipng, strip=False), module="oxipng"),
    "oxipng --strip safe": Program(partial(_oxipng, strip=True), module="oxipng"),
    "nothing but the pixels' own chunks": Program(_bare),
    "canvas of Chromium, from sRGB": Program(_canvas, commands=_BROWSERS, wide=False),
    "canvas of Chromium, from Display P3": Program(_canvas, commands=_BROWSERS),
    "cropped by a pixel": Program(_cropped),
    "Pillow, to JPEG": Program(partial(_pillow, kind="JPEG", quality=95)),
}
"""What pictures go through, by its name in the table."""


if __name__ == "__main__":
    sys.exit(main())
