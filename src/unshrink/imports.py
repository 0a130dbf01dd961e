"""Quick imports: names that are imported when first used, and modules that are read without looking for garbage."""

import gc
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module

from unshrink.errors import MissingTorchError


def on_first_use(package: str, homes: Mapping[str, str]) -> Callable[[str], object]:
    """The `__getattr__` of a package whose names live in other modules: each is imported when it is first asked for.

    `homes` gives the module of each name.
    Raises AttributeError for other names, and MissingTorchError where one needs torch and there is none.
    """

    def find(name: str) -> object:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        try:
            value: object = getattr(import_module(homes[name]), name)
        except ModuleNotFoundError as error:
            if error.name == "torch":
                raise MissingTorchError from error
            raise
        setattr(sys.modules[package], name, value)
        return value

    return find


@contextmanager
def quick_imports() -> Iterator[None]:
    """Import in here: collection is off, and the new modules are frozen so that later collections skip them.

    Torch alone has about a thousand.
    """
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if collecting:
            gc.enable()
