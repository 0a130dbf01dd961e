"""What a job does with the bytes of one picture: shrink it, or restore it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, Protocol, Self

from unshrink.errors import SmallEnoughError
from unshrink.limits import Limits
from unshrink.named import NamedBytes
from unshrink.rescale import Dial, Engine, Order

if TYPE_CHECKING:
    from unshrink.files.picture import Picture


class Rename(Protocol):
    """Gives an output its name."""

    def __call__(self, path: PurePath, *, whole: bool) -> str:
        """The output's name for an input; with `whole`, one that keeps the whole name of the input."""
        ...


class LeftAlone(Exception):  # noqa: N818 - no error
    """A picture that this command is not for; the message says why."""


@dataclass(frozen=True)
class Made:
    """What became of one picture."""

    data: bytes
    scores: Mapping[str, float | None] = field(default_factory=dict)
    """Decibels, by column of the manifest."""


class Machine(Protocol):
    """What makes an engine, where it is needed."""

    @property
    def device(self) -> str:
        """Where networks run."""
        ...

    def engine(self) -> Engine:
        """A new one."""
        ...

    def shared(self, workers: int) -> Machine:
        """For each of so many workers on one machine: one thread, and its part of the memory."""
        ...


class Work(Protocol):
    """A command on one picture. Travels to other processes, and loads its network there."""

    @property
    def asked(self) -> str:
        """What decides the output beside the input, as JSON: where it differs, a picture is made anew."""
        ...

    @property
    def device(self) -> str:
        """Where networks run."""
        ...

    def shared(self, workers: int) -> Work:
        """The same for one of so many workers on a machine."""
        ...

    def limits(self) -> Limits:
        """For reading ahead."""
        ...

    def load(self) -> None:
        """Load what the first picture would have to wait for."""
        ...

    def fits(self, name: str) -> bool:
        """Whether a file can be meant, by its name."""
        ...

    def rename(self, path: PurePath, *, whole: bool) -> str:
        """See `Rename`."""
        ...

    def make(self, data: bytes, name: str) -> Made:
        """The output. Raises LeftAlone and UnshrinkError."""
        ...


@dataclass(frozen=True)
class _Named:
    machine: Machine
    renaming: Rename

    @cached_property
    def engine(self) -> Engine:
        """Made where it is used, in the process that uses it."""
        return self.machine.engine()

    @property
    def device(self) -> str:
        """See `Work`."""
        return self.machine.device

    def shared(self, workers: int) -> Self:
        """See `Work`."""
        return replace(self, machine=self.machine.shared(workers))

    def limits(self) -> Limits:
        """See `Work`."""
        return self.engine.reading_limits()

    def rename(self, path: PurePath, *, whole: bool) -> str:
        """See `Work`."""
        return self.renaming(path, whole=whole)


@dataclass(frozen=True)
class Shrinking(_Named):
    """`down`."""

    order: Order
    format: str = "png"
    measure: bool = False
    """Whether every file is restored at once, to say in the manifest how well it comes back."""

    @cached_property
    def asked(self) -> str:
        """See `Work`."""
        from unshrink.rescale.order import kept_options

        spec, wish = self.engine.chosen(self.order), self.order.wish
        weights = self.engine.load(spec.name).weights.digest
        size = {"scale": wish.scale, "size": wish.size, "max_side": wish.max_side}
        what = {"down": spec.name, "weights": weights, "format": self.format, "measured": self.measure, **size}
        return _spelled({**what, **kept_options(self.order)})

    def load(self) -> None:
        """See `Work`."""
        self.engine.load(self.engine.chosen(self.order).name)

    def fits(self, name: str) -> bool:
        """Pictures that `up` has not made."""
        from unshrink.files.formats import ENDINGS

        path = PurePath(name)
        return path.suffix.lower() in ENDINGS and not path.stem.endswith(".restored")

    def make(self, data: bytes, name: str) -> Made:
        """See `Work`."""
        from unshrink.files import origin
        from unshrink.files.carried import carries
        from unshrink.files.lrfile import is_lrfile
        from unshrink.files.sections import ORIGIN_SECTION
        from unshrink.rescale.order import kept_options

        if is_lrfile(data):
            raise LeftAlone("already an LR file")
        picture = self.engine.read(NamedBytes(data, name))
        if carries(picture):
            raise LeftAlone("already an LR file, of which the pixels are left")
        try:
            small = self.engine.down(picture, self.order)
        except SmallEnoughError as error:
            raise LeftAlone(f"small enough: {error}") from None
        made_of = origin.origin_of(data, kept_options(self.order))
        made = small.with_section(ORIGIN_SECTION, origin.encode_origin(made_of)).encode(self.format)
        return Made(made, self._scores(picture, made) if self.measure else {})

    def _scores(self, hr: Picture, made: bytes) -> dict[str, float | None]:
        """Of the file as it is written."""
        from unshrink.evaluate.scores import decibels_of_trip
        from unshrink.files.lrfile import decode

        lrfile = decode(made)
        return decibels_of_trip(hr, self.engine.up(made), lrfile.picture, lrfile.header)


@dataclass(frozen=True)
class Restoring(_Named):
    """`up`."""

    dial: Dial
    format: str = "png"
    quality: int | None = None
    plain: bool = False
    scale: float | tuple[float, float] | None = None
    model: str | None = None

    @cached_property
    def asked(self) -> str:
        """See `Work`."""
        dial = {"sigma": self.dial.sigma, "seed": self.dial.seed if self.dial.sigma else 0}
        how = {"plain": self.plain, "scale": self.scale, "model": self.model}
        return _spelled({"up": self.format, "quality": self.quality, **dial, **how})

    def load(self) -> None:
        """Files say which network they need."""
        _ = self.engine

    def fits(self, name: str) -> bool:
        """Files that can be LR files; with `plain`, all pictures."""
        from unshrink.files.formats import CONTAINERS, ENDINGS, by_ending

        endings = ENDINGS if self.plain else by_ending(CONTAINERS.values())
        return PurePath(name).suffix.lower() in endings

    def make(self, data: bytes, name: str) -> Made:
        """See `Work`."""
        from unshrink.files.carried import carries
        from unshrink.files.lrfile import is_lrfile

        if not self.plain and not is_lrfile(data) and not carries(self.engine.read(NamedBytes(data, name))):
            raise LeftAlone("not an LR file")
        dial = {"sigma": self.dial.sigma, "seed": self.dial.seed}
        how: dict[str, Any] = {"plain": self.plain, "scale": self.scale, "model": self.model, **dial}
        picture = self.engine.up(NamedBytes(data, name), **how)
        return Made(picture.encode(self.format, quality=self.quality))


def _spelled(values: Mapping[str, Any]) -> str:
    return json.dumps({key: value for key, value in values.items() if value is not None}, sort_keys=True)
