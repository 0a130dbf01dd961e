"""What is done with a picture: the engine's road, with figures where they are asked for. Runs in the helper process."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from unshrink.cli.roundtrip import made_of, stated
from unshrink.cli.tasks import picture_endings, restored_name, small_endings, small_name
from unshrink.cli.view import scale_value, sides
from unshrink.errors import NotAnLRFileError, UsageError
from unshrink.evaluate.scores import border_of, score, score_trip
from unshrink.files.lrfile import is_lrfile
from unshrink.files.origin import encode_origin, origin_of
from unshrink.files.picture import Picture, picture_from_bytes
from unshrink.files.sections import ORIGIN_SECTION
from unshrink.files.sniff import sniff_or_none
from unshrink.metrics.quality import psnr_rgb, psnr_y
from unshrink.models import registry
from unshrink.named import NamedBytes
from unshrink.rescale import Dial, Engine, Small
from unshrink.rescale.dial import require_dial
from unshrink.rescale.memory import memory
from unshrink.rescale.order import kept_options
from unshrink.rescale.progress import Progress
from unshrink.rescale.restore import Plan, plan_restore
from unshrink.rescale.selfcheck import bicubic_back
from unshrink.rescale.sizes import DEFAULT_SCALE, both_axes
from unshrink.rescale.sources import as_picture
from unshrink.web.tasks import Known, Made, Message, Task, Told

_SHOWN = {"png", "jpeg", "webp", "gif", "bmp", "avif"}
"""Formats that every browser shows."""
MEDIA = {
    "png": "image/png", "webp": "image/webp", "tiff": "image/tiff", "jpeg": "image/jpeg", "bmp": "image/bmp",
}  # fmt: skip


@dataclass(frozen=True)
class Work:
    """What is done with the engine; all that is made and known is sent as it comes."""

    engine: Engine
    send: Callable[[Message], None]

    def do(self, task: Task) -> None:
        """Do it. Raises what the engine raises, and whatever `send` does."""
        if task.kind == "up" or (task.kind == "auto" and self._is_small(task)):
            self._up(task)
        else:
            self._down(task)

    def _is_small(self, task: Task) -> bool:
        """Whether it is an LR file, sound or not, or its pixels carry what one does."""
        if is_lrfile(task.data):
            return True
        try:
            plan_restore(NamedBytes(task.data, task.name), self.engine.reading_limits(), memory())
        except NotAnLRFileError:
            return False
        return True

    def _tell(self, prefix: str = "") -> Progress:
        return lambda step: self.send(Told(prefix + step, step.share))

    def _down(self, task: Task) -> None:
        start, order = time.perf_counter(), task.order
        self.send(Told("read"))
        picture = as_picture(NamedBytes(task.data, task.name), self.engine.reading_limits(), memory())
        spec = self.engine.chosen(order)
        require_dial(spec, Dial(task.sigma, task.seed))
        self.send(Known({"kind": "down", "model": spec.name, "size": sides(picture.size)}))
        small = self.engine.down(picture, order, progress=self._tell())
        origin = origin_of(task.data, kept_options(order))
        small = small.with_section(ORIGIN_SECTION, encode_origin(origin))
        data = small.encode(task.format)
        name = small_name(Path(task.name), order.wish.mark(spec.scale), small_endings()[task.format])
        self.send(Made("small", data, name, MEDIA[task.format]))
        if task.format not in _SHOWN:
            self.send(Made("shown", small.lrfile.picture.encode("png"), Path(name).stem + ".png", MEDIA["png"]))
        facts = {"input_bytes": len(task.data), "lr_bytes": len(data), "notes": list(small.lrfile.picture.notes)}
        seconds = round(time.perf_counter() - start, 3)
        self.send(Known({**stated(small), **facts, "dial": spec.dial, "seconds": seconds, "seconds_down": seconds}))
        if task.measure:
            self._measure(task, picture, small, data)

    def _measure(self, task: Task, picture: Picture, small: Small, data: bytes) -> None:
        """Restore from the bytes of the LR file, as anybody would, and measure."""
        start = time.perf_counter()
        restored = self.engine.up(data, sigma=task.sigma, seed=task.seed, progress=self._tell("restore: "))
        seconds = round(time.perf_counter() - start, 3)
        self._send_restored(task, restored)
        self._send_original(task, picture)
        self.send(Told("measure"))
        limits = self.engine.limits
        lr = picture_from_bytes(data, max_pixels=limits.max_lr_pixels, limits=limits, name=task.name)
        picture, _ = made_of(picture, small)
        figures = score_trip(picture, restored, lr, small.header)
        bicubic = bicubic_back(picture, small.size)
        plain = {"bicubic_psnr_y": psnr_y(picture.rgb, bicubic), "bicubic_psnr_rgb": psnr_rgb(picture.rgb, bicubic)}
        self.send(Known({**figures, **plain, "seconds_up": seconds}))

    def _up(self, task: Task) -> None:
        start = time.perf_counter()
        source = NamedBytes(task.data, task.name)
        plan = None if task.plain else plan_restore(source, self.engine.reading_limits(), memory())
        self.send(Known({"kind": "up", **({} if plan is None else _stated(plan))}))
        source.seek(0)
        restored = self.engine.up(
            source, plain=task.plain, scale=task.plain_scale, model=task.plain_model, sigma=task.sigma, seed=task.seed,
            progress=self._tell(),
        )  # fmt: skip
        seconds = round(time.perf_counter() - start, 3)
        self._send_restored(task, restored)
        self._send_original(task, None)
        facts = {"plain": task.plain, "size": sides(restored.size), "input_bytes": len(task.data), "seconds": seconds}
        self.send(Known({**facts, "seconds_up": seconds, "notes": list(restored.notes)}))
        if task.original is not None:
            scale = DEFAULT_SCALE if plan is None or plan.scale is None else plan.scale
            self._measure_against(task.original, restored, border_of(both_axes(scale)))

    def _measure_against(self, original: bytes, restored: Picture, border: int) -> None:
        self.send(Told("measure"))
        picture = as_picture(NamedBytes(original, "The original"), self.engine.reading_limits(), memory())
        if picture.size != restored.size:
            raise UsageError(
                "The original is of another size than the restored picture; give the one it was made from."
            )
        figures = score(picture, restored, None, picture, border)
        self.send(Known({key: value for key, value in figures.items() if not key.startswith("lr_")}))

    def _send_restored(self, task: Task, restored: Picture) -> None:
        data = restored.encode(task.picture_format, quality=task.quality)
        name = restored_name(Path(task.name), picture_endings()[task.picture_format])
        self.send(Known({"output_bytes": len(data)}))
        self.send(Made("restored", data, name, MEDIA[task.picture_format]))

    def _send_original(self, task: Task, picture: Picture | None) -> None:
        """What was sent, as PNG, where browsers do not show it."""
        format = sniff_or_none(task.data)
        if format is not None and format.kind in _SHOWN:
            return
        shown = picture or as_picture(NamedBytes(task.data, task.name), self.engine.reading_limits(), memory())
        data = replace(shown, exif=None, xmp=None).encode("png")
        self.send(Made("original", data, Path(task.name).stem + ".png", MEDIA["png"]))


def _stated(plan: Plan) -> dict[str, Any]:
    """What is known of an LR file before it is restored."""
    spec = registry.get(plan.model or "")
    scale = {} if plan.scale is None else {"scale": scale_value(both_axes(plan.scale))}
    size = {} if plan.size is None else {"size": sides(plan.size)}
    return {"model": spec.name, "dial": spec.dial, "lr_size": sides(plan.picture.size), **scale, **size}
