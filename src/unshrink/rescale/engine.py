"""The engine: shrink and restore any number of pictures, each network loaded once."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Literal, TypeVar, overload

import torch

from unshrink.errors import LimitError, MissingWeightsError, UnshrinkError, UsageError
from unshrink.files.hidden import with_hidden_filled
from unshrink.files.picture import Picture
from unshrink.limits import DEFAULT_LIMITS, Limits
from unshrink.models import registry
from unshrink.models import weights as zoo
from unshrink.models.registry import ModelSpec
from unshrink.models.zoo import find
from unshrink.nn.precision import fast_dtype
from unshrink.rescale import choice, selfcheck
from unshrink.rescale.device import DeviceName, find_device
from unshrink.rescale.dial import Dial, require_dial
from unshrink.rescale.exact_blocks import add_exact_blocks
from unshrink.rescale.many import Errors, Returned, each
from unshrink.rescale.memory import Memory
from unshrink.rescale.memory import memory as find_memory
from unshrink.rescale.order import Order, as_order
from unshrink.rescale.payloads import check_options
from unshrink.rescale.progress import Progress, Step, silent
from unshrink.rescale.restore import Plan, plan_plain, plan_restore, restore
from unshrink.rescale.shrink import plainly, shrink
from unshrink.rescale.sizes import DEFAULT_SCALE, Scale, in_reach
from unshrink.rescale.small import Small
from unshrink.rescale.sources import PictureSource, SmallSource, as_picture, within

Result = TypeVar("Result")
_TRIES = 3
_NO_MEMORY = ("allocate memory", "could not create a primitive")


class Engine:
    """Shrinks and restores pictures.

    `weights` are to be used in place of what is installed: a folder with model.safetensors and config.json, or a .pth
    checkpoint of the IRN authors. An LR file made with them names them by SHA-256 and can only be restored with them.
    `limits` bound what is read and made. `precision` is what sub-networks compute in, but for their first
    convolutions: "fast" is bfloat16 on processors that have it, else float32. Files made in either restore in either.
    `memory` is how many bytes the process may hold, libraries and the writing of the result included; by default a
    share of what is free (see `rescale.memory`). Large pictures are worked on in tiles, with the same result; what does
    not fit even so is refused with a LimitError before work begins.
    `device` is where torch runs them: "cpu", "cuda", "mps", or "auto" for a CUDA card where there is one
    (docs/devices.md); UsageError where there is no such device.
    """

    def __init__(
        self,
        *,
        weights: str | os.PathLike[str] | None = None,
        limits: Limits = DEFAULT_LIMITS,
        precision: Literal["fast", "float32"] = "fast",
        memory: int | None = None,
        device: DeviceName | str = "cpu",
    ) -> None:
        self.limits = limits
        self._given = {
            "weights": weights, "limits": limits, "precision": precision, "memory": memory, "device": device,
        }  # fmt: skip
        self._memory = memory
        self._device = find_device(device)
        self._dtype = fast_dtype(self._device) if precision == "fast" else torch.float32
        self._weights = None if weights is None else Path(weights)
        self._loaded: dict[tuple[str, str | None], zoo.Loaded] = {}

    def __getstate__(self) -> dict[str, Any]:
        """What it was made with: networks are not pickled, but loaded where they are used."""
        return self._given

    def __setstate__(self, given: dict[str, Any]) -> None:
        """Made anew."""
        self.__init__(**given)  # type: ignore[misc]

    def choose(self, scale: Scale | None = None, model: str | None = None, *, any_scale: bool = False) -> ModelSpec:
        """The model that `down` would use; `any_scale` where it is to make an LR picture of a given size.

        Raises UnknownNameError, and UsageError where there is no model for `scale` or it is not the scale of `model`.
        """
        if model is None and self._weights is not None:
            model = choice.stated(self._weights, scale)
        if model is None:
            return choice.default(scale if scale is not None or any_scale else DEFAULT_SCALE)
        return choice.fitting(registry.get(model), scale, any_scale=any_scale)

    def chosen(self, order: Order) -> ModelSpec:
        """The model that `down` uses for `order`. Raises what `choose` raises, and UsageError for what it cannot do."""
        spec = self.choose(order.scale, order.model, any_scale=order.wish.any_scale)
        check_options(spec.name, spec.payload, order.payload)
        return spec

    def load(self, name: str, digest: str | None = None) -> zoo.Loaded:
        """Model `name` with the weights of that SHA-256, by default the newest; MissingWeightsError, WeightsError."""
        key = (name, digest)
        if key not in self._loaded:
            loaded = zoo.load(name, digest=digest, path=self._weights, dtype=self._dtype)
            loaded.model.to(self._device)
            self._loaded |= {key: loaded, (name, loaded.weights.digest): loaded}
        return self._loaded[key]

    def newest(self, name: str) -> str:
        """The SHA-256 of the weights that `down` uses for model `name`. Raises WeightsError."""
        listed = self._weights is None and registry.get(name).network
        return find(name).digest if listed else self.load(name).weights.digest

    def down(
        self,
        source: PictureSource,
        order: Order | Scale | None = None,
        *,
        progress: Progress | None = None,
        **options: Any,
    ) -> Small:
        """Shrink one picture as an `Order` says, or one made of a scale and `options`; see the function `down`."""
        tell = progress or silent
        order = as_order(order, options)
        spec = self.chosen(order)
        memory = find_memory(self._memory)
        tell(Step("read"))
        picture = as_picture(source, self.limits, memory)
        picture = picture if order.keep_hidden else with_hidden_filled(picture)
        picture = picture.without_metadata() if order.strip_metadata else picture
        first = in_reach(order.wish, picture.size)
        picture = picture if first is None else plainly(picture, first)
        tell(Step("load model"))
        loaded = self.load(spec.name)
        tell(Step("shrink"))
        small = _where_it_fits(lambda room: self._shrink(picture, loaded, room, order, tell), memory)
        return self._checked(small, picture, order) if order.check or order.min_psnr is not None else small

    def up(
        self,
        source: SmallSource,
        *,
        plain: bool = False,
        scale: Scale | None = None,
        model: str | None = None,
        sigma: float = 0.0,
        seed: int = 0,
        progress: Progress | None = None,
    ) -> Picture:
        """Restore one picture; see the function `up`."""
        if not plain and (scale is not None or model is not None):
            raise UsageError("An LR file says its own scale and model; scale and model go only with plain.")
        dial = Dial(sigma, seed)
        memory = find_memory(self._memory)
        tell = progress or silent
        tell(Step("read"))
        plan = self._plan(source, memory, plain, scale, model)
        tell(Step("load model"))
        require_dial(self._spec_for(plan), dial)
        loaded = self._load_for(plan)
        tell(Step("restore"))
        return _where_it_fits(lambda room: restore(plan, loaded, self.limits, room, dial, tell), memory)

    @overload
    def down_many(
        self, sources: Iterable[PictureSource], order: Order | Scale | None = None, *, errors: Returned, **options: Any
    ) -> Iterator[Small | UnshrinkError]: ...

    @overload
    def down_many(
        self, sources: Iterable[PictureSource], order: Order | Scale | None = None, **options: Any
    ) -> Iterator[Small]: ...

    def down_many(
        self,
        sources: Iterable[PictureSource],
        order: Order | Scale | None = None,
        *,
        errors: Errors = "raise",
        **options: Any,
    ) -> Iterator[Any]:
        """`down` on every picture, as its result is asked for, in order; an `Order`, or what makes one, as for `down`.

        Sizes may differ. No more than one picture is in memory at a time, and results are those of `down`: one call of
        the network for several pictures would save little (docs/library.md) and change last bits. Raises what `down`
        raises, with the picture's number and name ahead of the message; with `errors` "return", an UnshrinkError comes
        in the place of that picture's result, and the others follow.
        """
        return each(lambda source: self.down(source, order, **options), sources, errors)

    @overload
    def up_many(
        self, sources: Iterable[SmallSource], *, errors: Returned, **options: Any
    ) -> Iterator[Picture | UnshrinkError]: ...

    @overload
    def up_many(self, sources: Iterable[SmallSource], **options: Any) -> Iterator[Picture]: ...

    def up_many(self, sources: Iterable[SmallSource], *, errors: Errors = "raise", **options: Any) -> Iterator[Any]:
        """`up` on every LR file, as its result is asked for, in order; `options` are those of `up`. See `down_many`."""
        return each(lambda source: self.up(source, **options), sources, errors)

    def read(self, source: PictureSource) -> Picture:
        """The picture of a source, as `down` reads it. Raises UnreadableInputError, LimitError, UsageError."""
        return as_picture(source, self.limits, find_memory(self._memory))

    def reading_limits(self) -> Limits:
        """The limits for bytes that are read ahead: no file larger than what memory has room for."""
        return within(self.limits, find_memory(self._memory))

    def _plan(self, source: SmallSource, memory: Memory, plain: bool, scale: Scale | None, model: str | None) -> Plan:
        if plain:
            return plan_plain(source, self.limits, scale, model, memory)
        return plan_restore(source, self.limits, memory)

    def _shrink(self, picture: Picture, loaded: zoo.Loaded, memory: Memory, order: Order, tell: Progress) -> Small:
        small = shrink(picture, loaded, memory, order, tell)
        if not order.exact_blocks:
            return small
        tell(Step("check"))
        return add_exact_blocks(small, picture, loaded, memory, tell)

    def _checked(self, small: Small, picture: Picture, order: Order) -> Small:
        """`small`, mended where what it restores to is worse than was asked, or than bicubic's round trip."""
        least = max(selfcheck.bicubic_psnr(picture, small.size), order.min_psnr or 0.0)
        restored = self.up(small)
        if selfcheck.psnr(picture.rgb, restored.rgb) >= least:
            return small
        return selfcheck.made_good(small, picture, restored, least)

    def likeness(self, source: SmallSource) -> float:
        """How like the picture that an LR file shows is to the one it restores to, shrunk, in decibels.

        A digest tells that a file is whole, not who made it: a forged one may show one picture and restore another.
        From `selfcheck.LIKE` on the two are one picture. Raises what `up` raises.
        """
        restored = self.up(source)
        picture = source.lrfile.picture if isinstance(source, Small) else as_picture(source, self.limits)
        return selfcheck.psnr(picture.rgb, selfcheck.shrunk(restored, picture.size))

    def _spec_for(self, plan: Plan) -> ModelSpec:
        if plan.model is None or plan.plain:
            return self.choose(plan.scale, plan.model)
        # What a file states was in reach when it was made, although rounded sides may make it a little more than 4
        return registry.get(plan.model)

    def _load_for(self, plan: Plan) -> zoo.Loaded:
        spec = self._spec_for(plan)
        try:
            return self.load(spec.name, plan.weights)
        except MissingWeightsError:
            if not plan.plain:
                raise
            return self.load(spec.name)  # any weights will do where nothing is promised


