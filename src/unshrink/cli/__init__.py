"""The command line. Importing it stays light: torch, numpy and Pillow are imported inside the commands."""

from unshrink.cli.app import main, run

__all__ = ["main", "run"]
