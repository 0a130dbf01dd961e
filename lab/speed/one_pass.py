"""One pass of a network down and up, for `sizes.py`, which runs it in a process of its own to see its peak memory.

    python -m lab.speed.one_pass {plain,tiles} MODEL SIDE     prints the seconds of both directions together
    python -m lab.speed.one_pass ceiling MODEL SIDE           prints what the multiplications alone would take

"plain" is the network written straightforwardly, the whole picture at once in float32 with nothing in place; "tiles" is
how the engine runs it, from 8-bit pixels to 8-bit pixels; "ceiling" is at the rate of a large matrix product.
"""

import sys
import time
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from lab.speed.networks import prepare
from lab.speed.paper_size import ceiling
from unshrink.models import registry
from unshrink.models.chain import ChainRescaler
from unshrink.models.rescaler import Rescaler
from unshrink.nn.parts import whole
from unshrink.rescale.memory import memory
from unshrink.rescale.pixels import Pixels, read_part, to_rgb
from unshrink.rescale.sizes import lr_size
from unshrink.rescale.tiled import assemble, downscale, upscale
from unshrink.train.cost import multiply_adds_per_pixel


def plain_pass(model: Rescaler, pixels: Pixels) -> None:
    """As one would write it: every step a new tensor of the whole picture."""
    if not isinstance(model, ChainRescaler):
        raise SystemExit("the plain way is written for networks that are one chain")
    state: Tensor = read_part(pixels, whole(pixels.shape[:2]))
    for link in model.chain.links:
        state = link(state)
    state = torch.cat([state[:, : model.low], torch.zeros_like(state[:, model.low :])], dim=1)
    for link in reversed(model.chain.links):  # type: ignore[call-overload]
        state = link.inverse(state)


def tiled_pass(model: Rescaler, pixels: Pixels) -> None:
    """As the engine does it."""
    size = (pixels.shape[0], pixels.shape[1])
    small = lr_size(size, model.scale or 1)
    lr, _ = downscale(pixels, model, small, memory())
    assemble(upscale(to_rgb(lr, small), model, size, memory()), size)


WAYS: dict[str, tuple[Callable[[Rescaler, Pixels], None], str]] = {
    "plain": (plain_pass, "whole float32"),
    "tiles": (tiled_pass, "strips fast"),
}


@torch.inference_mode()
def main() -> None:
    """Print one number."""
    way, name, side = sys.argv[1], sys.argv[2], int(sys.argv[3])
    torch.manual_seed(0)
    model = registry.build(registry.get(name)).eval()
    if way == "ceiling":
        print(4 * multiply_adds_per_pixel(model) * side * side / ceiling(time.perf_counter))
        return
    work, setting = WAYS[way]
    prepare(model, setting)
    pixels = np.random.default_rng(0).integers(0, 256, (side, side, 3), dtype=np.uint8)
    work(model, pixels[:96, :96])
    start = time.perf_counter()
    work(model, pixels)
    print(time.perf_counter() - start)


if __name__ == "__main__":
    main()
