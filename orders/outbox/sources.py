"""The check of an event's `source`: a URI reference, as CloudEvents requires."""

import re
from ipaddress import IPv6Address

DEFAULT_SOURCE = "/orders"
LONGEST_SOURCE = 255
_NAME = r"(?:[A-Za-z0-9._~!$&'()*+,;=-]|%[0-9A-Fa-f]{2})"
_CHARACTER = f"(?:{_NAME}|[:@])"
_AUTHORITY = rf"(?:(?:{_NAME}|:)*@)?(?:\[(?P<address>[^\]]*)\]|{_NAME}*)(?::[0-9]*)?"
# RFC 3986: scheme, authority, path, query, fragment.
_REFERENCE = re.compile(
    rf"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*:)?(?://{_AUTHORITY}(?=[/?#]|\Z)|(?!//))(?:{_CHARACTER}|/)*"
    rf"(?:\?(?:{_CHARACTER}|[/?])*)?(?:#(?:{_CHARACTER}|[/?])*)?"
)


def check_source(source: str) -> None:
    """Raises ValueError, in words, for what is no URI reference or longer than LONGEST_SOURCE."""
    if len(source) > LONGEST_SOURCE:
        raise ValueError(f"is longer than {LONGEST_SOURCE} characters")
    found = _REFERENCE.fullmatch(source)
    colon_first = found and not found["scheme"] and ":" in source.partition("/")[0]
    if not found or colon_first or not _is_ipv6(found["address"]):
        raise ValueError("must be a URI reference, as in /orders or https://shop.example/orders")


def _is_ipv6(address: str | None) -> bool:
    try:
        return address is None or bool(IPv6Address(address))
    except ValueError:
        return False
