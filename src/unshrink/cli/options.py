"""Options that several commands share, and bundles of them: a command takes a bundle as one argument."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, fields, is_dataclass, replace
from functools import wraps
from typing import TYPE_CHECKING, Annotated, Any, get_type_hints

import typer

from unshrink.cli import complete
from unshrink.cli.quantities import read_bytes, read_count, read_scale, read_size
from unshrink.errors import UnknownNameError, UsageError
from unshrink.limits import Limits
from unshrink.rescale.order import Order
from unshrink.threads import idle_processors

if TYPE_CHECKING:
    from unshrink.rescale import Engine

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of text.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No notes and no progress; errors still show.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace outputs that exist.")]
Out = Annotated[str | None, typer.Option("--out", "-o", metavar="OUT", help="Output file or folder, or - for stdout.")]
Recursive = Annotated[
    bool, typer.Option("--recursive", "-r", help="Folders with all below them; the output folder keeps the tree.")
]
SkipExisting = Annotated[
    bool, typer.Option("--skip-existing", help="Leave alone what an earlier run with the same options has finished.")
]
Jobs = Annotated[
    int | None,
    typer.Option(
        "--jobs",
        "-j",
        parser=read_count,
        metavar="N",
        help="Pictures at once, each in a process with one thread; auto: as many as processors are idle. [default: 1]",
    ),
]
Threads = Annotated[
    int | None,
    typer.Option(
        "--threads",
        parser=read_count,
        metavar="N",
        help="Processors that one picture uses. [default: auto, those that are idle]",
    ),
]
Format = Annotated[
    str | None,
    typer.Option("--format", "-f", metavar="NAME", help="png, webp or tiff, where OUT names no file. [default: png]"),
]
PictureFormat = Annotated[
    str | None,
    typer.Option(
        "--format",
        "-f",
        metavar="NAME",
        help="png, webp, tiff, jpeg, bmp, or same as each original, where OUT names no file. [default: png]",
    ),
]
Quality = Annotated[
    int | None,
    typer.Option(
        "--quality",
        min=1,
        max=100,
        metavar="1..100",
        help="Of JPEGs. [default: 95; with --format same, that of each original]",
    ),
]


def _scale(help: str) -> Any:
    return typer.Option("--scale", "-s", parser=read_scale, metavar="N", help=f"{help} [default: 4]")


Scale = Annotated[
    Any,
    _scale("Shrink by N, 1.1 to 4; WIDTHxHEIGHT, such as 3.2x1.5, for one number each along width and height."),
]
PlainScale = Annotated[Any, _scale("With --plain: enlarge by N, or WIDTHxHEIGHT, such as 3.2x1.5.")]
Size = Annotated[
    Any,
    typer.Option("--size", parser=read_size, metavar="WIDTHxHEIGHT", help="Shrink to this size, such as 800x600."),
]
MaxSide = Annotated[
    int | None, typer.Option("--max-side", min=1, metavar="PIXELS", help="Shrink to this longer side, such as 1024.")
]
Model = Annotated[
    str | None,
    typer.Option(
        "--model", "-m", metavar="NAME", help="Model to use; see `unshrink models`.", autocompletion=complete.models
    ),
]
Effort = Annotated[
    int,
    typer.Option("--effort", "-e", min=0, max=9, metavar="0..9", help="Spend more time on a better small picture."),
]
Sigma = Annotated[
    float,
    typer.Option(
        "--sigma", metavar="0..1", help="For models with a dial: 0 is nearest to the original, 1 the most lifelike."
    ),
]
Seed = Annotated[
    int, typer.Option("--seed", metavar="N", help="Of what --sigma draws: the same seed, the same picture.")
]
ExactBlocks = Annotated[
    bool,
    typer.Option("--exact-blocks/--no-exact-blocks", help="Store losslessly the blocks that the network would spoil."),
]
Carrier = Annotated[
    str,
    typer.Option(
        "--carrier",
        metavar="NAME",
        help="Where -A models keep their payload: chunk (no viewer shows it), alpha, or floor[:N] (alpha from N up).",
    ),
]
PayloadBudget = Annotated[
    int | None,
    typer.Option(
        "--payload-budget",
        parser=read_bytes,
        metavar="SIZE",
        help="For -M models: the largest payload to keep, such as 20kB.",
    ),
]
LRQuality = Annotated[
    str,
    typer.Option(
        "--lr-quality",
        metavar="NAME",
        help="How near to plain bicubic the small picture's pixels stay: low, medium, high, or dB from 30 to 52.",
    ),
]
Device = Annotated[
    str,
    typer.Option("--device", metavar="NAME", help="Where networks run: cpu, cuda, mps, or auto (a CUDA card if any)."),
]
Memory = Annotated[
    int | None,
    typer.Option(
        "--memory",
        parser=read_bytes,
        metavar="SIZE",
        help="Use at most this much, such as 2GB; what needs more is refused first. [default: half of what is free]",
    ),
]
Weights = Annotated[
    str | None,
    typer.Option("--weights", metavar="PATH", help="Folder of weights, or an IRN .pth, to use instead."),
]
KeepHidden = Annotated[
    bool, typer.Option("--keep-hidden", help="Keep colours that alpha hides; else they are filled in from around.")
]
StripMetadata = Annotated[
    bool, typer.Option("--strip-metadata", help="Leave out EXIF, XMP and resolution; the colour profile stays.")
]
Check = Annotated[
    bool,
    typer.Option("--check", help="Restore at once, and mend with exact blocks what is worse than bicubic scaling."),
]
MinPSNR = Annotated[
    float | None,
    typer.Option("--min-psnr", min=0, max=99, metavar="DB", help="Mend with exact blocks until it comes back so well."),
]
KeepTime = Annotated[bool, typer.Option("--keep-mtime", help="Give outputs the time of their inputs.")]
Lenient = Annotated[bool, typer.Option("--lenient", help="Read pictures that end early as far as they go, and say so.")]
ManifestFlag = Annotated[
    bool,
    typer.Option(
        "--manifest",
        help="IN and OUT are folders or URLs (s3://, gs://): whole trees, with a Parquet manifest in OUT; run again, "
        "it does what is missing or changed.",
    ),
]
ShardOf = Annotated[
    str | None, typer.Option("--shard", metavar="I/N", help="With --manifest: the I-th of N equal shares, from 1.")
]
On = Annotated[
    str | None,
    typer.Option("--on", metavar="NAME", help="Where a job with a manifest runs: ray; else on this machine."),
]
Address = Annotated[
    str | None,
    typer.Option("--address", metavar="ADDR", help="With --on ray: the cluster; else one is started on this machine."),
]
Actors = Annotated[
    int | None,
    typer.Option(
        "--actors", min=1, metavar="N", help="With --on ray: workers, each with a network of its own. [default: all]"
    ),
]
GpuShare = Annotated[
    float | None,
    typer.Option(
        "--gpu-share", min=0, max=1, metavar="0..1", help="With --on ray: of a card, for a worker. [default: 1 on cuda]"
    ),
]
Measure = Annotated[
    bool, typer.Option("--measure", help="With --manifest: restore each at once, and write its dB in the manifest.")
]


@dataclass(frozen=True, kw_only=True)
class OrderOptions:
    """How small pictures are made: one option for each field of `Order`, under the same name."""

    scale: Scale = None
    size: Size = None
    max_side: MaxSide = None
    model: Model = None
    effort: Effort = 0
    exact_blocks: ExactBlocks = True
    carrier: Carrier = "chunk"
    payload_budget: PayloadBudget = None
    lr_quality: LRQuality = "medium"
    keep_hidden: KeepHidden = False
    strip_metadata: StripMetadata = False
    check: Check = False
    min_psnr: MinPSNR = None

    def order(self) -> Order:
        """The order; raises UsageError where options do not go together."""
        return Order(**{option.name: getattr(self, option.name) for option in fields(self)})


@dataclass(frozen=True, kw_only=True)
class RunOptions:
    """How `down` and `up` go through their inputs."""

    out: Out = None
    recursive: Recursive = False
    skip_existing: SkipExisting = False
    jobs: Jobs = 1
    overwrite: Overwrite = False
    keep_mtime: KeepTime = False
    json: Json = False
    quiet: Quiet = False

    def workers(self, tasks: int) -> int:
        """Processes for that many pictures."""
        return max(1, min(tasks, self.jobs or idle_processors()))


@dataclass(frozen=True, kw_only=True)
class JobOptions:
    """How `down` and `up` do millions of pictures."""

    manifest: ManifestFlag = False
    shard: ShardOf = None
    on: On = None
    address: Address = None
    actors: Actors = None
    gpu_share: GpuShare = None

    @property
    def wanted(self) -> bool:
        """Whether this is a job with a manifest; raises UsageError for options that go with nothing."""
        if self.on is None and (self.address, self.actors, self.gpu_share) != (None, None, None):
            raise UsageError("--address, --actors and --gpu-share go with --on ray.")
        if self.on not in (None, "ray"):
            raise UnknownNameError("engine", str(self.on), ["ray"])
        return self.manifest or self.shard is not None or self.on is not None


@dataclass(frozen=True, kw_only=True)
class EngineOptions:
    """What networks run with."""

    weights: Weights = None
    device: Device = "cpu"
    memory: Memory = None
    threads: Threads = None
    lenient: Lenient = False

    def engine(self) -> Engine:
        """The engine; raises UsageError for a device that is not there, and LimitError."""
        from unshrink.rescale.memory import require_torch

        require_torch()
        from unshrink.rescale import Engine
        from unshrink.rescale.device import use_threads

        use_threads(self.threads)
        limits = Limits(lenient=self.lenient)
        return Engine(weights=self.weights, device=self.device, memory=self.memory, limits=limits)

    def shared(self, workers: int) -> EngineOptions:
        """For each of several processes: one thread, and its part of the memory."""
        from unshrink.rescale.memory import memory

        return self if workers == 1 else replace(self, threads=1, memory=memory(self.memory).limit // workers)


def spread(command: Callable[..., int]) -> Callable[..., int]:
    """The command with a parameter for each option of every bundle that it takes, as typer needs them."""
    hints = get_type_hints(command, include_extras=True)
    bundles: dict[str, Any] = {name: kind for name, kind in hints.items() if is_dataclass(kind)}
    parameters: list[inspect.Parameter] = []
    for parameter in inspect.signature(command).parameters.values():
        kind = bundles.get(parameter.name)
        parameters += _of_bundle(kind) if kind else [_named(parameter, hints[parameter.name])]

    @wraps(command)
    def run(**given: Any) -> int:
        for name, kind in bundles.items():
            given[name] = kind(**{option.name: given.pop(option.name) for option in fields(kind)})
        return command(**given)

    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return run


def _of_bundle(kind: Any) -> list[inspect.Parameter]:
    hints = get_type_hints(kind, include_extras=True)
    keyword = inspect.Parameter.KEYWORD_ONLY
    return [
        inspect.Parameter(option.name, keyword, default=option.default, annotation=hints[option.name])
        for option in fields(kind)
    ]


def _named(parameter: inspect.Parameter, annotation: Any) -> inspect.Parameter:
    return parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY, annotation=annotation)
