"""LR picture and network -> HR picture: from a sound LR file, or plainly from the pixels of any picture."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from unshrink.errors import (
    DamagedLRFileError,
    LimitError,
    LRFileError,
    MissingWeightsError,
    NotAnLRFileError,
    UnreadableInputError,
)
from unshrink.files.blocks import paste_blocks
from unshrink.files.carried import carried
from unshrink.files.hidden import with_hidden_filled
from unshrink.files.lrfile import Header, decode, inspect
from unshrink.files.payload import lossless_plane_decode
from unshrink.files.picture import Picture, picture_from_bytes, turned
from unshrink.files.sections import ALPHA_SECTION, BLOCKS_SECTION, PROFILE_SECTION
from unshrink.limits import Limits
from unshrink.models import registry
from unshrink.models.weights import Loaded
from unshrink.models.zoo import versions
from unshrink.nn.parts import Part
from unshrink.rescale.carriers import Held
from unshrink.rescale.coded import PIXELS, Named, decoded_tiles, named_in
from unshrink.rescale.dial import OFF, Dial, draw_latent
from unshrink.rescale.memory import WRITING, Memory, trim_heap
from unshrink.rescale.payloads import Packed, decode_payload, held_in
from unshrink.rescale.pixels import Pixels, grow_plane
from unshrink.rescale.progress import Progress, silent
from unshrink.rescale.sizes import DEFAULT_SCALE, Scale, Scales, Size, both_axes, grown, lr_size
from unshrink.rescale.small import Small
from unshrink.rescale.sources import FileBytes, SmallSource, as_bytes, as_picture, no_header
from unshrink.rescale.tiled import assemble, told, upscale


@dataclass(frozen=True, eq=False, kw_only=True)
class Plan:
    """What to restore, and with which network."""

    picture: Picture
    """The LR picture; its alpha, where it has any, is transparency and no payload."""
    scale: Scale | None = None
    model: str | None = None
    weights: str | None = None
    """SHA-256 of the weights; None for the newest."""
    size: tuple[int, int] | None = None
    """Height and width of the HR picture; None for the LR size times the scale."""
    grey: bool = False
    turn: int = 1
    """The EXIF orientation, 1 to 8, that the restored picture is to be turned by."""
    plain: bool = False
    """From the pixels alone, with no promise to keep."""
    sections: Mapping[str, bytes] = field(default_factory=dict)
    payload: Packed | None = None
    """None for a restoration without."""


def plan_restore(source: SmallSource, limits: Limits, memory: Memory | None = None) -> Plan:
    """The plan that a sound LR file states; raises LRFileError where it is none, edited, damaged or unknown here."""
    file = _file(source, limits, memory)
    try:
        lrfile = source.lrfile if isinstance(source, Small) else decode(file.data, limits=limits, name=file.name)
    except NotAnLRFileError:
        picture = _bare(file, limits)
        plan = None if picture is None else plan_from_pixels(picture)
        if plan is None:
            raise
        return plan
    header = lrfile.header
    if header.model not in registry.names():
        raise MissingWeightsError(
            f"The file was made by model {header.model!r}, which is not known here; install the newest unshrink."
        )
    return Plan(
        picture=_shown(lrfile.picture, header),
        scale=_stated_scale(header),
        model=header.model,
        weights=header.weights,
        size=header.size,
        grey=header.grey,
        turn=lrfile.turn,
        sections=lrfile.sections,
        payload=held_in(lrfile),
    )


def plan_from_pixels(picture: Picture) -> Plan | None:
    """The plan that the pixels of a picture without a header state; None where they carry nothing.

    Raises DamagedLRFileError where they begin as if they did, and MissingWeightsError.
    """
    found = carried(picture)
    if found is None:
        return None
    named, size = named_in(found.preamble)
    if named.model not in registry.names() or not registry.get(named.model).coded:
        raise MissingWeightsError(f"The pixels were made by model {named.model!r}; install the newest unshrink.")
    height, width = (large / small for large, small in zip(size, picture.size, strict=True))
    return Plan(
        picture=replace(picture, grey=found.grey),
        scale=registry.get(named.model).scale or (height, width),
        model=named.model,
        weights=_digest_of(named),
        size=size,
        grey=found.grey,
        payload=Packed(Held(picture.rgb), PIXELS),
    )


def _file(source: SmallSource, limits: Limits, memory: Memory | None) -> FileBytes:
    """The bytes of an LR file, which a stream gives once only; none of one that is in memory."""
    if isinstance(source, Small):
        return FileBytes(b"", "")
    file = as_bytes(source, limits, memory)
    if file is None:
        raise no_header(source)
    return file


def _bare(file: FileBytes, limits: Limits) -> Picture | None:
    try:
        return picture_from_bytes(file.data, max_pixels=limits.max_lr_pixels, limits=limits, name=file.name)
    except UnreadableInputError:
        return None


def _digest_of(named: Named) -> str | None:
    """The SHA-256 of the weights that pixels name by its first bytes; None for a model that has none."""
    if not registry.get(named.model).network:
        return None
    start = named.digest.hex()
    for weights in versions(named.model):
        if weights.digest.startswith(start):
            return weights.digest
    raise MissingWeightsError(
        f"The pixels were made with weights {start} of {named.model}, which are not installed; install the newest "
        "unshrink and unshrink-zoo, or name the folder that holds them with --weights."
    )


def plan_plain(
    source: SmallSource, limits: Limits, scale: Scale | None, model: str | None, memory: Memory | None = None
) -> Plan:
    """The plan for the pixels of any picture; a header, where there is one, fills in what is not given."""
    picture, header = _read_plain(source, limits, memory)
    picture = with_hidden_filled(picture) if header is None else _shown(picture, header)
    if header is None or header.model not in registry.names():
        return Plan(picture=picture, scale=scale, model=model, grey=picture.grey, plain=True)
    if scale is not None or model is not None:
        return Plan(picture=picture, scale=scale, model=model, grey=header.grey, plain=True)
    stated = _stated_scale(header)
    fits = _fits(picture.size, header.size, registry.get(header.model).scale, header.scale)
    return Plan(
        picture=picture,
        scale=stated,
        model=header.model,
        weights=header.weights,
        size=header.size if fits else None,
        grey=header.grey,
        plain=True,
    )


def restore(
    plan: Plan, loaded: Loaded, limits: Limits, memory: Memory, dial: Dial = OFF, tell: Progress = silent
) -> Picture:
    """Carry out `plan`; raises LimitError past `limits`, DamagedLRFileError where sizes contradict each other."""
    scale, lr = loaded.spec.scale, plan.picture
    scales = both_axes(scale or plan.scale or DEFAULT_SCALE)
    size = plan.size or grown(lr.size, scales)
    if not _fits(lr.size, size, scale, scales):
        raise DamagedLRFileError(
            f"The small picture is {lr.width}x{lr.height}, which does not fit an original of {size[1]}x{size[0]}."
        )
    _require_allowed(size, limits)
    memory.require((3 + WRITING) * size[0] * size[1], f"a restored picture of {size[1]}x{size[0]} pixels")
    rgb = assemble(told(_tiles(plan, loaded, size, limits, memory, dial), size, "restore", tell), size)
    trim_heap()
    if BLOCKS_SECTION in plan.sections:
        paste_blocks(plan.sections[BLOCKS_SECTION], rgb, limits=limits)
    alpha = _restore_alpha(plan, scale, size, limits)
    icc = plan.sections.get(PROFILE_SECTION, lr.icc)
    return turned(replace(lr, rgb=rgb, alpha=alpha, grey=plan.grey, icc=icc), plan.turn)


def _tiles(
    plan: Plan, loaded: Loaded, size: Size, limits: Limits, memory: Memory, dial: Dial
) -> Iterator[tuple[Part, Pixels]]:
    lr = plan.picture
    if loaded.spec.coded:
        return decoded_tiles(loaded, plan.payload, lr.rgb, size, grey=lr.grey)
    payload = None if plan.payload is None else decode_payload(loaded, plan.payload, limits=limits)
    latent, reserve = draw_latent(loaded, size, lr.size, dial), 3 * size[0] * size[1]
    return upscale(lr.rgb, loaded.model, size, memory, grey=plan.grey, payload=payload, latent=latent, reserve=reserve)


def _require_allowed(size: Size, limits: Limits) -> None:
    if size[0] * size[1] > limits.max_hr_pixels:
        raise LimitError(
            f"The restored picture would be {size[1]}x{size[0]} pixels, more than {limits.max_hr_pixels}; "
            "raise the limit (unshrink.Limits, from Python) if you trust the file."
        )


def _shown(picture: Picture, header: Header) -> Picture:
    """Without the alpha channel where that is the payload's."""
    return replace(picture, alpha=None) if header.carrier == "alpha" else picture


