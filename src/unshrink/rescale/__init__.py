"""The engine: a picture to an LR file and back. Everything else calls this road and re-implements none of it."""

from unshrink.rescale.catalogue import ModelInfo, list_models, load
from unshrink.rescale.dial import Dial
from unshrink.rescale.engine import Engine, down, up
from unshrink.rescale.sizes import DEFAULT_SCALE, Wish
from unshrink.rescale.small import FORMATS, Small, format_of
from unshrink.rescale.sources import PictureSource, SmallSource

__all__ = [
    "DEFAULT_SCALE",
    "FORMATS",
    "Dial",
    "Engine",
    "ModelInfo",
    "PictureSource",
    "Small",
    "SmallSource",
    "Wish",
    "down",
    "format_of",
    "list_models",
    "load",
    "up",
]
