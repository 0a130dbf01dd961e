"""What a shell offers for names that are half typed; needs no torch."""

from __future__ import annotations

from importlib.resources import files


def models(incomplete: str) -> list[str]:
    """Models whose names begin so."""
    from unshrink.models.listing import rows

    return [name for name in rows() if name.startswith(incomplete)]


def recipe_names() -> list[str]:
    """The recipes in the package, sorted."""
    folder = files("unshrink") / "train" / "recipes"
    return sorted(entry.name[:-5] for entry in folder.iterdir() if entry.name.endswith(".yaml"))


def recipes(incomplete: str) -> list[str]:
    """Recipes whose names begin so."""
    return [name for name in recipe_names() if name.startswith(incomplete)]
