"""Reading modules without looking for garbage in between, which is a fifth of the time until the command line works."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def quick_imports() -> Iterator[None]:
    """Import in here: modules, torch's thousand above all, are made to stay, and are not looked through again after."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if collecting:
            gc.enable()
