"""`python -m unshrink` and the console script `unshrink`."""

import sys
from typing import NoReturn

from unshrink.imports import quick_imports


def main() -> NoReturn:
    """The command line: runs what `sys.argv` asks for and leaves with its exit code."""
    try:
        with quick_imports():
            from unshrink.cli import run
    except KeyboardInterrupt:  # pressed while Python still reads our files
        sys.exit(130)
    run()


if __name__ == "__main__":
    main()
