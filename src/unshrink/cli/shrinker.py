"""How a picture is shrunk, as the options that `down` and `roundtrip` share say it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from unshrink.cli.amounts import read_bytes

if TYPE_CHECKING:
    from unshrink.models.registry import ModelSpec
    from unshrink.rescale import Engine, PictureSource, Small, Wish
    from unshrink.rescale.engine import Progress


@dataclass(frozen=True)
class Shrinker:
    """An engine and all that it is told for every picture; see `unshrink.down` for what each means."""

    engine: Engine
    wish: Wish
    model: str | None
    effort: int
    exact_blocks: bool
    carrier: str
    budget: int | None
    """Bytes."""

    def choose(self) -> ModelSpec:
        """The model that will be used. Raises UsageError where none fits."""
        return self.engine.choose(self.wish.scale, self.model, any_scale=self.wish.any_scale)

    def mark(self) -> str:
        """What the names of small pictures say about their size: x4, 800x600."""
        return self.wish.mark(self.choose().scale)

    def shrink(self, source: PictureSource, progress: Progress | None = None) -> Small:
        """Shrink one picture. Raises what `unshrink.down` raises."""
        return self.engine.down(
            source,
            self.wish.scale,
            size=self.wish.size,
            max_side=self.wish.max_side,
            model=self.model,
            effort=self.effort,
            exact_blocks=self.exact_blocks,
            carrier=self.carrier,
            payload_budget=self.budget,
            progress=progress,
        )


def read_shrinker(
    scale: float | tuple[float, float] | None,
    size: tuple[int, int] | None,
    max_side: int | None,
    model: str | None,
    weights: str | None,
    effort: int,
    exact_blocks: bool,
    carrier: str,
    payload_budget: str | None,
    device: str,
    memory: int | None,
) -> Shrinker:
    """From the command's options. Raises UsageError for a budget that is no amount and for more than one size."""
    from unshrink.rescale import Engine, Wish

    budget = None if payload_budget is None else read_bytes(payload_budget)
    engine = Engine(weights=weights, device=device, memory=memory)
    return Shrinker(engine, Wish(scale, size, max_side), model, effort, exact_blocks, carrier, budget)
