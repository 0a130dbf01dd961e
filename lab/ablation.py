"""Train the variants of a study at equal cost and compare them: `python -m lab.ablation STUDY --data DIR`.

Cost is counted in FLOPs, not timed, so that a busy machine changes nothing. Figures are those of held-out pictures
(`train.validate`), for choices and for the order of methods; reports on test sets are `unshrink eval`'s.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from lab.ablation_page import KIND, RESULTS, SCHEMA, read_results, render_page
from lab.command import answer, write_json
from lab.index import home
from lab.study import Study, Variant, find_variant, plan, read_study, seeds_of, study_names, trace
from unshrink.data.pack import Pack, pack_folder
from unshrink.errors import UsageError
from unshrink.files.lrfile import strip
from unshrink.files.picture import Picture
from unshrink.models import registry, weights
from unshrink.rescale import Engine
from unshrink.settings import plain, read_settings
from unshrink.train import run
from unshrink.train.cost import multiply_adds_per_pixel
from unshrink.train.recipe import Recipe
from unshrink.train.validate import CROP, MOST

Result = dict[str, Any]
"""What is known of one variant trained with one seed."""
MOST_OFF = 0.01
"""Of a budget's steps: a result of so many more or fewer still counts."""


@dataclass(frozen=True)
class Places:
    """Folders."""

    data: Path
    """Pictures to learn from; some are held out."""
    out: Path
    """Runs, one folder each; a run that was interrupted is continued."""
    results: Path = RESULTS
    """Where the JSON of the study is."""
    cache: Path | None = None
    """Of packed pictures; None is a folder in `out`."""

    @property
    def pack(self) -> Path:
        """The cache that is used."""
        return self.cache or self.out / "pack"


def run_study(study: Study, places: Places, *, only: str | None = None) -> Iterator[Result]:
    """Train what is not yet in the study's JSON and add it there, one by one; yield each new result.

    `only` names one variant. Raises UnknownNameError for one that is not in the study, and whatever training raises.
    """
    for variant in study.variants if only is None else [find_variant(study, only)]:
        for seed in seeds_of(study, variant):
            stages = trace(study, variant)
            recipes, begin = [plan(study, stage, seed) for stage in stages], stages[0].begin
            if not _is_known(study, variant, recipes, begin, places.results):
                result = _train(variant, recipes, begin, places)
                _add(study, result, places.results)
                yield result


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; 0, or the error's exit code."""
    parser = argparse.ArgumentParser(prog="python -m lab.ablation", description=__doc__)
    parser.add_argument("studies", nargs="*", metavar="STUDY", help=f"{', '.join(study_names())}, or a YAML file")
    parser.add_argument("--data", type=Path, help="folder of pictures to learn from")
    parser.add_argument("--out", type=Path, default=Path("runs/ablation"), help="folder for the runs")
    parser.add_argument("--cache", type=Path, help="folder for packed pictures; a folder in --out if not given")
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder of the JSON files")
    parser.add_argument("--only", metavar="VARIANT", help="train this variant only")
    parser.add_argument("--table", action="store_true", help="train nothing; write the page to standard output")
    parser.add_argument("--plan", action="store_true", help="train nothing; list what would be trained, with its cost")
    chosen = parser.parse_args(arguments)
    if not (chosen.table or chosen.plan or (chosen.studies and chosen.data)):
        parser.error("name a study and --data, or ask for --table or --plan")
    return answer(lambda: _tell(_carry_out(chosen)))


def _tell(lines: Iterator[str]) -> None:
    for line in lines:
        sys.stdout.write(line)
        sys.stdout.flush()


def _carry_out(chosen: argparse.Namespace) -> Iterator[str]:
    if chosen.table:
        yield render_page(chosen.results, study_names())
        return
    for study in map(read_study, chosen.studies or study_names()):
        if chosen.plan:
            yield from _list_plan(study)
            continue
        places = Places(chosen.data, chosen.out, chosen.results, chosen.cache)
        for result in run_study(study, places, only=chosen.only):
            yield f"{study.name} {_line(result)}\n"


def _list_plan(study: Study) -> Iterator[str]:
    for variant in study.variants:
        recipe = plan(study, variant, 0)
        adds = multiply_adds_per_pixel(registry.build(registry.get(recipe.model), settings=recipe.settings))
        seeds = " ".join(map(str, seeds_of(study, variant)))
        cost = f"{adds:9,.0f} multiply-adds, {recipe.steps:6,} steps, seeds {seeds}"
        yield f"{study.name:<10} {variant.name:<20} {cost}\n"


def _line(result: Result) -> str:
    figures = ", ".join(f"{key} {value:.3f}" for key, value in result["validation"].items() if value)
    return f"{result['variant']} seed {result['seed']}: {result['steps']:,} steps, {result['seconds']:.0f} s, {figures}"


