"""What a run leaves behind: a curve as CSV and PNG, a checkpoint, weights, and a record of settings, data and cost."""

import csv
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from unshrink.models.weights import write_weights
from unshrink.settings import plain
from unshrink.train import state as states
from unshrink.train.cost import training_flops
from unshrink.train.objective import Losses
from unshrink.train.recipe import Recipe
from unshrink.train.state import State
from unshrink.train.validate import Validation

LOSSES = ("loss", "reconstruction", "guide", "latent", "perceptual")
COLUMNS = ("step", "seconds", *LOSSES, "psnr_y", "psnr_rgb", "lr_psnr_y")


def _record_of(start: Path) -> dict[str, Any] | None:
    """What the weights at `start` cost: their run's record, or their card in the zoo; None where there is neither."""
    run, card = start.parent / "record.json", start / "card.json"
    if run.is_file():
        return dict(json.loads(run.read_text(encoding="utf-8")))
    if not card.is_file():
        return None
    said = json.loads(card.read_text(encoding="utf-8"))
    cost = {key: said["cost"][key] for key in ("steps", "seconds", "flops")}
    return {"recipe": f"{said['model']} {start.name}", **cost, "before": []}


def _before(folder: Path) -> list[dict[str, Any]]:
    """What a run that is gone on with began with."""
    kept = folder / "record.json"
    return list(json.loads(kept.read_text(encoding="utf-8"))["before"]) if kept.is_file() else []


class Record:
    """Writes a run's files into its folder; where not `writes`, nothing: of several processes only one does."""

    def __init__(
        self,
        folder: Path,
        recipe: Recipe,
        data_digest: str,
        *,
        resume: bool = False,
        start: Sequence[Path] = (),
        writes: bool = True,
    ) -> None:
        self.folder = folder
        self.writes = writes
        self.recipe = recipe
        self.data_digest = data_digest
        self.before = [found for path in start if (found := _record_of(path)) is not None]
        if resume and not self.before:
            self.before = _before(folder)
        self.last: dict[str, float] = {}
        self.lacking = ""
        """What could not be written, and how to get it; empty where all was."""
        self.validation = Validation()
        self.curve = folder / "curve.csv"
        if writes:
            folder.mkdir(parents=True, exist_ok=True)
        if writes and not (resume and self.curve.exists()):
            self.curve.write_text(",".join(COLUMNS) + "\n", encoding="utf-8")

    def log(self, state: State, losses: Losses) -> None:
        """Add a row of losses to the curve."""
        self.last = {
            "step": state.step,
            "seconds": round(state.seconds, 1),
            "loss": losses.total.item(),
            "reconstruction": losses.reconstruction.item(),
            "guide": losses.guide.item(),
            "latent": losses.latent.item(),
            "perceptual": losses.perceptual.item(),
        }
        self._append(self.last)

    def save(self, state: State) -> None:
        """Write the checkpoint alone."""
        if self.writes:
            states.save(state, self.folder / "checkpoint.pt")

    def keep(self, state: State, validation: Validation, *, ended: bool = False) -> None:
        """Write checkpoint, averaged weights, the validation's row, and the record; at the end the plot too."""
        self.validation = validation
        self.save(state)
        write_weights(state.average, self.recipe.model, self.folder / "weights")
        self._append({"step": state.step, "seconds": round(state.seconds, 1), **asdict(validation)})
        entry = {
            "recipe": plain(self.recipe),
            "data_sha256": self.data_digest,
            "steps": state.step,
            "seconds": round(state.seconds, 1),
            "flops": training_flops(state.model, self.recipe.data) * state.step,
            "validation": asdict(validation),
            "ended": ended,
            "before": self.before,
        }
        (self.folder / "record.json").write_text(json.dumps(entry, indent=1) + "\n", encoding="utf-8")
        if ended:
            self._plot()

    def summary(self) -> str:
        """The last figures in one line."""
        steps = f"step {self.last['step']:,.0f}, loss {self.last['loss']:.4g}" if self.last else "no step left to take"
        held = self.validation
        judged = f"Y {held.psnr_y:.2f} dB, LR {held.lr_psnr_y:.2f} dB" if held.psnr_y else "nothing measured yet"
        return f"{steps}; held-out pictures: {judged}"

    def _append(self, row: dict[str, float]) -> None:
        if not self.writes:
            return
        with self.curve.open("a", newline="", encoding="utf-8") as stream:
            csv.writer(stream).writerow([row.get(column, "") for column in COLUMNS])

    def _plot(self) -> None:
        try:
            from unshrink.train.plot import plot_curve
        except ImportError:
            self.lacking = "curve.png is not drawn without matplotlib: pip install 'unshrink[plots]'"
            return
        plot_curve(self.curve, self.folder / "curve.png")
