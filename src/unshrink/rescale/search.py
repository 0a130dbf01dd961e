"""The step whose cost just fits, in few tries: each one is a whole run of the networks."""

from __future__ import annotations

import math
from collections.abc import Callable

COARSEST, FINEST = 1791, 0
"""Indices of the coarsest and finest step that a search looks at: 128 levels and 1."""
SECANTS = 7


def solve(
    cost: Callable[[int], float],
    target: float,
    start: int,
    *,
    bounds: tuple[int, int] = (FINEST, COARSEST),
    close: float = 0.006,
) -> int:
    """The step's index whose cost is just within `target`, by secants of its logarithm; the coarsest if none is.

    Stops where the cost is less than a share `close` below.
    """
    low, high = bounds
    step, slope = min(max(start, low), high), -1 / 330
    best, last = high, None
    for _ in range(SECANTS):
        excess = math.log(max(cost(step), 1.0) / target)
        if excess <= 0:
            best = min(best, step)
        if -close < excess <= 0 or (step in bounds and (step == low) == (excess <= 0)):
            break
        if last and last[0] != step:
            slope = min(-1 / 900, max(-1 / 90, (excess - last[1]) / (step - last[0])))
        last = step, excess
        step = min(max(step + round((-close / 2 - excess) / slope), low), high)
        if step == last[0]:
            break
    return best
