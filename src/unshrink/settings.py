"""Read YAML and JSON into frozen dataclasses, strictly: an unknown key is an error that names its nearest neighbour."""

import types
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from unshrink.errors import UnknownNameError, UsageError

T = TypeVar("T")


def read_settings(kind: type[T], values: object, *, where: str = "settings") -> T:
    """Build the frozen dataclass `kind` from a mapping of plain values, as YAML or JSON give them.

    Nested dataclasses, tuples (from lists), Literal, optional values and numbers are read by the field's annotation.
    Raises UsageError, naming the place, for an unknown or missing key or a value of the wrong type.
    """
    if not isinstance(values, Mapping):
        raise UsageError(f"{where} should be a table of keys and values, not {values!r}.")
    hints = get_type_hints(kind)
    for key in values:
        if key not in hints:
            raise UnknownNameError(f"key in {where}", str(key), hints)
    read = {key: _read(hints[key], value, f"{where}.{key}") for key, value in values.items()}
    try:
        return kind(**read)
    except TypeError as error:
        raise UsageError(f"{where}: {error}.") from error


def plain(value: Any) -> Any:
    """The inverse of `read_settings`: dataclasses and tuples to dicts and lists that YAML and JSON can hold."""
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, tuple | list):
        return [plain(item) for item in value]
    return value


def _read(hint: Any, value: object, where: str) -> Any:
    origin = get_origin(hint)
    if is_dataclass(hint):
        return read_settings(hint, value, where=where)  # type: ignore[arg-type]
    if origin is dict:
        return _read_table(value, where)
    if origin is tuple:
        return _read_tuple(hint, value, where)
    if origin is Literal:
        return _read_choice(get_args(hint), value, where)
    if origin in (Union, types.UnionType):
        return None if value is None else _read(next(a for a in get_args(hint) if a is not type(None)), value, where)
    return _read_scalar(hint, value, where)


def _read_table(value: object, where: str) -> dict[str, object]:
    """Left as it is, for whoever knows what belongs in it."""
    if not isinstance(value, Mapping):
        raise UsageError(f"{where} should be a table of keys and values, not {value!r}.")
    return dict(value)


def _read_tuple(hint: Any, value: object, where: str) -> tuple[Any, ...]:
    if not isinstance(value, list | tuple):
        raise UsageError(f"{where} should be a list, not {value!r}.")
    item = get_args(hint)[0]
    return tuple(_read(item, entry, f"{where}[{index}]") for index, entry in enumerate(value))


def _read_choice(choices: tuple[object, ...], value: object, where: str) -> object:
    if value not in choices:
        raise UnknownNameError(f"value of {where}", str(value), [str(choice) for choice in choices])
    return value


def _read_scalar(hint: Any, value: object, where: str) -> object:
    if hint is float and isinstance(value, str):
        # YAML 1.1 reads 2e-3 as a string
        try:
            return float(value)
        except ValueError:
            raise UsageError(f"{where} should be a number, not {value!r}.") from None
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, hint) or (isinstance(value, bool) and hint is not bool):
        raise UsageError(f"{where} should be of type {hint.__name__}, not {value!r}.")
    return value
