"""What this machine and this installation offer: what `unshrink doctor` tells. Imports nothing before it is asked.

Every check answers with a finding, also where what it looks at is missing or broken; nothing is raised.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import platform
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from unshrink.errors import MissingTorchError, UnshrinkError
from unshrink.threads import idle_processors, load, processors

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from unshrink.models.zoo import Weights

EXTRAS: Mapping[str, tuple[tuple[str, ...], str]] = MappingProxyType(
    {
        "cluster": (("fsspec", "pandas", "pyarrow", "ray"), "jobs with a manifest, object stores, Ray clusters"),
        "export": (("onnx", "onnxruntime"), "`unshrink export`: networks for other programs"),
        "perceptual": (("stlpips_pytorch",), "perceptual distances, and training with them"),
        "heif": (("pillow-heif",), "HEIC pictures, as telephones make them"),
        "plots": (("matplotlib",), "plots of training and studies"),
        "web": (("fastapi", "python-multipart", "uvicorn"), "`unshrink serve`: the page and the API"),
        "zoo": (("unshrink-zoo",), "all models but the defaults, and files made with them"),
    }
)
"""Optional extras: the packages that each brings, and what for."""
LEAST_PYTHON = (3, 11)
SELF_TEST_SIDE = 256
"""Pixels."""
SELF_TEST_PSNR = 30.0
"""dB on RGB; a smooth picture comes back at 40 and more."""
_EXPECTED = (ImportError, OSError, RuntimeError, ValueError, KeyError, UnshrinkError)


@dataclass(frozen=True)
class Finding:
    """What one check found."""

    name: str
    text: str
    """One line for people."""
    ok: bool = True
    """False where something is missing or broken."""
    required: bool = False
    """Whether `down` and `up` need it."""
    advice: str = ""
    """What to do about it, where anything can be done."""
    facts: dict[str, Any] = field(default_factory=dict)
    """The same for programs."""


def examine(*, thorough: bool = False) -> list[Finding]:
    """What can be told at once, in the order in which it is told; `thorough`, which takes seconds, runs torch, too.

    Then cards are looked for, weights are hashed, and a small picture goes down and up.
    """
    checks: list[tuple[str, bool, Callable[[], Finding]]] = [
        ("python", True, _python),
        ("numpy", True, lambda: _library("numpy", "numpy")),
        ("pillow", True, lambda: _library("pillow", "PIL.Image")),
        ("torch", True, lambda: _library("torch", "torch") if thorough else _torch()),
        ("processor", False, _processor),
        *([("gpu", False, _gpu)] if thorough else []),
        ("memory", False, _memory),
        *((f"extra {name}", False, lambda name=name: _extra(name)) for name in EXTRAS),
        ("formats", True, _formats),
        ("models", True, lambda: _models(thorough=thorough)),
        *([("self-test", True, _self_test)] if thorough else []),
    ]
    return [_checked(name, required, check) for name, required, check in checks]


def is_sound(findings: list[Finding]) -> bool:
    """Whether all that `down` and `up` need is there and works."""
    return all(finding.ok for finding in findings if finding.required)


def _checked(name: str, required: bool, check: Callable[[], Finding]) -> Finding:
    try:
        return check()
    except _EXPECTED as error:
        reason = str(error).strip().splitlines() or [type(error).__name__]
        return Finding(
            name, reason[0], ok=False, required=required, advice="Install unshrink anew." if required else ""
        )


def _python() -> Finding:
    system = f"{platform.system()} {platform.machine()}"
    return Finding(
        "python",
        f"{platform.python_version()} on {system}",
        ok=sys.version_info >= LEAST_PYTHON,
        required=True,
        advice=f"Python {LEAST_PYTHON[0]}.{LEAST_PYTHON[1]} or later is needed.",
        facts={"version": platform.python_version(), "system": system},
    )


def _library(name: str, module: str) -> Finding:
    from importlib import import_module

    import_module(module)  # installed is not enough: shared libraries may be missing
    return Finding(name, version(name), required=True, facts={"version": version(name)})


def _torch() -> Finding:
    """Whether torch is there, without importing it."""
    if find_spec("torch") is None:
        return Finding("torch", "not installed", ok=False, required=True, advice=str(MissingTorchError()))
    return Finding("torch", version("torch"), required=True, facts={"version": version("torch")})


def _processor() -> Finding:
    has = [title for flag, title in (("avx512_bf16", "AVX-512"), ("amx_bf16", "AMX")) if flag in _flags()]
    computes = f"computes in bfloat16 ({', '.join(has)})" if has else "computes in float32: it has no fast bfloat16"
    cores, idle = processors(), idle_processors()
    return Finding(
        "processor",
        f"{cores} for this process, {idle} idle, load {load():.1f}; {computes}",
        facts={"cores": cores, "idle": idle, "bfloat16": bool(has), "amx": "AMX" in has},
    )


def _flags() -> set[str]:
    """What the processor can do, as Linux names it; empty where nothing says."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("flags"):
                return set(line.split())
    return set()


