"""How the engine tells what it is doing."""

from __future__ import annotations

from collections.abc import Callable


class Step(str):
    """The name of a step, such as "shrink", and how far it has come: `share`, 0 to 1."""

    share: float

    def __new__(cls, name: str, share: float = 0.0) -> Step:
        """A step that has come so far."""
        step = super().__new__(cls, name)
        step.share = share
        return step

    def __reduce__(self) -> tuple[type[Step], tuple[str, float]]:
        return Step, (str(self), self.share)


Progress = Callable[[Step], None]
"""Called with each step as it starts: "read", "load model", "shrink", "embed", "improve", "check", "restore"; and again
while "improve", "check" and "restore" go on, which may take long. What it raises ends the work."""


def silent(step: Step) -> None:
    """Tells nobody."""
    del step
