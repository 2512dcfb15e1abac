"""JSON as strictly as the contract reads it."""

import json
import re
import sys
from collections.abc import Mapping
from typing import IO, Any

from rest_framework.parsers import BaseParser

from api.problems import Malformed, UnsupportedMediaType

MAX_BODY_BYTES = 64 * 1024
MAX_DEPTH = 20

# An amount or an id of any number of digits is well-formed; the body's bound keeps the conversion cheap.
sys.set_int_max_str_digits(MAX_BODY_BYTES)

# Possessive, and content with a missing end: each byte is looked at once, whatever is sent.
_STRING = re.compile(rb'"(?:[^"\\]|\\.)*+"?', re.DOTALL)
_OPENING_OR_CLOSING = re.compile(rb"[\[\]{}]")


class StrictJSONParser(BaseParser):
    """UTF-8 JSON without duplicate keys, NaN, lone surrogates or more than 20 levels."""

    media_type = "application/json"

    def parse(
        self,
        stream: IO[bytes],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,  # noqa: ARG002 - DRF passes it
    ) -> Any:
        """The body as Python values. Raises Malformed or UnsupportedMediaType."""
        _require_json_in_utf8(media_type or "")
        body = stream.read()
        if _depth(body) > MAX_DEPTH:
            raise Malformed
        try:
            text = body.decode("utf-8")
            data = json.loads(text, object_pairs_hook=_object, parse_constant=_refuse)
            _require_whole_characters(text)
        except ValueError as error:
            raise Malformed from error
        return data


def _require_json_in_utf8(media_type: str) -> None:
    """Refuse a wildcard, and a charset parameter that names another encoding."""
    if media_type.partition(";")[0].strip().lower() != StrictJSONParser.media_type:
        raise UnsupportedMediaType
    charset = re.search(r'charset\s*=\s*"?([^";\s]+)', media_type, re.IGNORECASE)
    if charset and charset[1].lower() not in {"utf-8", "utf8"}:
        raise UnsupportedMediaType


def _require_whole_characters(text: str) -> None:
    """Raise ValueError for a lone surrogate, wherever it is; only an escape can write one.

    Of a number its length is enough: writing one of 64 Ki digits takes longer than all the rest.
    """
    if r"\u" in text:
        json.dumps(json.loads(text, parse_int=len), ensure_ascii=False).encode("utf-8")


def _depth(body: bytes) -> int:
    """How deep the brackets outside strings nest; linear in the body's length."""
    depth = deepest = 0
    for bracket in _OPENING_OR_CLOSING.findall(_STRING.sub(b"", body)):
        depth += 1 if bracket in b"[{" else -1
        deepest = max(deepest, depth)
    return deepest


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise Malformed
    return members


def _refuse(_constant: str) -> None:
    raise Malformed
