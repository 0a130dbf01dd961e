"""Several processes under torchrun: the result of one; restarts from the checkpoint; all end alike."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
import yaml

from samples import save_soft_pictures
from unshrink.errors import UsageError
from unshrink.train import loop
from unshrink.train.draws import Sharing, randint, randn
from unshrink.train.ranks import Ranks
from unshrink.train.recipe import parse_recipe

MUON = """
model: lite-x2
steps: 20
network: {levels: [{blocks: 1, width: 4, depth: 1, subnet: residual}]}
data: {batch: 3, patch: 16, synthetic: 0.1, holdout: 3}
objective: {latent_noise: 1, latent_weight: 1, reconstruction: rms, reduction: mean}
optimiser: {kind: muon, rate: 3e-3}
schedule: {warmup: 2, shape: steps}
"""
ADVERSARIAL = """
model: lite-x2
steps: 10
network: {levels: [{blocks: 1, width: 4, depth: 1, subnet: residual}]}
data: {batch: 4, patch: 16, holdout: 3}
objective: {sigmas: [0.0, 0.5, 1.0], adversarial_weight: 0.1, adversarial_after: 3}
optimiser: {kind: adam, rate: 2e-4}
"""
CODED = """
model: stream-x2
steps: 5
data: {batch: 3, patch: 16, holdout: 3}
optimiser: {kind: muon, rate: 3e-4}
"""
WORKER = """
import os, sys
from unshrink.cli import main
from unshrink.train import loop
loop.LOG_STEPS = 1
loop.CHECKPOINT_SECONDS = float(os.environ.get("TEST_CHECKPOINTS", "180"))
loop._judge = lambda *_: loop.Validation()
if os.environ.get("TEST_DIE") and os.environ["TORCHELASTIC_RESTART_COUNT"] == "0" and os.environ["RANK"] == "1":
    usual = loop._step
    def step(state, *rest):
        if state.step == int(os.environ["TEST_DIE"]):
            os.kill(os.getpid(), 9)
        return usual(state, *rest)
    loop._step = step
if sys.argv[1] == "all":
    from pathlib import Path
    pictures, out = Path(sys.argv[2]), Path(sys.argv[3])
    for recipe in sorted(out.glob("*.yaml")):
        loop.run(recipe, pictures, out / recipe.stem, max_time=1.5 if recipe.stem == "timed" else None)
    sys.exit()
