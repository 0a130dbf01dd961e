"""Shrink a picture into a small file that any viewer opens, and restore the picture from that file alone.

    import unshrink

    small = unshrink.down("photo.jpg", scale=4)     # takes a path, bytes, a PIL image, a numpy array, a Picture
    small.save("photo.x4.png")
    photo = unshrink.up("photo.x4.png")             # a Picture: photo.rgb, photo.to_pil(), photo.save("photo.png")

Importing this package does not import torch; the first call that needs a network does. Everything raised on purpose is
an `UnshrinkError`; its message is fit to be shown to a user.
"""

from typing import TYPE_CHECKING

from unshrink.imports import on_first_use

if TYPE_CHECKING:
    from unshrink.errors import LimitError as LimitError
    from unshrink.errors import LRFileError as LRFileError
    from unshrink.errors import UnreadableInputError as UnreadableInputError
    from unshrink.errors import UnshrinkError as UnshrinkError
    from unshrink.errors import UsageError as UsageError
    from unshrink.errors import WeightsError as WeightsError
    from unshrink.files.picture import Picture as Picture
    from unshrink.limits import Limits as Limits
    from unshrink.rescale import Engine as Engine
    from unshrink.rescale import ModelInfo as ModelInfo
    from unshrink.rescale import Order as Order
    from unshrink.rescale import Small as Small
    from unshrink.rescale import down as down
    from unshrink.rescale import list_models as list_models
    from unshrink.rescale import load as load
    from unshrink.rescale import up as up

__version__ = "0.1.0"

_HOME = {
    "Engine": "unshrink.rescale",
    "LRFileError": "unshrink.errors",
    "LimitError": "unshrink.errors",
    "Limits": "unshrink.limits",
    "ModelInfo": "unshrink.rescale",
    "Order": "unshrink.rescale",
    "Picture": "unshrink.files.picture",
    "Small": "unshrink.rescale",
    "UnreadableInputError": "unshrink.errors",
    "UnshrinkError": "unshrink.errors",
    "UsageError": "unshrink.errors",
    "WeightsError": "unshrink.errors",
    "down": "unshrink.rescale",
    "list_models": "unshrink.rescale",
    "load": "unshrink.rescale",
    "up": "unshrink.rescale",
}

__all__ = [*_HOME, "__version__"]
__getattr__ = on_first_use(__name__, _HOME)


def __dir__() -> list[str]:
    return sorted(__all__)
