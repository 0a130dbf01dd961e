"""Weights of the models of unshrink that are no defaults. `FOLDER` is found by the entry point group `unshrink.zoo`."""

from pathlib import Path

FOLDER = Path(__file__).parent
"""NAME/VERSION/model.safetensors, and an index."""