sys.exit(main(sys.argv[1:]))
"""
RECIPES = {"muon": MUON, "adversarial": ADVERSARIAL, "coded": CODED}


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    return save_soft_pictures(tmp_path_factory.mktemp("pictures"), 8, low=32, side=128)


def torchrun(folder: Path, *words: str, restarts: int = 0, **environment: str) -> subprocess.Popen[str]:
    """`unshrink WORDS` in two processes; validations are left out, which parity is not about."""
    worker = folder / "worker.py"
    worker.write_text(WORKER)
    launch = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", f"--max-restarts={restarts}"]
    return subprocess.Popen(
        [sys.executable, *launch, "--monitor-interval=0.2", str(worker), *words],
        env={**os.environ, "OMP_NUM_THREADS": "1", **environment},
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip


def wait(process: subprocess.Popen[str]) -> str:
    out, _ = process.communicate(timeout=120)
    return out


def losses(folder: Path) -> list[float]:
    rows = [line.split(",") for line in (folder / "curve.csv").read_text().splitlines()[1:]]
    return [float(row[2]) for row in rows if row[2]]


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return torch.load(folder / "checkpoint.pt", weights_only=True)["model"]


@pytest.fixture(scope="module")
def both(pictures, tmp_path_factory):
    """A folder with a run of every recipe by two processes, and one that is bounded by time."""
    folder = tmp_path_factory.mktemp("two")
    for name, recipe in {**RECIPES, "timed": MUON.replace("steps: 20", "steps: 1000000")}.items():
        (folder / f"{name}.yaml").write_text(recipe)
    process = torchrun(folder, "all", str(pictures), str(folder))
    out = wait(process)
    assert process.returncode == 0, out
    return folder


@pytest.mark.parametrize("name", RECIPES)
def test_two_processes_give_what_one_gives(name, both, pictures, tmp_path, monkeypatch):
    monkeypatch.setattr(loop, "LOG_STEPS", 1)
    monkeypatch.setattr(loop, "_judge", lambda *_: loop.Validation())
    recipe = parse_recipe(RECIPES[name])
    loop.run(recipe, pictures, tmp_path)
    one = losses(tmp_path)
    assert len(one) == recipe.steps
    assert losses(both / name) == pytest.approx(one, rel=1e-5)
    first, second = weights(tmp_path), weights(both / name)
    assert all(torch.allclose(tensor, second[name], rtol=0, atol=1e-5) for name, tensor in first.items())


def test_time_ends_all_at_one_step(both):
    record = json.loads((both / "timed" / "record.json").read_text())
    assert record["ended"]
    assert 0 < record["steps"] < 1_000_000


def test_a_lost_process_is_started_again_from_the_checkpoint(pictures, tmp_path):
    (tmp_path / "recipe.yaml").write_text(MUON)
    words = ["train", str(tmp_path / "recipe.yaml"), "--data", str(pictures), "--out", str(tmp_path / "out")]
    process = torchrun(tmp_path, *words, "--json", restarts=1, TEST_CHECKPOINTS="0", TEST_DIE="12")
    out = wait(process)
    assert process.returncode == 0, out
    assert out.count('"command": "train"') == 1
    assert json.loads((tmp_path / "out" / "record.json").read_text())["steps"] == 20
    steps = [int(line.split(",")[0]) for line in (tmp_path / "out" / "curve.csv").read_text().splitlines()[1:]]
    assert sorted(set(steps)) == list(range(1, 21))
    loop.run(parse_recipe(MUON), pictures, tmp_path / "one")
    assert losses(tmp_path / "out")[-1] == pytest.approx(losses(tmp_path / "one")[-1], rel=1e-4)


def test_an_interruption_ends_all_with_one_checkpoint(pictures, tmp_path):
    (tmp_path / "recipe.yaml").write_text(MUON.replace("steps: 20", "steps: 1000000"))
    words = ["train", str(tmp_path / "recipe.yaml"), "--data", str(pictures), "--out", str(tmp_path / "out")]
    process = torchrun(tmp_path, *words)
    curve = tmp_path / "out" / "curve.csv"
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and not (curve.exists() and len(curve.read_text().splitlines()) > 5):
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    out = wait(process)
    assert "Traceback" not in out.partition("torch/distributed")[0], out
    saved = torch.load(tmp_path / "out" / "checkpoint.pt", weights_only=True)
    assert saved["step"] >= 5
    assert int(curve.read_text().splitlines()[-1].split(",")[0]) == saved["step"]


def alone(**changes) -> Ranks:
    return Ranks(**{"rank": 0, "world": 1, "local": 0, "batch": 4, "device": torch.device("cpu"), **changes})


@pytest.mark.parametrize(("batch", "world"), [(4, 1), (4, 4), (7, 3), (3, 2)])
def test_every_patch_is_of_one_process(batch, world):
    shares = [alone(rank=rank, world=world, batch=batch).own for rank in range(world)]
    assert [number for share in shares for number in share] == list(range(batch))
    assert max(map(len, shares)) - min(map(len, shares)) <= 1


def test_more_processes_than_patches_are_refused():
    with pytest.raises(UsageError, match=r"data\.batch"):
        alone(world=8, batch=3)


@pytest.mark.parametrize("draw", [lambda n, g: randn(n, 3, 2, generator=g), lambda n, g: randint(9, n, generator=g)])
def test_what_processes_draw_is_what_one_draws_in_parts(draw):
    whole = draw(5, torch.Generator().manual_seed(1))
    parts = []
    for own in (range(2), range(2, 5)):
        generator = Sharing(own, 5)
        generator.manual_seed(1)
        parts.append(draw(len(own), generator))
    assert torch.equal(torch.cat(parts), whole)


def test_patches_of_a_batch_do_not_depend_on_who_draws_them(pictures, tmp_path):
    from unshrink.data.pack import pack_folder
    from unshrink.data.patches import draw_batch

    recipe = parse_recipe(yaml.safe_dump({"model": "lite-x2", "data": {"batch": 3, "patch": 16, "synthetic": 0.5}}))
    pack = pack_folder(pictures, tmp_path)
    draws = [
        draw_batch(pack, range(8), recipe.data, scale=2, seed=1, step=2, own=own)[0] for own in (None, range(1, 3))
    ]
    assert torch.equal(draws[0][1:], draws[1])
