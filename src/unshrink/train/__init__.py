"""Training: one loop, an objective and a recipe per method."""

from unshrink.train.loop import run

__all__ = ["run"]