def down(
    source: PictureSource,
    order: Order | Scale | None = None,
    *,
    weights: str | os.PathLike[str] | None = None,
    limits: Limits = DEFAULT_LIMITS,
    progress: Progress | None = None,
    **options: Any,
) -> Small:
    """Shrink a picture of any size so that `up` can restore it.

    `source` is a path, the bytes of a file, an open binary file, a PIL image, a uint8 array (H, W), (H, W, 3) or
    (H, W, 4), or a Picture. `options` are the fields of `unshrink.Order`, or `order` is one, or a scale.

    How small: `scale` is HR over LR along each axis, from 1.1 to 4, one number or a pair (along the height, along the
    width); or `size` is the LR's (height, width); or `max_side` its longer side, for which a picture of more than four
    times that is scaled down plainly first, with a note.
    `scale` defaults to that of `model`, or to 4; `model` to the best there is for the scale (see `list_models`): one of
    its own for the whole numbers 2 and 4, the one for any scale else. LR sides are rounded, or rounded up where the
    model has a scale of its own. `weights` and `limits` as in `unshrink.rescale.Engine`, which is also what to use for
    many pictures. Alpha, grey, ICC profile and EXIF are kept.

    `effort`, 0 to 9, is how long to improve the LR pixels for what will be restored (see `unshrink.rescale.effort`).
    With `exact_blocks`, the picture is restored once on the spot, and blocks that the network spoils (small text,
    one-pixel patterns, hard edges between flat colours) are carried without loss; see docs/exact-blocks.md.

    `carrier` is where a model keeps what it makes beside the LR pixels, if it makes anything: "chunk", which no viewer
    shows; for models whose payload is "alpha" also "alpha", the picture's alpha channel, or "floor", the same with no
    value below 192 ("floor:N": N), so that the small picture is less translucent. The original's own alpha is kept
    with either, but shows in the small picture only with "chunk".

    `payload_budget`, for models whose payload is "latent", is how many bytes it may take at most: its numbers are kept
    as finely as fits, or not at all where nothing does.

    `lr_quality`, for models whose payload is in the pixels ("stream", "avif"), is how near these stay to plain bicubic:
    "low" (36 dB over all channels), "medium" (40), "high" (44), or a number of dB. Less near, more detail comes back.
    `effort` changes nothing for them.

    Raises UnreadableInputError, LimitError, UsageError (scale, model, effort, carrier, payload_budget), WeightsError
    (no weights for the model).
    """
    return Engine(weights=weights, limits=limits).down(source, order, progress=progress, **options)


