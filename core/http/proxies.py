"""The client's address and scheme behind trusted proxies."""

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

Address = IPv4Address | IPv6Address

MAPPED_BITS = 96  # of an IPv4-mapped address, left of the IPv4 address

PORTS = {"http": "80", "https": "443"}


class TrustedProxies:
    """A WSGI application behind proxies.

    A proxy adds the address that asked it at the right of X-Forwarded-For. So the client is the first address
    from the right that is no trusted proxy's; the client may have made up what stands left of it. With `*`,
    every peer is trusted to name the client, and further proxies only where they are listed beside it.

    X-Forwarded-Proto is the scheme by which that client asked; of a list that does not have one for each
    address, the first. Every other forwarding header is dropped, and all of them from an untrusted peer.
    """

    def __init__(self, application: WSGIApplication, *, trusted: Iterable[str]) -> None:
        self.application = application
        self.trusts_every_peer = "*" in trusted
        self.networks = [_unmapped(ip_network(each)) for each in trusted if each != "*"]

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        forwarding = [each for each in environ if each.startswith(("HTTP_X_FORWARDED", "HTTP_FORWARDED"))]
        if not forwarding:
            return self.application(environ, start_response)
        addresses = _elements(environ.get("HTTP_X_FORWARDED_FOR", ""))
        schemes = [each.lower() for each in _elements(environ.get("HTTP_X_FORWARDED_PROTO", ""))]
        for name in forwarding:
            del environ[name]
        peer = _address(environ.get("REMOTE_ADDR", ""))
        if self.trusts_every_peer or self._is_trusted(peer):
            self._believe(environ, addresses, schemes)
        return self.application(environ, start_response)

    def _believe(self, environ: WSGIEnvironment, addresses: list[str], schemes: list[str]) -> None:
        place = len(addresses)  # the peer's own, right of them all
        while place and (place == len(addresses) or self._is_trusted(_address(addresses[place]))):
            client = _address(addresses[place - 1])
            if client is None:  # `unknown`, or nonsense: as far as it is known
                break
            place -= 1
            environ["REMOTE_ADDR"] = environ["REMOTE_HOST"] = str(client)
            environ.pop("REMOTE_PORT", None)
        one_each = len(schemes) == len(addresses) and not self.trusts_every_peer and place < len(addresses)
        scheme = schemes[place if one_each else 0] if schemes else ""
        if scheme in PORTS:
            environ["wsgi.url_scheme"] = environ["HTTP_X_FORWARDED_PROTO"] = scheme
            environ["SERVER_PORT"] = PORTS[scheme]

    def _is_trusted(self, address: Address | None) -> bool:
        return address is not None and any(
            address.version == each.version and address in each for each in self.networks
        )


def _elements(header: str) -> list[str]:
    return [each.strip().strip('"') for each in header.split(",") if each.strip()]


def _unmapped(network: IPv4Network | IPv6Network) -> IPv4Network | IPv6Network:
    # As `_address` has its addresses: 10.0.0.0/8 for ::ffff:10.0.0.0/104.
    mapped = getattr(network.network_address, "ipv4_mapped", None)
    if mapped is None or network.prefixlen < MAPPED_BITS:
        return network
    return IPv4Network((mapped, network.prefixlen - MAPPED_BITS))


def _address(text: str) -> Address | None:
    # Proxies write it with or without a port, a zone, brackets or an IPv4-mapped prefix.
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text.partition("%")[0])  # a zone may be any text
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address
