"""`unshrink compare`: one picture through several models, on one sheet."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from unshrink.cli import complete, options
from unshrink.cli.batch import Entry
from unshrink.cli.roundtrip import stated
from unshrink.cli.view import View, count_bytes, dimensions
from unshrink.errors import UsageError
from unshrink.named import NamedBytes

if TYPE_CHECKING:
    from unshrink.evaluate.sheet import Column
    from unshrink.files.picture import Picture
    from unshrink.metrics.quality import Pixels
    from unshrink.rescale import Engine, Order


@options.spread
def compare(
    *,
    name: Annotated[str, typer.Argument(metavar="PICTURE", help="The picture.")],
    out: Annotated[str, typer.Option("--out", "-o", metavar="SHEET", help="The sheet to write.")],
    models: Annotated[
        list[str] | None,
        typer.Option(
            "--model",
            "-m",
            metavar="NAME",
            help="A model; several times for several. [default: the best for the scale]",
            autocompletion=complete.models,
        ),
    ] = None,
    scale: options.Scale = None,
    lr_quality: options.LRQuality = "medium",
    effort: options.Effort = 0,
    exact_blocks: options.ExactBlocks = True,
    codecs: Annotated[
        list[str] | None,
        typer.Option("--codec", metavar="NAME", help="Also jpeg, webp or avif in full size, in as many bytes."),
    ] = None,
    bicubic: Annotated[bool, typer.Option("--bicubic/--no-bicubic", help="Also bicubic scaling both ways.")] = True,
    crops: Annotated[int, typer.Option("--crops", min=1, max=12, help="Places that are shown enlarged.")] = 3,
    side: Annotated[int, typer.Option("--side", min=8, max=512, help="Pixels along a side of each.")] = 64,
    zoom: Annotated[int, typer.Option("--zoom", min=1, max=16, help="How much each is enlarged.")] = 3,
    machine: options.EngineOptions,
    overwrite: options.Overwrite = False,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> int:
    """Draw a sheet of what several models bring back of one picture, enlarged where they differ most.

    Every column is measured through the bytes of a file: PSNR of the restored picture and of the small one, on luma
    and in colour, and the bytes. Codecs get the bytes of the first model's small file.
    """
    from unshrink.evaluate.codecs import check_codec
    from unshrink.evaluate.sheet import Crops, draw_sheet, find_places
    from unshrink.files.disk import check_output, read_bytes
    from unshrink.files.encoders import format_for
    from unshrink.files.picture import Picture, read_picture

    for codec in codecs or []:
        check_codec(codec)
    format_for(out)
    check_output(out, overwrite=overwrite)
    engine, view = machine.engine(), View(json_mode=json, quiet=quiet)
    orders = _orders(engine, models, scale=scale, effort=effort, exact_blocks=exact_blocks, lr_quality=lr_quality)
    picture = read_picture(NamedBytes(read_bytes(name), name))
    trips = _travel_all(engine, picture, orders, view)
    trips += _coded(picture, codecs or [], trips[0])
    looked_at = Crops(crops, side, zoom)
    places = find_places(picture.rgb, [way.column for way in trips], looked_at)  # bicubic differs everywhere
    ways = [*([_bicubic(picture, trips[0])] if bicubic else []), *trips]
    title = f"{Path(name).name}, {dimensions(picture.size)}"
    sheet = draw_sheet(title, picture, [way.column for way in ways], places, looked_at)
    Picture.from_pil(sheet).save(out, overwrite=overwrite)
    for way in ways:
        view.result(_line(way.entry))
    results = [{"input": name, **way.entry} for way in ways]
    view.document({"command": "compare", "output": out, "results": results, "failed": [], "passed_over": []})
    return 0


@dataclass(frozen=True)
class Way:
    """One way there and back: its column on the sheet, and what JSON says of it."""

    column: Column
    entry: Entry


def _orders(engine: Engine, models: list[str] | None, **rest: Any) -> list[Order]:
    """What is asked of each model; raises what the engine raises for what one of them cannot do."""
    from unshrink.rescale import Order

    orders = [Order(model=model, **rest) for model in models] if models else [Order(**rest)]
    for order in orders:
        engine.chosen(order)
    return orders


def _travel_all(engine: Engine, picture: Picture, orders: list[Order], view: View) -> list[Way]:
    ways = []
    with view.progress(len(orders)):
        for number, order in enumerate(orders):
            view.step(engine.chosen(order).name, done=number)
            ways.append(_travel(engine, picture, order))
    return ways


def _travel(engine: Engine, picture: Picture, order: Order) -> Way:
    """There and back through the bytes of a file."""
    from unshrink.evaluate.scores import score_trip
    from unshrink.evaluate.sheet import Column
    from unshrink.files.picture import read_picture

    start = time.perf_counter()
    small = engine.down(picture, order)
    data = small.encode("png")
    middle = time.perf_counter()
    restored = engine.up(data)
    seconds = {"seconds_down": round(middle - start, 3), "seconds_up": round(time.perf_counter() - middle, 3)}
    lr = read_picture(data)
    entry = {**stated(small), **score_trip(picture, restored, lr, small.header), "lr_bytes": len(data), **seconds}
    return Way(Column(small.header.model, _captions(entry), restored.rgb, lr.rgb), {"way": small.header.model, **entry})


def _bicubic(picture: Picture, beside: Way) -> Way:
    """Plain bicubic scaling to the size of another way's LR picture, and back."""
    from unshrink.evaluate.sheet import Column
    from unshrink.files.picture import Picture
    from unshrink.rescale.selfcheck import bicubic_back, shrunk

    height, width = beside.entry["lr_size"]["height"], beside.entry["lr_size"]["width"]
    rgb, small = bicubic_back(picture, (height, width)), shrunk(picture, (height, width))
    entry = {"way": "bicubic", "lr_bytes": len(Picture(rgb=small).encode("png")), **_scores(picture, rgb, beside)}
    return Way(Column("bicubic both ways", _captions(entry), rgb, small), entry)