def up(
    source: SmallSource,
    *,
    plain: bool = False,
    scale: Scale | None = None,
    model: str | None = None,
    weights: str | os.PathLike[str] | None = None,
    sigma: float = 0.0,
    seed: int = 0,
    limits: Limits = DEFAULT_LIMITS,
    progress: Progress | None = None,
) -> Picture:
    """Restore the picture that an LR file was made from, in exactly its original size.

    `source` is what `down` returned, or a path, the bytes or an open binary file of an LR file. With `plain`, it may be
    any picture, and is enlarged from its pixels alone: by what the header says where there is one, else by `scale` (4)
    with `model` (the default for the scale). That invents detail; it does not restore any.

    For models with a dial (see `list_models`) `sigma` goes from 0, the least distortion, to 1, the most lifelike
    picture, whose finest detail is drawn and not restored; the same `seed` draws the same, on one machine.

    Raises UnreadableInputError, NotAnLRFileError (foreign), EditedLRFileError (pixels changed), DamagedLRFileError,
    NewerFormatError, MissingWeightsError, LimitError, UsageError.
    """
    engine = Engine(weights=weights, limits=limits)
    return engine.up(source, plain=plain, scale=scale, model=model, sigma=sigma, seed=seed, progress=progress)


def _where_it_fits(work: Callable[[Memory], Result], memory: Memory) -> Result:
    """What `work` returns, tried with less and less memory, and so with smaller tiles, where there is not enough."""
    failed: Exception | None = None
    for _ in range(_TRIES):
        try:
            return work(memory)
        except (MemoryError, RuntimeError) as error:
            # torch tells of a failed allocation on the CPU by a bare RuntimeError, oneDNN in words of its own
            if isinstance(error, RuntimeError) and not any(words in str(error) for words in _NO_MEMORY):
                raise
            failed, memory = error, memory.smaller()
    raise LimitError("There is not enough memory for this picture; free some or cut the picture up.") from failed
