"""Read the checkpoints that the IRN authors publish: a plain state dict (.pth) with their names for our tensors."""

import re
from pathlib import Path

from torch import Tensor

from unshrink.errors import WeightsError
from unshrink.models.foreign import read_checkpoint

_BLOCK = re.compile(r"operations\.(\d+)\.([FGH])\.conv([1-5])\.(weight|bias)")
_MIXING = re.compile(r"operations\.(\d+)\.conv_weights")
_FIXED = re.compile(r"operations\.\d+\.haar_weights")


def read_authors_checkpoint(path: Path) -> dict[str, Tensor]:
    """The state dict of an IRN in our names, from a .pth file of theirs. Loads tensors only, never code.

    Raises WeightsError where the file is no such checkpoint. Whether it fits the network is for `load_state_dict`.
    """
    ours = {}
    for key, tensor in read_checkpoint(path).items():
        name = translate_key(key.removeprefix("module."))
        if name is not None:
            ours[name] = tensor
    return ours


def translate_key(key: str) -> str | None:
    """Our name for a tensor of theirs; None for the fixed Haar filters. Raises WeightsError for any other."""
    if block := _BLOCK.fullmatch(key):
        index, subnet, conv, kind = block.groups()
        return f"chain.links.{index}.{subnet.lower()}.convs.{int(conv) - 1}.{kind}"
    if mixing := _MIXING.fullmatch(key):
        return f"chain.links.{mixing[1]}.matrix"
    if _FIXED.fullmatch(key):
        return None
    raise WeightsError(f"The checkpoint has a tensor {key[:100]!r}, which an IRN does not.")
