"""JSON as strictly as the contract reads it."""

import json
import re
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

# Possessive, and content with a missing end: each byte is looked at once, whatever is sent.
_STRING = re.compile(rb'"(?:[^"\\]|\\.)*+"?', re.DOTALL)
_OPENING_OR_CLOSING = re.compile(rb"[\[\]{}]")
_CHARSET = re.compile(r';\s*charset\s*=\s*"?([^";\s]*)', re.IGNORECASE)


def require_readable(request: Request) -> None:
    """Raise UnsupportedMediaType for a content coding, and for a write of another type than JSON in UTF-8.

    A write without a body may leave the type out. A form's type is refused even then: a page of another site
    can submit one without a preflight, and the gateway adds the member whose browser it is.
    """
    if "HTTP_CONTENT_ENCODING" in request.META:
        codings = {coding.strip().lower() for coding in request.META["HTTP_CONTENT_ENCODING"].split(",")}
        if codings - {"", "identity"}:
            raise UnsupportedMediaType(headers={"Accept-Encoding": "identity"})
    if request.method in SAFE_METHODS:
        return
    content_type = request.META.get("CONTENT_TYPE", "").strip()
    has_body = request.META.get("CONTENT_LENGTH") not in {None, "", "0"}
    if (content_type or has_body) and not _is_json_in_utf8(content_type):
        raise UnsupportedMediaType


def _is_json_in_utf8(content_type: str) -> bool:
    media_type = content_type.partition(";")[0].strip().lower()
    charsets = {charset.lower() for charset in _CHARSET.findall(content_type)}
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
        """The body as Python values. Raises Malformed."""
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
