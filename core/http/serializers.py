"""Serializer parts that keep the contract's strictness."""

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

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


def serialize(serializer_class: type[serializers.Serializer[Any]], instance: Any) -> dict[str, Any]:
    """As DRF's `data`, by a serializer that every thread shares: it has no context."""
    shown: dict[str, Any] = _shared(serializer_class).to_representation(instance)
    return shown


def validate_input(serializer_class: type[serializers.Serializer[Any]], data: Any) -> dict[str, Any]:
    """Raises DRF's ValidationError."""
    validated: dict[str, Any] = _shared(serializer_class).run_validation(data)
    return validated


@cache
def _shared(serializer_class: type[serializers.Serializer[Any]]) -> serializers.Serializer[Any]:
    # One for every thread: making its fields takes 4 to 40 times as long as using them. Neither reading nor
    # showing leaves anything in it (tests/contract/test_shown.py).
    return serializer_class()


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
        unknown = {}
        if isinstance(data, Mapping):
            unknown = {key: [ErrorDetail("", code="unknown")] for key in data if key not in self.fields}
        try:
            values = super().to_internal_value(data)
        except ValidationError as error:
            # Every wrong place is named at once.
            raise ValidationError({**error.detail, **unknown}) from None  # type: ignore[dict-item]
        if unknown:
            raise ValidationError(unknown)
        return values


class NoInput(StrictSerializer):
    """An empty body."""


@extend_schema_field(TIMESTAMP)
class TimestampField(serializers.DateTimeField):
    """A timestamp in an answer: +09:00 and six fractional digits."""

    def to_representation(self, value: Any) -> Any:
        return None if value is None else rfc3339(value)


def input_errors(detail: Any, pointer: str = "") -> Iterator[InputError]:
    """One InputError for each place in DRF's nested detail, by its JSON pointer (RFC 6901)."""
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
