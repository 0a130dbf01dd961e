"""What a million photographs and what training at full length cost, from rates measured here: tables for docs/scale.md.

    python -m lab.bill [--megapixels 3] [--measure docs/results/bill.json]
    python -m lab.bill --read docs/results/bill.json

Measured are processor seconds of one thread, which other work on the machine changes little: reading a JPEG, shrinking
it, writing the small file, and restoring it; and what the driver of a job does for each picture. Prices, the rate of a
card, and that cost grows with the pixels are assumptions.
"""

from __future__ import annotations

import argparse
import io
import json
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from lab.command import answer, write_json
from unshrink.cli.options import EngineOptions
from unshrink.cli.tasks import small_name
from unshrink.cluster.manifest import Manifest, Row
from unshrink.cluster.places import Entry, Place
from unshrink.cluster.plan import Shard, plan
from unshrink.cluster.work import Shrinking
from unshrink.data.patches import PatchSettings
from unshrink.models.registry import build, get
from unshrink.rescale import Engine, Order
from unshrink.train.cost import multiply_adds_per_pixel, training_flops

PHOTO = 12.0
"""Megapixels of the photographs that are counted."""
COUNT = 1_000_000
MODELS = ("hidden-avif", "lite-x4", "irn-q-x4", "stream-x4")
TRAINED = ("irn-x2", "irn-x4", "dlv-x4", "irn-a-x4", "irn-m-x4", "irrm-l-x4", "iarn", "irn-q-x4", "stream-x4")
LENGTH = PatchSettings(batch=16, patch=144)
STEPS = 500_000
"""Of IRN's paper; taken for all, to compare networks and not patience."""
CORE_HOUR, CARD_HOUR = 0.04, 2.5
"""Dollars: an assumption, of the order that clouds asked for in 2026."""
CARD = 20e12
"""Floating-point operations a second that a card does in such networks: an assumption, nothing here ran on one."""
ROWS = 20_000


