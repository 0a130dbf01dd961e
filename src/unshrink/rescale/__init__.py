"""The engine: a picture to an LR file and back. Everything else calls this road and re-implements none of it.

Importing this package does not import torch; names are imported when they are first used.
"""

from typing import TYPE_CHECKING

from unshrink.imports import on_first_use

if TYPE_CHECKING:
    from unshrink.rescale.catalogue import ModelInfo as ModelInfo
    from unshrink.rescale.catalogue import list_models as list_models
    from unshrink.rescale.catalogue import load as load
    from unshrink.rescale.dial import Dial as Dial
    from unshrink.rescale.engine import Engine as Engine
    from unshrink.rescale.engine import down as down
    from unshrink.rescale.engine import up as up
    from unshrink.rescale.order import Order as Order
    from unshrink.rescale.restore import plan_from_pixels as plan_from_pixels
    from unshrink.rescale.sizes import DEFAULT_SCALE as DEFAULT_SCALE
    from unshrink.rescale.sizes import Wish as Wish
    from unshrink.rescale.small import FORMATS as FORMATS
    from unshrink.rescale.small import Small as Small
    from unshrink.rescale.small import format_of as format_of
    from unshrink.rescale.sources import PictureSource as PictureSource
    from unshrink.rescale.sources import SmallSource as SmallSource

_HOME = {
    "DEFAULT_SCALE": "unshrink.rescale.sizes",
    "FORMATS": "unshrink.rescale.small",
    "Dial": "unshrink.rescale.dial",
    "Engine": "unshrink.rescale.engine",
    "ModelInfo": "unshrink.rescale.catalogue",
    "Order": "unshrink.rescale.order",
    "PictureSource": "unshrink.rescale.sources",
    "Small": "unshrink.rescale.small",
    "SmallSource": "unshrink.rescale.sources",
    "Wish": "unshrink.rescale.sizes",
    "down": "unshrink.rescale.engine",
    "format_of": "unshrink.rescale.small",
    "list_models": "unshrink.rescale.catalogue",
    "plan_from_pixels": "unshrink.rescale.restore",
    "load": "unshrink.rescale.catalogue",
    "up": "unshrink.rescale.engine",
}

__all__ = [*_HOME]
__getattr__ = on_first_use(__name__, _HOME)
