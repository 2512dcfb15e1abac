"""Serializer parts that keep the contract's strictness."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache, partial
from operator import attrgetter
from typing import Any, Literal, overload

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail, ValidationError
from rest_framework.settings import api_settings

from core.json_schemas import TIMESTAMP
from core.problems import InputError
from core.timestamps import rfc3339

# DRF words its errors itself; ours are worded by INPUT_ERRORS, so a message holds only the bound it names.
_BOUNDS = {"min_value": "{min_value}", "max_value": "{max_value}"}
_CODES = {"empty": "min_length", "not_a_list": "not_a_list", "invalid": "not_an_object"}


# A field on its way out: its name, what takes its value off an object, and what makes JSON of a value.
_Column = tuple[str, Callable[[Any], Any], Callable[[Any], Any]]


@overload
def serialize(serializer: type[serializers.Serializer[Any]], made: Any) -> dict[str, Any]: ...
@overload
def serialize(
    serializer: type[serializers.Serializer[Any]], made: Sequence[Any], *, many: Literal[True]
) -> list[dict[str, Any]]: ...
def serialize(serializer: type[serializers.Serializer[Any]], made: Any, *, many: bool = False) -> Any:
    """What a client is shown of an object, or of each of `many`: as DRF's `data`, in less time."""
    columns = _columns_of(serializer)
    return [_row(columns, each) for each in made] if many else _row(columns, made)


def _row(columns: tuple[_Column, ...], made: Any) -> dict[str, Any]:
    return {name: None if (value := take(made)) is None else show(value) for name, take, show in columns}


@cache
def _columns_of(serializer: type[serializers.Serializer[Any]]) -> tuple[_Column, ...]:
    """The columns of a serializer, which are the same in every request."""
    return _columns(serializer())


def _columns(serializer: Any) -> tuple[_Column, ...]:
    return tuple(_column(field) for field in serializer.fields.values() if not field.write_only)


def _column(field: Any) -> _Column:
    if field.source == "*":
        return field.field_name, _itself, field.to_representation
    return field.field_name, attrgetter(field.source), _shower(field)


def _shower(field: Any) -> Callable[[Any], Any]:
    """What makes JSON of the field's value."""
    if isinstance(field, serializers.ListSerializer):
        columns = _columns(field.child)
        return lambda rows: [_row(columns, row) for row in rows]
    if isinstance(field, serializers.Serializer):
        return partial(_row, _columns(field))
    shower: Callable[[Any], Any] = field.to_representation
    return shower


def _itself(made: Any) -> Any:
    return made


def validate_input(serializer: type[serializers.Serializer[Any]], data: Any) -> dict[str, Any]:
    """What a client's input says, as the serializer reads it. Raises ValidationError."""
    return _reader_of(serializer)(data)


@cache
def _reader_of(serializer: type[serializers.Serializer[Any]]) -> Callable[[Any], dict[str, Any]]:
    """What reads an input, in every thread: reading leaves nothing in a serializer.

    tests/contract/test_shown.py says so.

    To build its fields costs more than to use them.
    """
    reader: Callable[[Any], dict[str, Any]] = serializer().run_validation
    return reader


class StrictIntegerField(serializers.IntegerField):
    """A JSON integer: no string, fraction, exponent or boolean."""

    default_error_messages = {**_BOUNDS, "not_an_integer": ""}

    def to_internal_value(self, data: Any) -> int:
        if type(data) is not int:
            self.fail("not_an_integer")
        return int(data)


class StrictSerializer(serializers.Serializer[Any]):
    """An object with the listed fields and no other."""

    def to_internal_value(self, data: Any) -> Any:
        """The validated fields. Raises ValidationError with every wrong place at once."""
        unknown = {}
        if isinstance(data, Mapping):
            unknown = {key: [ErrorDetail("", code="unknown")] for key in data if key not in self.fields}
        try:
            values = super().to_internal_value(data)
        except ValidationError as error:
            raise ValidationError({**error.detail, **unknown}) from None  # type: ignore[dict-item]
        if unknown:
            raise ValidationError(unknown)
        return values


class NoInput(StrictSerializer):
    """A body with nothing in it."""


@extend_schema_field(TIMESTAMP)
class TimestampField(serializers.DateTimeField):
    """A moment on its way out: +09:00 and six fractional digits."""

    def to_representation(self, value: Any) -> Any:
        return None if value is None else rfc3339(value)


def input_errors(detail: Any, pointer: str = "") -> Iterator[InputError]:
    """Flatten DRF's nested error detail into one InputError a place."""
    if isinstance(detail, dict):
        for key, inner in detail.items():
            step = (
                ""
                if key == api_settings.NON_FIELD_ERRORS_KEY
                else "/" + str(key).replace("~", "~0").replace("/", "~1")
            )
            yield from input_errors(inner, pointer + step)
    elif isinstance(detail, list) and not all(isinstance(inner, ErrorDetail) for inner in detail):
        for index, inner in enumerate(detail):
            yield from input_errors(inner, f"{pointer}/{index}")
    else:
        for text in detail:
            yield InputError("pointer", pointer, _CODES.get(text.code, text.code), str(text))