def make_photo(megapixels: float) -> bytes:
    """A JPEG with smooth colour, edges and noise, seed 0."""
    side = round((megapixels * 1e6) ** 0.5)
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 255, (max(2, side // 32), max(2, side // 32), 3), dtype=np.uint8)
    picture = np.asarray(Image.fromarray(coarse).resize((side, side), Image.Resampling.BICUBIC)).astype(np.int16)
    picture += rng.integers(-12, 12, picture.shape, dtype=np.int16)
    stream = io.BytesIO()
    Image.fromarray(picture.clip(0, 255).astype(np.uint8)).save(stream, "JPEG", quality=90)
    return stream.getvalue()


def rates(model: str, data: bytes, megapixels: float) -> dict[str, float | str]:
    """Processor seconds a megapixel of each part of the road, with one thread."""
    engine = EngineOptions(threads=1).engine()
    engine.load(model)
    read, picture = _timed(lambda: engine.read(data))
    shrink, small = _timed(lambda: engine.down(picture, Order(4, model=model)))
    write, made = _timed(small.encode)
    restore, _ = _timed(lambda: engine.up(made))
    parts = {"read": read, "shrink": shrink, "write": write, "restore": restore}
    return {
        "model": model,
        **{name: value / megapixels for name, value in parts.items()},
        "bytes_in": len(data) / megapixels,
        "bytes_out": len(made) / megapixels,
        "network_flops": 2e6 * multiply_adds_per_pixel(engine.load(model).model) if model != "hidden-avif" else 0.0,
    }


def driver_seconds() -> dict[str, float]:
    """Processor seconds a picture of what a job's driver does beside waiting: planning, and keeping the manifest."""
    rename = partial(small_name, mark="x4", ending=".png")
    work = Shrinking(EngineOptions(threads=1), rename, Order(4, model="lite-x4"))
    asked = work.asked
    found = {f"{n // 1000:04}/{n:08}.jpg": Entry(f"{n // 1000:04}/{n:08}.jpg", 4_000_000, f"{n}") for n in range(ROWS)}
    with tempfile.TemporaryDirectory(prefix="unshrink-") as folder:
        manifest = Manifest(Place(folder))
        planning, planned = _timed(lambda: plan(found, {}, manifest.past(), work, Shard()))
        keeping, _ = _timed(lambda: _keep(manifest, planned.rows(asked)))
        again, _ = _timed(lambda: plan(found, {}, manifest.past(), work, Shard()))
        held = sum(path.stat().st_size for path in Path(folder).rglob("*.parquet"))
    return {"plan": planning / ROWS, "keep": keeping / ROWS, "read_again": again / ROWS, "bytes": held / ROWS}


def _keep(manifest: Manifest, rows: Sequence[Row]) -> None:
    for row in rows:
        manifest.add(row)
    manifest.commit()


def _timed(work: Callable[[], Any]) -> tuple[float, Any]:
    start = time.process_time()
    result = work()
    return time.process_time() - start, result


def measure(megapixels: float) -> dict[str, Any]:
    """All that is measured."""
    data = make_photo(megapixels)
    Engine()  # what the first use of torch takes is no picture's
    rows = []
    for model in MODELS:
        rows.append(rates(model, data, megapixels))
        sys.stderr.write(f"{rows[-1]}\n")
    return {"megapixels": megapixels, "rates": rows, "driver": driver_seconds()}


def million(found: dict[str, Any]) -> str:
    """The table of a million photographs."""
    lines = [
        "| model | read s | shrink s | write s | restore s | core-hours down | core-hours up "
        f"| down, ${CORE_HOUR} a core-hour | down, on 1,000 cores | MB in | MB out | card-seconds |",
        "|---|" + "--:|" * 11,
    ]
    for row in found["rates"]:
        read, shrink, write, restore = (PHOTO * row[name] for name in ("read", "shrink", "write", "restore"))
        down, up = ((read + part + write) * COUNT / 3600 for part in (shrink, restore))
        sizes = f"{PHOTO * row['bytes_in'] / 1e6:.1f} | {PHOTO * row['bytes_out'] / 1e6:.1f}"
        card = f"{PHOTO * row['network_flops'] / CARD:.2f}" if row["network_flops"] else "-"
        lines.append(
            f"| {row['model']} | {read:.2f} | {shrink:.1f} | {write:.2f} | {restore:.1f} | {down:,.0f} | {up:,.0f} "
            f"| ${down * CORE_HOUR:,.0f} | {down / 1000:.1f} h | {sizes} | {card} |"
        )
    return "\n".join(lines) + "\n"


def feeds(found: dict[str, Any], ray: float) -> str:
    """How many cores one driver keeps busy, given its own processor seconds a picture and what Ray adds to them."""
    own = found["driver"]["plan"] + found["driver"]["keep"]
    lines = [
        "| model | core-seconds a photograph | cores that one driver feeds | GB/s read by so many |",
        "|---|--:|--:|--:|",
    ]
    for row in found["rates"]:
        seconds = PHOTO * (row["read"] + row["shrink"] + row["write"])
        cores = seconds / (own + ray)
        speed = cores / seconds * PHOTO * row["bytes_in"] / 1e9
        lines.append(f"| {row['model']} | {seconds:.1f} | {cores:,.0f} | {speed:.2f} |")
    return "\n".join(lines) + "\n"


def training() -> str:
    """The table of training at full length."""
    lines = [
        f"| network | parameters | FLOPs | days on a card at {CARD / 1e12:.0f} TFLOP/s | at ${CARD_HOUR} an hour |",
        "|---|--:|--:|--:|--:|",
    ]
    for name in TRAINED:
        model = build(get(name))
        flops = training_flops(model, LENGTH) * STEPS
        hours = flops / CARD / 3600
        parameters = sum(parameter.numel() for parameter in model.parameters())
        lines.append(f"| {name} | {parameters:,} | {flops:.2g} | {hours / 24:.1f} | ${hours * CARD_HOUR:,.0f} |")
    return "\n".join(lines) + "\n"


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure or read, and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megapixels", type=float, default=3.0)
    parser.add_argument("--measure", type=Path, metavar="OUT.json")
    parser.add_argument("--read", type=Path, metavar="IN.json")
    parser.add_argument("--ray-ms", type=float, default=0.0, help="of Ray's own in the driver, for each picture")
    chosen = parser.parse_args(arguments)

    def work() -> None:
        found = json.loads(chosen.read.read_text()) if chosen.read else measure(chosen.megapixels)
        if chosen.measure:
            write_json(chosen.measure, found)
        sys.stdout.write("\n".join([million(found), feeds(found, chosen.ray_ms / 1e3), training()]))

    return answer(work)


if __name__ == "__main__":
    sys.exit(main())