def _coded(picture: Picture, codecs: list[str], beside: Way) -> Iterator[Way]:
    """The picture in full size by each codec, in no more bytes than another way's small file."""
    from unshrink.evaluate.codecs import within_bytes
    from unshrink.evaluate.sheet import Column

    for codec in codecs:
        coded = within_bytes(picture.rgb, codec, beside.entry["lr_bytes"])
        if coded is None:
            raise UsageError(f"Not even the worst {codec} fits into {beside.entry['lr_bytes']:,} bytes; leave it out.")
        entry = {"way": codec, "quality": coded.quality, "lr_bytes": coded.bytes, **_scores(picture, coded.rgb, beside)}
        yield Way(Column(f"{codec}, quality {coded.quality}", _captions(entry), coded.rgb), entry)


def _scores(picture: Picture, rgb: Pixels, beside: Way) -> Entry:
    """Scores of what came back, with the border that another way's have."""
    from unshrink.evaluate.scores import border_of, score
    from unshrink.files.picture import Picture

    scale = beside.entry["scale"]
    border = border_of((scale["height"], scale["width"]) if isinstance(scale, dict) else (scale, scale))
    scores = score(picture, Picture(rgb=rgb), None, picture, border)
    return {key: value for key, value in scores.items() if not key.startswith("lr_")}


def _captions(entry: Entry) -> tuple[str, ...]:
    lr = "no LR picture" if "quality" in entry else "LR as it is"
    if "lr_psnr_y" in entry:
        lr = f"LR {_number(entry, 'lr_psnr_y')} Y, {_number(entry, 'lr_psnr_rgb')} RGB"
    hr = f"HR {_number(entry, 'psnr_y')} Y, {_number(entry, 'psnr_rgb')} RGB"
    return hr, lr, count_bytes(entry["lr_bytes"])


def _number(entry: Entry, key: str) -> str:
    return "exact" if entry[key] is None else f"{entry[key]:.2f}"


def _line(entry: Entry) -> str:
    hr, lr, size = _captions(entry)
    return f"{entry['way']:<14} {hr} dB; {lr}; {size}"