def _gpu() -> Finding:
    import torch

    cards = (
        [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())] if torch.cuda.is_available() else []
    )
    return Finding("gpu", ", ".join(cards) or "none seen by torch", facts={"cards": cards})


def _memory() -> Finding:
    from unshrink.rescale.memory import SHARE, available

    free = available()
    text = f"{free / 1e9:.1f} GB free, of which {SHARE * free / 1e9:.1f} GB are used at most unless told (--memory)"
    return Finding("memory", text, facts={"available_bytes": free})


def _extra(name: str) -> Finding:
    packages, use = EXTRAS[name]
    versions = {package: _version(package) for package in packages}
    if all(versions.values()):
        return Finding(
            f"extra {name}", ", ".join(f"{key} {value}" for key, value in versions.items()), facts={**versions}
        )
    advice = f"pip install 'unshrink[{name}]'"
    return Finding(f"extra {name}", f"not installed; for {use}", ok=False, advice=advice, facts={**versions})


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _formats() -> Finding:
    from PIL import features

    from unshrink.files.formats import FORMATS, WRITTEN

    lacking = [kind for kind, one in FORMATS.items() if one.feature and not features.check(one.feature)]
    read = [kind for kind in FORMATS if kind not in lacking]
    written = [kind for kind in WRITTEN if kind not in lacking]
    text = f"reads {', '.join(read)}; writes {', '.join(written)}"
    return Finding(
        "formats",
        text + (f"; Pillow was built without {', '.join(lacking)}" if lacking else ""),
        ok="png" not in lacking,
        required=True,
        advice="Install Pillow from a wheel: pip install --force-reinstall pillow" if lacking else "",
        facts={"read": read, "written": written},
    )


def _models(*, thorough: bool = False) -> Finding:
    from unshrink.models.listing import rows
    from unshrink.models.zoo import versions

    held = {name: versions(name) for name in rows()}
    sound = _is_as_shipped if thorough else _is_there
    damaged = [f"{name} {one.version}" for name, found in held.items() for one in found if not sound(one)]
    defaults = [name for name, row in rows().items() if row["default"]]
    absent = [name for name in defaults if not held[name]]
    number = sum(1 for found in held.values() if found)
    problems = [*(f"{name} is damaged" for name in damaged), *(f"{name} has no weights" for name in absent)]
    return Finding(
        "models",
        f"{number} with weights, {len(held) - number} without; "
        + ("; ".join(problems) or ("all as they were shipped" if thorough else "all there")),
        ok=not problems,
        required=True,
        advice="Install unshrink anew." if problems else "",
        facts={"with_weights": number, "damaged": damaged, "absent": absent, "defaults": defaults},
    )


def _is_there(weights: Weights) -> bool:
    from unshrink.models.zoo import TENSORS

    return (weights.path / TENSORS).is_file()


def _is_as_shipped(weights: Weights) -> bool:
    """Whether the file is that of the index, with which the figures beside it were measured."""
    from unshrink.models.zoo import TENSORS

    digest = hashlib.sha256((weights.path / TENSORS).read_bytes()).hexdigest() if _is_there(weights) else ""
    stated = [json.loads(path.read_text(encoding="utf-8"))["weights"] for path in weights.path.glob("eval*.json")]
    return all(one == digest for one in (weights.digest, *stated))


def _self_test() -> Finding:
    from unshrink.metrics.quality import psnr_rgb
    from unshrink.rescale import Engine

    picture = _smooth_picture(SELF_TEST_SIDE)
    start = time.perf_counter()
    engine = Engine()
    restored = engine.up(engine.down(picture).encode("png"))
    seconds = time.perf_counter() - start
    quality = psnr_rgb(picture, restored.rgb)
    text = f"{SELF_TEST_SIDE}x{SELF_TEST_SIDE} pixels down and up in {seconds:.2f} s, {quality:.1f} dB"
    return Finding(
        "self-test",
        text,
        ok=quality >= SELF_TEST_PSNR,
        required=True,
        advice=f"At least {SELF_TEST_PSNR:.0f} dB were expected; torch may be broken: try another version of it.",
        facts={"seconds": round(seconds, 3), "psnr_rgb": round(quality, 2), "side": SELF_TEST_SIDE},
    )


def _smooth_picture(side: int) -> NDArray[np.uint8]:
    """Waves of colour, (side, side, 3)."""
    import numpy as np

    rows, columns = np.mgrid[:side, :side]
    waves = [np.sin(columns / 9 + phase) * np.cos(rows / 7 - phase) for phase in range(3)]
    return (128 + 100 * np.stack(waves, axis=-1)).astype(np.uint8)