def _restore_alpha(plan: Plan, scale: int | None, size: tuple[int, int], limits: Limits) -> Pixels | None:
    if ALPHA_SECTION in plan.sections:
        return lossless_plane_decode(plan.sections[ALPHA_SECTION], size, limits=limits)
    return None if plan.picture.alpha is None else grow_plane(plan.picture.alpha, scale, size)


def _read_plain(source: SmallSource, limits: Limits, memory: Memory | None) -> tuple[Picture, Header | None]:
    if isinstance(source, Small):
        return source.lrfile.picture, source.lrfile.header
    file = as_bytes(source, limits, memory)
    if file is None:
        return as_picture(source, limits), None
    picture = picture_from_bytes(file.data, max_pixels=limits.max_lr_pixels, limits=limits, name=file.name)
    return picture, _stated_header(file.data, limits)


def _stated_header(data: bytes, limits: Limits) -> Header | None:
    """What the file says of itself, believed although its pixels may have changed; None where it says nothing."""
    try:
        stated = inspect(data, limits=limits)["header"]
    except LRFileError:
        return None
    values: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in stated.items()}
    return Header(**values)


def _fits(lr: Size, hr: Size, scale: int | None, scales: Scales) -> bool:
    """Whether an LR picture of that size can be of an HR picture of that size."""
    if scale is not None:
        return lr == lr_size(hr, scale)
    return all(abs(small - large / axis) < 1 for small, large, axis in zip(lr, hr, scales, strict=True))


def _stated_scale(header: Header) -> Scale:
    scale = registry.get(header.model).scale
    if scale is not None and header.scale != (scale, scale):
        raise DamagedLRFileError(
            f"The file states a scale of {header.scale[0]:g} x {header.scale[1]:g} for {header.model}, which cannot be."
        )
    return header.scale if scale is None else scale
