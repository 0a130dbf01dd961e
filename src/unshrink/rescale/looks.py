"""How an LR picture may look for what it carries: which blocks take how much, by a floor in dB."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from unshrink.files.residues import BLOCK, TEXTURED, Layout, Steps, block_grid

FLAT_SPREAD = 2.0
"""Standard deviation of luma, in levels, below which a block is flat."""
PINNED_SHARE = 0.25
"""Share of samples at black or white, within a level, from which on a block is pinned."""
PINNED, FLAT = 0, 1
LARGEST_STEP = 12
"""Most samples move by no more than half of this."""
ROUNDNESS = 0.0622
"""Mean squared error of a step of 1 in textured blocks; see `files.trellis`."""
CELLS = 1.035
"""What the first part's cells and the preamble add to the error of all, about; measured on held-out tiles."""
DRAWN_SHARE = 0.4
"""Share of pinned blocks from which on a picture is taken for a drawn one: a page, a screen, line art."""
LARGEST_DIFFERENCE, DIFFERENCE = 0.96, np.array([0.283, 0.26, 0.25])
"""Mean CIEDE2000 of a drawn LR picture against bicubic at most, and what a step of 1 gives in each class of blocks."""


def choose_layouts(wanted: NDArray[np.float32], floor: float) -> list[Layout]:
    """Layouts to try one after the other: drawn pictures first as one that hardly shows, then as others."""
    classes = classify(wanted)
    drawn = (classes == PINNED).mean() >= DRAWN_SHARE
    found = [_choose(classes, floor, LARGEST_DIFFERENCE)] if drawn else []
    return [*found, _choose(classes, floor, np.inf)]


def _choose(classes: NDArray[np.uint8], floor: float, difference: float) -> Layout:
    """The layout with the most room whose LR picture is about `floor` dB and that difference from what is wanted."""
    allowed = 255**2 / 10 ** (floor / 10) / CELLS
    share = np.bincount(classes.ravel(), minlength=3) / classes.size
    best = Steps(2, 2, 2)
    for step in range(2, LARGEST_STEP, 2):
        for more in range(16):
            steps = Steps(min(3, step), min(4, step), step, more)
            if _error(steps, share) > allowed or share @ _differences(steps) > difference:
                return Layout(best, classes)
            best = steps
    return Layout(best, classes)


def _error(steps: Steps, share: NDArray[np.floating]) -> float:
    """Mean squared error, in levels, of a picture with such shares of its classes."""
    textured = steps.textured**2 + ((steps.textured + 2) ** 2 - steps.textured**2) * steps.share / 16
    # A pinned sample moves one way only, to any of `pinned` levels; what is rounded before adds a twelfth
    pinned = (steps.pinned - 1) * (2 * steps.pinned - 1) / 6
    return float(share @ np.array([pinned, (steps.flat**2 + 1) / 12, textured * ROUNDNESS + 1 / 12]))


def _differences(steps: Steps) -> NDArray[np.floating]:
    """Mean CIEDE2000 of each class of blocks."""
    each: NDArray[np.floating] = DIFFERENCE * np.array([steps.pinned, steps.flat, steps.textured + steps.share / 8])
    return each


def classify(wanted: NDArray[np.float32]) -> NDArray[np.uint8]:
    """The class of every block: 0 pinned, 1 flat, 2 textured."""
    samples = wanted if wanted.ndim == 3 else wanted[..., None]
    rows, columns = block_grid(samples.shape)
    height, width = rows * BLOCK, columns * BLOCK
    padded = np.pad(samples, ((0, height - samples.shape[0]), (0, width - samples.shape[1]), (0, 0)), mode="edge")
    blocks = padded.reshape(rows, BLOCK, columns, BLOCK, -1).swapaxes(1, 2)
    luma = blocks.mean(-1)
    classes = np.where(luma.std(axis=(2, 3)) < FLAT_SPREAD, FLAT, TEXTURED)
    pinned = ((blocks < 1.5) | (blocks > 253.5)).mean(axis=(2, 3, 4)) >= PINNED_SHARE
    return np.where(pinned, PINNED, classes).astype(np.uint8)
