"""Measuring: models, baselines and published figures in one JSON schema, all through written files."""

from unshrink.evaluate.models import evaluate

__all__ = ["evaluate"]
