"""Put trained weights into the zoo with their card: `python -m lab.publish RUN SET_FOLDER...`."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from lab.command import answer
from lab.index import home, write_index
from unshrink.data.patches import PatchSettings
from unshrink.errors import UnreadableInputError
from unshrink.evaluate.measure import Report
from unshrink.evaluate.models import evaluate
from unshrink.models import registry, weights
from unshrink.models.rescaler import Rescaler
from unshrink.rescale.sizes import Scale, spell
from unshrink.train.cost import multiply_adds_per_pixel, training_flops

PAPER_STEPS = 500_000
SCALES: tuple[Scale, ...] = (1.5, 2.0, 2.5, 3.0, 3.5, 4.0, (1.5, 3.0))
"""Where a model of any scale is measured, along height and width where it is a pair."""
HALF_PRECISION_BOUND = 0.005
"""dB that half precision may cost on the first set before the weights are shipped in float32."""


def publish(run: Path, folders: Sequence[Path], *, data: str, zoo: Path | None = None) -> Path:
    """Write the averaged weights of a training run as the next version of their model; return its folder.

    Half precision unless it costs more than 0.005 dB on the first of `folders`. eval.json holds the report on all
    folders (for a model of any scale eval-x2.json and so on, for each of `SCALES`), the card also recipe, cost and
    `data` (which pictures, in words). `zoo` is where its other versions are, by default in this checkout; its index
    is written anew. Raises UnreadableInputError without a record.
    """
    record = _read_record(run)
    name = record["recipe"]["model"]
    zoo = zoo or home(name)
    target: Path = zoo / name / f"v{_latest(zoo / name) + 1}"
    full = weights.load(name, path=run / "weights").model
    weights.write_weights(full, name, target, dtype=torch.float16)
    loss = _loss(name, run / "weights", target, folders[0])
    if loss > HALF_PRECISION_BOUND:
        weights.write_weights(full, name, target)
    card = _card(record, full, _write_reports(name, folders, target), data)
    card["half_precision"] = {"used": loss <= HALF_PRECISION_BOUND, "costs_db": round(loss, 5), "on": folders[0].name}
    _write_card(card, target)
    write_index(zoo)
    return target


def measure_again(name: str, folders: Sequence[Path], zoo: Path | None = None) -> Path:
    """Write the reports and the figures of a model's newest weights anew, where the code around them has changed."""
    zoo = zoo or home(name)
    target = zoo / name / f"v{_latest(zoo / name)}"
    card = json.loads((target / "card.json").read_text(encoding="utf-8"))
    sets = _write_reports(name, folders, target)
    _write_card({**card, "sets": {key: _without_images(row) for key, row in sets.items()}}, target)
    return target


def _write_card(card: dict[str, Any], target: Path) -> None:
    (target / "card.json").write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")
    (target / "README.md").write_text(render_card(card), encoding="utf-8")


def _write_reports(name: str, folders: Sequence[Path], target: Path) -> dict[str, Report]:
    """Write the reports; return figures by the set's name, and scale where there are many."""
    sets: dict[str, Report] = {}
    for scale in _scales(name):
        report = evaluate(name, folders, scale=scale, weights=target)
        ending = "" if scale is None else f"-x{spell(scale[::-1] if isinstance(scale, tuple) else scale)}"
        (target / f"eval{ending}.json").write_text(json.dumps(report) + "\n", encoding="utf-8")
        sets |= {key + ending.replace("-", " "): row for key, row in report["sets"].items()}
    return sets


def _scales(name: str) -> tuple[Scale | None, ...]:
    return SCALES if registry.get(name).scale is None else (None,)


def render_card(card: dict[str, Any]) -> str:
    """The card as Markdown, from its JSON."""
    lines = [
        f"# {card['model']}, " + (f"x{card['scale']}" if card["scale"] else "any scale"),
        "",
        f"Method: {card['method']}. {card['design']}",
        "",
        *_facts(card),
        "",
        "Measured through written files (docs/protocol.md):",
        "",
        *_figures(card["sets"]),
        "",
        "Meant for: small pictures that give the large one back. Not meant for: enlarging pictures that it did not "
        "shrink. What it cannot restore it guesses; do not rely on restored detail as evidence.",
        "",
    ]
    return "\n".join(lines)