def _train(variant: Variant, recipes: Sequence[Recipe], begin: Sequence[str], places: Places) -> Result:
    folders = [places.out / _folder_name(recipes[: i + 1], begin) for i in range(len(recipes))]
    for i, recipe in enumerate(recipes):
        start = [folders[i - 1] / "weights"] if i else [_shipped(name) for name in begin]
        run(recipe, places.data, folders[i], resume=True, start=start, cache=places.pack)
    records = [json.loads((folder / "record.json").read_text(encoding="utf-8")) for folder in folders]
    recipe, weights_folder = recipes[-1], folders[-1] / "weights"
    model = weights.load(recipe.model, path=weights_folder).model
    return {
        "variant": variant.name,
        "text": variant.text,
        "seed": recipe.seed,
        **{key: sum(record[key] for record in records) for key in ("steps", "seconds", "flops")},
        **{key: records[-1][key] for key in ("data_sha256", "validation")},
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "multiply_adds_per_hr_pixel": multiply_adds_per_pixel(model),
        **_weigh(recipe, weights_folder, pack_folder(places.data, places.pack)),
        **({"begin": list(begin)} if begin else {}),
        "recipes": plain(list(recipes)),
    }


def _shipped(name: str) -> Path:
    """The folder of shipped weights that are named as lite-x2/v2."""
    model, version = name.split("/")
    return home(model) / model / version


def _folder_name(recipes: Sequence[Recipe], begin: Sequence[str]) -> str:
    """Another training gets another folder; the same one, in whatever study, the same."""
    digest = hashlib.sha256(json.dumps([plain(list(recipes)), *begin], sort_keys=True).encode()).hexdigest()
    return f"{recipes[-1].model}-{recipes[-1].seed}-{digest[:12]}"


def _weigh(recipe: Recipe, folder: Path, pack: Pack) -> dict[str, float]:
    """Bits per HR pixel of LR files of the held-out crops, and how many of them are payload; {} for any scale."""
    spec = registry.get(recipe.model)
    crops = [crop for index in pack.split(recipe.data.holdout)[1][:MOST] if (crop := _crop(pack, index)) is not None]
    if spec.scale is None or not crops:
        return {}
    engine = Engine(weights=folder)
    whole = [engine.down(crop, model=recipe.model, exact_blocks=False).encode() for crop in crops]
    pixels = len(crops) * CROP**2
    weighed = {"lr_bits_per_hr_pixel": 8 * sum(map(len, whole)) / pixels}
    if spec.payload != "none":
        weighed["payload_bits_per_hr_pixel"] = 8 * sum(len(data) - len(strip(data)) for data in whole) / pixels
    return weighed


def _crop(pack: Pack, index: int) -> Picture | None:
    """The part that `train.validate` judges."""
    pixels = pack.picture(index)
    top, left = ((side - CROP) // 2 for side in pixels.shape[:2])
    return None if min(top, left) < 0 else Picture(rgb=pixels[top : top + CROP, left : left + CROP].copy())


def _is_known(study: Study, variant: Variant, recipes: Sequence[Recipe], begin: Sequence[str], results: Path) -> bool:
    """A result counts while the study still asks for the same training."""
    known = read_results(results, study.name).get("results", [])
    return any(
        entry["variant"] == variant.name
        and entry.get("begin", []) == list(begin)
        and _are_same(entry["recipes"], recipes)
        for entry in known
    )


def _are_same(stored: Sequence[Mapping[str, Any]], recipes: Sequence[Recipe]) -> bool:
    return len(stored) == len(recipes) and all(map(_is_same, stored, recipes))


def _is_same(stored: Mapping[str, Any], recipe: Recipe) -> bool:
    """Fields that came later count as their defaults; steps may differ a little, as FLOPs are counted more finely."""
    try:
        earlier = read_settings(Recipe, stored, where="stored recipe")
    except UsageError:
        return False
    if abs(earlier.steps - recipe.steps) > MOST_OFF * recipe.steps:
        return False
    same = replace(earlier, network=None, steps=recipe.steps) == replace(recipe, network=None)
    return same and earlier.settings == recipe.settings


def _add(study: Study, result: Result, results: Path) -> None:
    """Read again before writing: two processes may share a study."""
    key = (result["variant"], result["seed"])
    known = read_results(results, study.name).get("results", [])
    kept = [entry for entry in known if (entry["variant"], entry["seed"]) != key]
    order = [variant.name for variant in study.variants]
    listed = sorted([*kept, result], key=lambda entry: (_place(order, entry["variant"]), entry["seed"]))
    head = {key: value for key, value in asdict(study).items() if key in ("title", "budget", "recipe")}
    entry = {"schema": SCHEMA, "kind": KIND, "study": study.name, **head, "results": listed}
    results.mkdir(parents=True, exist_ok=True)
    write_json(results / f"ablation-{study.name}.json", entry)


def _place(order: Sequence[str], name: str) -> int:
    return order.index(name) if name in order else len(order)


if __name__ == "__main__":
    sys.exit(main())
