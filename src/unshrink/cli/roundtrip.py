"""`unshrink roundtrip`: down and up through a written file, and what was lost on the way."""

from __future__ import annotations

import os
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from unshrink.cli import options
from unshrink.cli.batch import Batch, Done, Entry, Tell, make_folder
from unshrink.cli.tasks import STREAM, Task, ending_for, expand, restored_name, small_endings, small_name
from unshrink.cli.view import View, count_bytes, scale_value, sides

if TYPE_CHECKING:
    from unshrink.files.picture import Picture
    from unshrink.rescale import Dial, Engine, Order, Small


@options.spread
def roundtrip(
    *,
    names: Annotated[list[str], typer.Argument(metavar="IN...", help="Files, folders or patterns; - for stdin.")],
    how: options.OrderOptions,
    recursive: options.Recursive = False,
    format: options.Format = None,
    keep: Annotated[
        str | None, typer.Option("--keep", metavar="FOLDER", help="Keep the LR file and the restored picture there.")
    ] = None,
    machine: options.EngineOptions,
    sigma: options.Sigma = 0.0,
    seed: options.Seed = 0,
    overwrite: options.Overwrite = False,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> int:
    """Shrink, write, read back and restore; report quality, LR fidelity, bytes, seconds and memory."""
    order = how.order()
    from unshrink.rescale import Dial

    dial, engine = Dial(sigma, seed), machine.engine()
    spec = engine.chosen(order)
    ending = ending_for(format, small_endings())
    tasks = [Task(found) for found in expand(names, recursive=recursive)]
    view = View(json_mode=json, quiet=quiet)
    if keep is not None:
        make_folder(keep)
    engine.load(spec.name)
    return Batch("roundtrip", view).run(tasks, Trip(engine, order, dial, ending, keep, overwrite))


@dataclass(frozen=True)
class Trip:
    """`roundtrip` on one input."""

    engine: Engine
    order: Order
    dial: Dial
    ending: str
    keep: str | None
    overwrite: bool

    def __call__(self, task: Task, tell: Tell) -> Done:
        """There and back through files in the folder to keep, or in one that is removed."""
        from unshrink.cli.pictures import read_picture_file
        from unshrink.files.picture import read_picture

        source = read_picture_file(task)
        picture = read_picture(source)
        path = Path("stdin" if task.source.name == STREAM else task.source.name)
        if self.keep is not None:
            return self._travel(task, picture, path, Path(self.keep), tell)
        with tempfile.TemporaryDirectory(prefix="unshrink-") as folder:
            return self._travel(task, picture, path, Path(folder), tell)

    def _travel(self, task: Task, hr: Picture, path: Path, folder: Path, tell: Tell) -> Done:
        label = task.source.label
        mark = self.order.wish.mark(self.engine.chosen(self.order).scale)
        target = folder / small_name(path, mark, self.ending)
        start = time.perf_counter()
        small = self.engine.down(hr, self.order, progress=tell)
        small.save(target, overwrite=self.overwrite)
        middle = time.perf_counter()
        restored = self.engine.up(target, sigma=self.dial.sigma, seed=self.dial.seed, progress=tell)
        cost = {
            "seconds_down": round(middle - start, 3),
            "seconds_up": round(time.perf_counter() - middle, 3),
            "peak_memory_bytes": peak_memory(),
        }
        if self.keep is not None:
            restored.save(folder / restored_name(target, ".png"), overwrite=self.overwrite)
        tell("measure")
        original, notes = made_of(hr, small)
        entry = {"input": task.source.name, **stated(small), **_figures(original, restored, target, small), **cost}
        return Done(entry, _lines(label, entry), tuple(f"{label}: {note}" for note in notes))


def made_of(hr: Picture, small: Small) -> tuple[Picture, tuple[str, ...]]:
    """What comes back, a smaller copy of `hr` where this was far too large, and a note on that."""
    from unshrink.rescale.shrink import plainly

    if small.header.size == hr.size:
        return hr, ()
    smaller = plainly(hr, small.header.size)
    return smaller, smaller.notes[len(hr.notes) :]


def peak_memory() -> int | None:
    """The most memory this process has held so far, in bytes; None where the system does not say."""
    if sys.platform == "win32":
        return None
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def stated(small: Small) -> Entry:
    """What JSON says of an LR picture: model, weights, scale, sizes, bytes of what it carries."""
    from unshrink.cli.pictures import payload

    header = small.header
    return {
        "model": header.model,
        "weights": header.weights,
        "scale": scale_value(header.scale),
        "size": sides(header.size),
        "lr_size": sides(small.size),
        **payload(small),
    }


def _figures(hr: Picture, restored: Picture, path: Path, small: Small) -> Entry:
    from unshrink.evaluate.scores import score_trip
    from unshrink.files.picture import read_picture

    return {
        **score_trip(hr, restored, read_picture(path), small.header),
        "lr_bytes": os.path.getsize(path),
        "hr_png_bytes": len(hr.encode("png")),
    }


def _lines(label: str, entry: Entry) -> str:
    def number(key: str, digits: int) -> str:
        return "-" if entry[key] is None else f"{entry[key]:.{digits}f}"

    size, lr_size = ("{width}x{height}".format(**entry[key]) for key in ("size", "lr_size"))
    memory = entry["peak_memory_bytes"]
    y, rgb, lr_y, lr_rgb = (number(key, 2) for key in ("psnr_y", "psnr_rgb", "lr_psnr_y", "lr_psnr_rgb"))
    return "\n".join(
        [
            f"{label} {size} -> {lr_size} -> {size} ({entry['model']})",
            f"  restored   PSNR {y} dB on Y, {rgb} dB on RGB; SSIM {number('ssim_y', 4)}",
            f"  small      PSNR {lr_y} dB on Y, {lr_rgb} dB on RGB; SSIM {number('lr_ssim_y', 4)} against bicubic",
            f"  bytes      {count_bytes(entry['lr_bytes'])} small ({entry['exact_bytes']:,} of them exact blocks), "
            f"{entry['hr_png_bytes']:,} as PNG in full size",
            f"  seconds    {entry['seconds_down']:.2f} down, {entry['seconds_up']:.2f} up",
            f"  memory     {'-' if memory is None else f'{memory / 2**20:.0f} MiB'} at most",
        ]
    )
