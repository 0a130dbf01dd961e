"""`python -m unshrink` and the console script `unshrink`."""

from typing import NoReturn

from unshrink.cli import run


def main() -> NoReturn:
    """The command line: runs what `sys.argv` asks for and leaves with its exit code."""
    run()


if __name__ == "__main__":
    main()
