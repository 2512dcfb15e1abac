"""JSON as strictly as the contract reads it."""

import json
import sys
from collections.abc import Mapping
from typing import IO, Any

from rest_framework.parsers import BaseParser
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request

from core.http.problems import Malformed, UnsupportedMediaType

MAX_BODY_BYTES = 64 * 1024
MAX_DEPTH = 20

# An amount or an id of any number of digits is well-formed; the body's bound keeps the conversion cheap.
sys.set_int_max_str_digits(MAX_BODY_BYTES)


def require_readable(request: Request) -> None:
    """Raise UnsupportedMediaType for a content coding, and for a write of another type than JSON in UTF-8.

    A write without a body may leave the type out.
    """
    if "HTTP_CONTENT_ENCODING" in request.META:
        codings = {coding.strip().lower() for coding in request.META["HTTP_CONTENT_ENCODING"].split(",")}
        if codings - {"", "identity"}:
            raise UnsupportedMediaType(headers={"Accept-Encoding": "identity"})
    if request.method in SAFE_METHODS:
        return
    content_type = request.META.get("CONTENT_TYPE", "").strip()
    has_body = request.META.get("CONTENT_LENGTH") not in {None, "", "0"}
    # Even without a body: a page of another site can submit a form's type without a preflight, and the
    # gateway adds the member whose browser it is.
    if (content_type or has_body) and not _is_json_in_utf8(content_type):
        raise UnsupportedMediaType


def _is_json_in_utf8(content_type: str) -> bool:
    media_type, *parameters = (part.strip().lower() for part in content_type.split(";"))
    pairs = [parameter.partition("=")[::2] for parameter in parameters]
    charsets = {value.strip(' "') for name, value in pairs if name.strip() == "charset"}
    return media_type == StrictJSONParser.media_type and charsets <= {"utf-8", "utf8"}


class StrictJSONParser(BaseParser):
    """UTF-8 JSON without duplicate keys, NaN, lone surrogates or more than 20 levels."""

    media_type = "application/json"

    def parse(
        self,
        stream: IO[bytes],
        media_type: str | None = None,  # noqa: ARG002 - DRF passes it
        parser_context: Mapping[str, Any] | None = None,  # noqa: ARG002 - DRF passes it
    ) -> Any:
        """Raises Malformed."""
        try:
            text = stream.read().decode("utf-8")
            data = json.loads(text, object_pairs_hook=_object, parse_constant=_refuse)
            _check(data, levels=MAX_DEPTH)
        except (ValueError, RecursionError) as error:
            raise Malformed from error
        return data


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a duplicate key")
    return members


def _refuse(constant: str) -> None:
    raise ValueError(constant)


def _check(value: Any, *, levels: int) -> None:
    if isinstance(value, str):
        # An escape can write a lone surrogate, which UTF-8 refuses.
        value.encode()
    elif isinstance(value, dict | list):
        if levels == 0:
            raise ValueError("too deep")
        for each in (*value, *value.values()) if isinstance(value, dict) else value:
            _check(each, levels=levels - 1)
