"""The check of an event's `source`: a URI reference, as CloudEvents requires."""

import re

DEFAULT_SOURCE = "/orders"
LONGEST_SOURCE = 255
_CHARACTER = r"(?:[A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})"
# RFC 3986: scheme, authority, path, query, fragment.
_REFERENCE = re.compile(
    rf"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*:)?(?P<authority>//(?:{_CHARACTER}|[\[\]])*)?(?:{_CHARACTER}|/)*"
    rf"(?:\?(?:{_CHARACTER}|[/?])*)?(?:#(?:{_CHARACTER}|[/?])*)?"
)


def check_source(source: str) -> None:
    """Raises ValueError, in words, for what is no URI reference or longer than LONGEST_SOURCE."""
    if len(source) > LONGEST_SOURCE:
        raise ValueError(f"is longer than {LONGEST_SOURCE} characters")
    found = _REFERENCE.fullmatch(source)
    if not found or (not found["scheme"] and ":" in source.partition("/")[0]):
        raise ValueError("must be a URI reference, as in /orders or https://shop.example/orders")
