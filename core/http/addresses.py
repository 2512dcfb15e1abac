"""The client's address, and the network that counts as one client."""

from ipaddress import IPv6Address, ip_address, ip_network

from django.http import HttpRequest
from rest_framework.request import Request


def address_of(request: HttpRequest | Request | None) -> str:
    """An empty text where there is none, as over a unix socket."""
    try:
        address = ip_address(request.META.get("REMOTE_ADDR", "") if request else "")
    except ValueError:
        return ""
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return str(mapped or address)


def network(address: str) -> str:
    # An IPv6 subscriber has a whole /64.
    return str(ip_network((address, 64), strict=False)) if ":" in address else address
