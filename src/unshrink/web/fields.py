"""The fields of a request, as the API describes and checks them; they are the options of the command line."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, TypeVar

import typer
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from unshrink.cli.output import Output
from unshrink.cli.quantities import read_bytes, read_scale, read_size
from unshrink.cli.tasks import ending_for, small_endings
from unshrink.errors import UnknownNameError, UsageError
from unshrink.models.listing import known
from unshrink.rescale.order import Order
from unshrink.web.tasks import Kind, Task
from unshrink.web.upload import Form

Read = TypeVar("Read")
Fields = TypeVar("Fields", bound="Options")


class Options(BaseModel):
    """Fields of a form."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)


class DownFields(Options):
    """How `down` makes a picture small; at most one of scale, size and max_side."""

    scale: str | None = Field(None, description="HR over LR, 1.1 to 4; WIDTHxHEIGHT for one number each: 3.2x1.5.")
    size: str | None = Field(None, description="The LR picture's size, WIDTHxHEIGHT: 800x600.")
    max_side: int | None = Field(None, description="The LR picture's longer side in pixels.")
    model: str | None = Field(None, description="A model's name, from /api/models; by default the best for the scale.")
    lr_quality: str = Field("medium", description="How near to plain bicubic the LR stays: low, medium, high, or dB.")
    effort: int = Field(0, description="0 to 9: time spent on a better LR picture.")
    exact_blocks: bool = Field(True, description="Keep losslessly the blocks that the network would spoil.")
    carrier: str = Field("chunk", description="Where -A models keep their payload: chunk, alpha, floor, floor:N.")
    payload_budget: str | None = Field(None, description="For -M models, the largest payload to keep: 20kB.")
    keep_metadata: bool = Field(False, description="Keep EXIF, XMP and resolution; the colour profile always stays.")
    keep_hidden: bool = Field(False, description="Keep colours that alpha hides.")
    check: bool = Field(False, description="Mend with exact blocks what is worse than bicubic scaling.")
    min_psnr: float | None = Field(None, description="Mend with exact blocks until it comes back so well, in dB.")
    format: Literal["png", "webp", "tiff"] = Field("png", description="Of the LR file.")
    measure: bool = Field(False, description="Restore it at once and measure; then `restored` can be fetched too.")
    sigma: float = Field(
        0.0, ge=0, le=1, description="With `measure`, of models with a dial: 0 nearest, 1 most lifelike."
    )
    seed: int = Field(0, ge=0, lt=2**63, description="Of what sigma draws.")

    def order(self) -> Order:
        """What the engine is asked. Raises UsageError."""
        return Order(
            scale=_read(read_scale, self.scale),
            size=_read(read_size, self.size),
            max_side=self.max_side,
            model=None if not self.model else known(self.model),
            effort=self.effort,
            exact_blocks=self.exact_blocks,
            carrier=self.carrier,
            payload_budget=_read(read_bytes, self.payload_budget),
            keep_hidden=self.keep_hidden,
            strip_metadata=not self.keep_metadata,
            check=self.check,
            min_psnr=self.min_psnr,
            lr_quality=self.lr_quality,
        )


class UpFields(Options):
    """How `up` restores; an LR file says itself how it was made, so that none of it is needed."""

    sigma: float = Field(
        0.0, ge=0, le=1, description="For models with a dial: 0 is nearest to the original, 1 the most lifelike."
    )
    seed: int = Field(0, ge=0, lt=2**63, description="Of what sigma draws: the same seed, the same picture.")
    plain: bool = Field(False, description="Enlarge any picture from its pixels alone: invents, restores nothing.")
    scale: str | None = Field(None, description="With plain: by how much.")
    model: str | None = Field(None, description="With plain: which model.")
    format: Literal["png", "jpeg", "webp", "tiff", "bmp"] = Field("png", description="Of the restored picture.")
    quality: int | None = Field(None, ge=1, le=100, description="Of a JPEG.")


def read_fields(kind: type[Fields], form: Form) -> Fields:
    """The fields of a form, empty ones left out. Raises UsageError, UnknownNameError for a field that there is not."""
    given = {name: value for name, value in form.fields.items() if value != ""}
    for name in given:
        if name not in kind.model_fields:
            raise UnknownNameError("field", name, kind.model_fields)
    try:
        return kind.model_validate(given)
    except ValidationError as error:
        first = error.errors()[0]
        raise UsageError(f"The field {'.'.join(map(str, first['loc']))}: {first['msg']}.") from error


def down_task(form: Form, kind: Kind = "down") -> Task:
    """What a form asks `down` to do. Raises UsageError."""
    fields, sent = read_fields(DownFields, form), form.file()
    ending_for(fields.format, small_endings())
    return Task(
        kind=kind, data=sent.data, name=sent.name, order=fields.order(), format=fields.format, measure=fields.measure,
        sigma=fields.sigma, seed=fields.seed,
    )  # fmt: skip


def up_task(form: Form) -> Task:
    """What a form asks `up` to do. Raises UsageError."""
    fields, sent = read_fields(UpFields, form), form.file()
    if not fields.plain and (fields.scale or fields.model):
        raise UsageError("An LR file says its own scale and model; scale and model go only with plain.")
    Output(fields.format, fields.quality)
    original = form.files.get("original")
    return Task(
        kind="up", data=sent.data, name=sent.name, plain=fields.plain, plain_scale=_read(read_scale, fields.scale),
        plain_model=None if not fields.model else known(fields.model), sigma=fields.sigma, seed=fields.seed,
        picture_format=fields.format, quality=fields.quality, original=None if original is None else original.data,
    )  # fmt: skip


def form_schema(fields: type[Options], files: dict[str, str]) -> dict[str, Any]:
    """The request body as OpenAPI has it: the fields, and `files`, each with what it is; the first is required."""
    schema = fields.model_json_schema()
    pictures = {name: {"type": "string", "format": "binary", "description": what} for name, what in files.items()}
    schema["properties"] = pictures | schema["properties"]
    schema["required"] = [next(iter(files))]
    return {"required": True, "content": {"multipart/form-data": {"schema": schema}}}


def _read(reader: Callable[[str], Read], text: str | None) -> Read | None:
    if not text:
        return None
    try:
        return reader(text)
    except typer.BadParameter as error:
        raise UsageError(str(error)) from error
