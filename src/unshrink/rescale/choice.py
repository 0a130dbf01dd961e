"""Which model is used: one that is named, that of weights that are given, or the default for a scale."""

from __future__ import annotations

from pathlib import Path

from unshrink.errors import UsageError
from unshrink.models import registry
from unshrink.models import weights as zoo
from unshrink.models.registry import ModelSpec
from unshrink.rescale.sizes import Scale, check_scale, spell, whole


def stated(weights: Path, scale: Scale | None) -> str | None:
    """The model that the weights say they are of, where that is one of `scale`, or of any."""
    name = zoo.stated_model(weights)
    if name is None or name not in registry.names():
        return name
    return name if scale is None or registry.get(name).scale in (None, scale) else None


def default(scale: Scale | None) -> ModelSpec:
    """The default for `scale`: one of its own, or the one of any scale, which None asks for."""
    number = whole(scale)
    if scale is None or number not in registry.default_scales():
        if scale is not None:
            check_scale(scale)
        return registry.default_for(None)
    return registry.default_for(number)


def fitting(spec: ModelSpec, scale: Scale | None, *, any_scale: bool) -> ModelSpec:
    """`spec`, where it can make what is asked. Raises UsageError."""
    if spec.scale is None:
        if scale is not None:
            check_scale(scale)
    elif scale is not None and whole(scale) != spec.scale:
        raise UsageError(
            f"{spec.name} has scale {spec.scale}, not {spell(scale)}; leave out the scale or name another model."
        )
    elif any_scale and scale is None:
        raise UsageError(f"{spec.name} has scale {spec.scale} only; name no model, or one of any scale.")
    return spec