def _facts(card: dict[str, Any]) -> list[str]:
    cost, held = card["cost"], card["validation"]
    return [
        f"- {card['parameters']:,} parameters, {card['multiply_adds_per_hr_pixel']:,.0f} multiply-adds an HR pixel",
        "  and direction",
        f"- Trained {cost['steps']:,} steps, {cost['seconds'] / 60:.0f} minutes, {cost['flops']:.2e} FLOPs",
        f"  ({100 * cost['share_of_paper']:.2g} % of the paper's training of IRN x{card['scale'] or 4})",
        f"- Data: {card['data']} (SHA-256 of the pixels {card['data_sha256'][:16]})",
        f"- Held-out pictures: Y {held['psnr_y']:.2f} dB, LR {held['lr_psnr_y']:.2f} dB",
        "- Licence: Apache-2.0",
    ]


def _figures(sets: dict[str, Any]) -> list[str]:
    return [
        "| set | HR Y | SSIM Y | HR RGB | LR Y | LR RGB | LR CIEDE2000, mean / 99 % | bits per HR pixel |",
        "|---|---:|---:|---:|---:|---:|---:|---:|",
        *(
            f"| {name} | {row['psnr_y']:.2f} | {row['ssim_y']:.4f} | {row['psnr_rgb']:.2f} | {row['lr_psnr_y']:.2f} "
            f"| {row['lr_psnr_rgb']:.2f} | {row['lr_ciede_mean']:.2f} / {row['lr_ciede_p99']:.2f} "
            f"| {row['lr_bits_per_hr_pixel']:.3f} |"
            for name, row in sets.items()
        ),
    ]


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; 0, or the error's exit code."""
    parser = argparse.ArgumentParser(prog="python -m lab.publish", description=__doc__)
    parser.add_argument("run", type=Path, help="folder of a training run; with --again a model's name")
    parser.add_argument("folders", nargs="+", type=Path, metavar="SET_FOLDER", help="pictures to measure on")
    how = parser.add_mutually_exclusive_group(required=True)
    how.add_argument("--data", help="what it was trained on, in words")
    how.add_argument("--again", action="store_true", help="only measure the newest weights anew")
    chosen = parser.parse_args(arguments)

    def work() -> None:
        if chosen.again:
            target = measure_again(str(chosen.run), chosen.folders)
        else:
            target = publish(chosen.run, chosen.folders, data=chosen.data)
        sys.stdout.write((target / "README.md").read_text(encoding="utf-8"))

    return answer(work)


def _card(record: dict[str, Any], model: Rescaler, sets: dict[str, Report], data: str) -> dict[str, Any]:
    spec = registry.get(record["recipe"]["model"])
    runs = _runs(record)
    cost = {key: sum(run[key] for run in runs) for key in ("steps", "seconds", "flops")}
    return {
        "model": spec.name,
        "method": spec.method,
        "design": spec.design,
        "scale": model.scale,
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "multiply_adds_per_hr_pixel": multiply_adds_per_pixel(model),
        "cost": {**cost, "share_of_paper": cost["flops"] / _paper_flops(model.scale or 4)},
        "data": data,
        "data_sha256": record["data_sha256"],
        "recipes": [run["recipe"] for run in runs],
        "validation": record["validation"],
        "sets": {name: _without_images(row) for name, row in sets.items()},
    }


def _runs(record: dict[str, Any]) -> list[dict[str, Any]]:
    """The records of a run and of those whose weights it began with, first to last; each once, however many use it."""
    earlier = [run for before in record.get("before") or [] for run in _runs(before)]
    return [run for i, run in enumerate(earlier) if run not in earlier[:i]] + [record]


def _paper_flops(scale: int) -> float:
    return training_flops(registry.build(registry.get(f"irn-x{scale}")), PatchSettings()) * PAPER_STEPS


def _loss(name: str, full: Path, half: Path, folder: Path) -> float:
    scale = _scales(name)[0]
    reports = [evaluate(name, [folder], scale=scale, weights=path) for path in (full, half)]
    figures = [report["sets"][folder.name]["psnr_y"] for report in reports]
    return float(figures[0] - figures[1])


def _without_images(row: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in row.items() if key != "per_image"}


def _latest(folder: Path) -> int:
    return max((int(path.name[1:]) for path in folder.glob("v*")), default=0)


def _read_record(run: Path) -> dict[str, Any]:
    path = run / "record.json"
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        raise UnreadableInputError(f"{path} is missing or damaged; name the folder of a training run.") from error


if __name__ == "__main__":
    sys.exit(main())
