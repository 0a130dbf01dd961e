"""`unshrink models`, `recipes` and `doctor`: what there is to work with. None of them imports torch unasked."""

from __future__ import annotations

from dataclasses import asdict
from importlib.resources import files
from typing import TYPE_CHECKING, Annotated, Any

import typer

from unshrink.cli import options
from unshrink.cli.complete import recipe_names
from unshrink.cli.view import View
from unshrink.errors import UnshrinkError

if TYPE_CHECKING:
    from unshrink.checkup import Finding


def models(json: options.Json = False) -> int:
    """List every model, the defaults marked, and whether its weights are installed."""
    from unshrink.models.zoo import comes_with
    from unshrink.rescale import list_models

    listed = list_models()
    view = View(json_mode=json)
    view.document({"command": "models", "models": [asdict(model) for model in listed]})
    view.result(f"{'name':<14} {'method':<10} {'scale':>5} {'payload':<8} {'parameters':>12}  weights")
    for model in listed:
        held = model.weights[-1][:12] if model.weights else comes_with(model.name) or "none"
        scale = "any" if model.scale is None else f"x{model.scale}"
        default = ", default" if model.default else ""
        shape = f"{scale:>5} {model.payload:<8} {model.parameters:>12,}"
        view.result(f"{model.name:<14} {model.method:<10} {shape}  {held}{default}")
    return 0


def recipes(json: options.Json = False) -> int:
    """List the recipes that `train` takes by name: the model, the weights it begins with, what it is."""
    folder = files("unshrink") / "train" / "recipes"
    listed = [_recipe(name, (folder / f"{name}.yaml").read_text(encoding="utf-8")) for name in recipe_names()]
    view = View(json_mode=json)
    view.document({"command": "recipes", "recipes": listed})
    view.result(f"{'name':<20} {'model':<14} {'begins with':<20} what it is")
    for recipe in listed:
        start = ", ".join(recipe["start"]) or "-"
        view.result(f"{recipe['name']:<20} {recipe['model']:<14} {start:<20} {recipe['about'].partition('. ')[0]}")
    return 0


def _recipe(name: str, text: str) -> dict[str, Any]:
    import yaml

    values = yaml.safe_load(text)
    head = [line.removeprefix("#").strip() for line in text.partition("model:")[0].splitlines()]
    about = " ".join(line for line in head if line)
    return {
        "name": name, "model": values["model"], "start": values.get("start", []), "about": about,
    }  # fmt: skip


def doctor(
    test: Annotated[
        bool, typer.Option("--test", help="Try it, too: cards, weights, a small picture down and up. Takes seconds.")
    ] = False,
    json: options.Json = False,
) -> int:
    """Tell what is installed, what this machine offers, and what to install.

    Exit code 0 where `down` and `up` can work, 1 where something that they need is missing or broken.
    """
    from unshrink.checkup import examine, is_sound

    findings = examine(thorough=test)
    sound = is_sound(findings)
    view = View(json_mode=json)
    view.document({"command": "doctor", "sound": sound, "results": [asdict(finding) for finding in findings]})
    for finding in findings:
        view.result(_line(finding))
    if sound:
        return 0
    broken = ", ".join(finding.name for finding in findings if finding.required and not finding.ok)
    view.error(f"down and up cannot be relied on here; see {broken}.")
    return UnshrinkError.exit_code


def _line(finding: Finding) -> str:
    mark = "ok" if finding.ok else ("BROKEN" if finding.required else "-")
    advice = f" -> {finding.advice}" if finding.advice and not finding.ok else ""
    return f"{mark:<7} {finding.name:<17} {finding.text}{advice}"
