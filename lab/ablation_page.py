"""The page of ablations from the studies' JSON; what is concluded from them is prose that lies beside the JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from unshrink.errors import UnreadableInputError

SCHEMA = 1
KIND = "ablation"
RESULTS = Path("docs/results")
INTRO = "ablations-intro.md"
_NOTHING = "–"
_HEAD = (
    "Variant",
    "Seeds",
    "Parameters",
    "Multiply-adds per HR pixel",
    "Steps",
    "FLOPs",
    "Y",
    "RGB",
    "LR",
    "LR bits",
    "Payload bits",
)
_QUALITY = ("psnr_y", "psnr_rgb", "lr_psnr_y")
_BITS = ("lr_bits_per_hr_pixel", "payload_bits_per_hr_pixel")


def read_results(folder: Path, study: str) -> dict[str, Any]:
    """The JSON of a study, {} where there is none yet; raises UnreadableInputError where it is damaged."""
    path = folder / f"ablation-{study}.json"
    if not path.is_file():
        return {}
    try:
        entry = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise UnreadableInputError(f"{path} is no valid JSON ({error}); delete it and run the study again.") from error
    if not isinstance(entry, dict) or entry.get("kind") != KIND or entry.get("schema") != SCHEMA:
        raise UnreadableInputError(f"{path} holds no ablation of schema {SCHEMA}; delete it and run the study again.")
    return entry


def render_page(folder: Path, studies: Sequence[str]) -> str:
    """Markdown: the introduction, then each study that has results: its table and the prose of ablation-STUDY.md."""
    found = [read_results(folder, study) for study in studies]
    parts = [_prose(folder / INTRO), *(_section(folder, entry) for entry in found if entry)]
    return "# Ablations\n\n" + "\n".join(part for part in parts if part)


def _section(folder: Path, entry: dict[str, Any]) -> str:
    variants = list(dict.fromkeys(result["variant"] for result in entry["results"]))
    rows = [_row([result for result in entry["results"] if result["variant"] == name]) for name in variants]
    kept = [i for i in range(len(_HEAD)) if i < 2 or any(row[i] != _NOTHING for row in rows)]
    table = [[_HEAD[i] for i in kept], ["---"] + ["---:"] * (len(kept) - 1), *([row[i] for i in kept] for row in rows)]
    budget = f"`{entry['study']}`, from the recipe `{entry['recipe']}`: {entry['budget']:.1e} FLOPs of training each."
    lines = [f"## {entry['title']}", "", budget, "", *("| " + " | ".join(cells) + " |" for cells in table), ""]
    return "\n".join([*lines, _prose(folder / f"ablation-{entry['study']}.md")])


def _row(results: Sequence[dict[str, Any]]) -> list[str]:
    first = results[0]
    return [
        first["text"] or first["variant"],
        str(len(results)),
        f"{first['parameters']:,}",
        f"{first['multiply_adds_per_hr_pixel']:,.0f}",
        f"{first['steps']:,}",
        f"{first['flops']:.2e}",
        *(_spread([result["validation"].get(key) for result in results], 2) for key in _QUALITY),
        *(_spread([result.get(key) for result in results], 3) for key in _BITS),
    ]


def _spread(figures: Sequence[float | None], digits: int) -> str:
    """The mean, and from where to where it goes where there are several seeds."""
    values = [value for value in figures if value is not None]
    if not values:
        return _NOTHING
    mean = f"{sum(values) / len(values):.{digits}f}"
    return mean if len(values) == 1 else f"{mean} ({min(values):.{digits}f} to {max(values):.{digits}f})"


def _prose(path: Path) -> str:
    return path.read_text(encoding="utf-8").strip() + "\n" if path.is_file() else ""
