"""Whom a request came from, through proxies."""

from typing import Any

import pytest

from core.http.proxies import TrustedProxies

LISTED = ["10.0.0.0/8", "127.0.0.1", "2001:db8::/32"]


def passed_on(*, peer: str, trusted: list[str] = LISTED, **headers: str) -> dict[str, Any]:
    """What the application gets to see."""
    seen: dict[str, Any] = {}

    def application(environ: dict[str, Any], _start_response: Any) -> list[bytes]:
        seen.update(environ)
        return []

    environ = {"REMOTE_ADDR": peer, "wsgi.url_scheme": "http", "SERVER_PORT": "8000", **headers}
    list(TrustedProxies(application, trusted=trusted)(environ, lambda *_: None))
    return seen


@pytest.mark.parametrize(
    ("peer", "chain", "client"),
    [
        ("10.0.0.1", "203.0.113.9", "203.0.113.9"),
        ("10.0.0.1", "198.51.100.1, 203.0.113.9", "203.0.113.9"),
        ("10.0.0.1", "198.51.100.1, 203.0.113.9, 10.0.0.2,127.0.0.1", "203.0.113.9"),
        ("10.0.0.1", "10.0.0.3, 203.0.113.9", "203.0.113.9"),
        ("10.0.0.1", "10.0.0.3, 10.0.0.2", "10.0.0.3"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("10.0.0.1", "unknown", "10.0.0.1"),
        ("10.0.0.1", "203.0.113.9, unknown, 10.0.0.2", "10.0.0.2"),
        ("10.0.0.1", "<script>", "10.0.0.1"),
        ("10.0.0.1", "203.0.113.9:4711", "203.0.113.9"),
        ("2001:db8::1", "2001:0DB9:0::9", "2001:db9::9"),
        ("2001:db8::1", '"[2001:db9::9]:4711", 2001:db8::2', "2001:db9::9"),
        ("::ffff:10.0.0.1", "::ffff:203.0.113.9", "203.0.113.9"),
        ("10.0.0.1", "fe80::9%eth0", "fe80::9"),
        ("10.0.0.1", "203.0.113.9, 2001:db8::2%any\ntext", "203.0.113.9"),
        ("203.0.113.1", "198.51.100.1", "203.0.113.1"),
        ("192.0.2.1", "10.0.0.1", "192.0.2.1"),
        ("::1", "198.51.100.1", "::1"),
        ("", "198.51.100.1", ""),
    ],
)
def test_client_is_the_first_from_the_right_that_is_no_trusted_proxy(peer, chain, client):
    assert passed_on(peer=peer, HTTP_X_FORWARDED_FOR=chain)["REMOTE_ADDR"] == client


@pytest.mark.parametrize("trusted", ["::ffff:10.0.0.1", "::ffff:10.0.0.0/104", "::ffff:0:0/96", "::/0"])
@pytest.mark.parametrize("peer", ["10.0.0.1", "::ffff:10.0.0.1"])
def test_proxy_listed_in_ipv6s_spelling_is_trusted_where_that_spells_an_ipv4_address(trusted, peer):
    seen = passed_on(peer=peer, trusted=[trusted], HTTP_X_FORWARDED_FOR="2001:db9::9")
    assert seen["REMOTE_ADDR"] == (peer if trusted == "::/0" else "2001:db9::9")


def test_proxies_star_lets_any_peer_name_the_client():
    seen = passed_on(peer="203.0.113.1", trusted=["*"], HTTP_X_FORWARDED_FOR="198.51.100.1, 192.0.2.9")
    assert seen["REMOTE_ADDR"] == "192.0.2.9"


def test_peer_is_the_client_without_trusted_proxies():
    seen = passed_on(peer="127.0.0.1", trusted=[], HTTP_X_FORWARDED_FOR="198.51.100.1")
    assert seen["REMOTE_ADDR"] == "127.0.0.1"


@pytest.mark.parametrize(
    ("schemes", "chain", "scheme"),
    [
        ("https", "", "https"),
        ("HTTPS", "203.0.113.9", "https"),
        ("http", "203.0.113.9", "http"),
        ("https,http", "", "https"),
        ("https, http", "203.0.113.9", "https"),
        ("https,http", "203.0.113.9, 10.0.0.2", "https"),
        ("http, https", "203.0.113.9, 10.0.0.2", "http"),
        ("https, http, http", "198.51.100.1, 203.0.113.9, 10.0.0.2", "http"),  # the first is made up
        ("http, https, http", "198.51.100.1, 203.0.113.9, 10.0.0.2", "https"),
        ("ftp", "203.0.113.9", "http"),
        ("", "203.0.113.9", "http"),
    ],
)
def test_scheme_is_the_one_by_which_the_client_asked(schemes, chain, scheme):
    seen = passed_on(peer="10.0.0.1", HTTP_X_FORWARDED_PROTO=schemes, HTTP_X_FORWARDED_FOR=chain)
    assert seen["wsgi.url_scheme"] == scheme
    assert seen.get("HTTP_X_FORWARDED_PROTO", "http") == scheme


FORGED = {
    "HTTP_X_FORWARDED_FOR": "198.51.100.1",
    "HTTP_X_FORWARDED_PROTO": "https",
    "HTTP_X_FORWARDED_HOST": "evil.example",
    "HTTP_X_FORWARDED_PORT": "1",
    "HTTP_X_FORWARDED_BY": "me",
    "HTTP_X_FORWARDED_PREFIX": "/evil",
    "HTTP_FORWARDED": "for=198.51.100.1;proto=https",
}


def test_forwarded_headers_of_an_untrusted_peer_are_dropped():
    seen = passed_on(peer="203.0.113.1", **FORGED)
    assert seen == {"REMOTE_ADDR": "203.0.113.1", "wsgi.url_scheme": "http", "SERVER_PORT": "8000"}


def test_forwarded_headers_of_a_trusted_peer_count_for_client_and_scheme_alone():
    seen = passed_on(peer="10.0.0.1", **FORGED)
    assert [name for name in seen if "FORWARDED" in name] == ["HTTP_X_FORWARDED_PROTO"]
    assert (seen["REMOTE_ADDR"], seen["SERVER_PORT"]) == ("198.51.100.1", "443")
