"""Which URLs can be posted to; what is refused shows nothing of its secret."""

import pytest
from django.core.exceptions import ImproperlyConfigured

from config.environment import checked
from orders.outbox.destination import Destination
from orders.outbox.sources import check_source

SECRET = "s3cr3t"


@pytest.mark.parametrize(
    ("url", "scheme", "host", "port", "target"),
    [
        ("https://platform.example/events", "https", "platform.example", None, "/events"),
        ("HTTP://Platform.Example", "http", "platform.example", None, "/"),
        ("http://10.0.0.1:8100/a?b=c%2Fd&e", "http", "10.0.0.1", 8100, "/a?b=c%2Fd&e"),
        ("http://host:/x?y", "http", "host", None, "/x?y"),
        ("http://[::1]:8100/x", "http", "[::1]", 8100, "/x"),
        ("https://xn--3e0b707e/x", "https", "xn--3e0b707e", None, "/x"),
        ("http://data_platform:80/%40/x", "http", "data_platform", 80, "/%40/x"),
        ("https://u:p@host/~a@b", "https", "host", None, "/~a@b"),
    ],
)
def test_url_is_taken_apart(url, scheme, host, port, target):
    to = Destination.parse(url)
    assert (to.scheme, to.host, to.port, to.target) == (scheme, host, port, target)


@pytest.mark.parametrize(
    ("userinfo", "authorization"),
    [
        ("user:p%40ss", "Basic dXNlcjpwQHNz"),
        ("user", "Basic dXNlcjo="),
        ("user:", "Basic dXNlcjo="),
        (":pass", "Basic OnBhc3M="),
        ("user:a:b@c", "Basic dXNlcjphOmJAYw=="),
        ("%FF:%C3%A9", "Basic /zrDqQ=="),
        ("", ""),
    ],
)
def test_credentials_are_decoded_and_shown_nowhere(userinfo, authorization):
    to = Destination.parse(f"https://{userinfo}@host/")
    assert to.authorization == authorization
    assert not authorization or authorization.split()[1] not in repr(to)


@pytest.mark.parametrize(
    "url",
    [
        "ftp://u:s3cr3t@host/",
        "//u:s3cr3t@host/",
        "u:s3cr3t@host",
        "https://u:s3cr3t@/x",
        "https://",
        "https://u:s3cr3t@host/#part",
        "https://u:s3cr3t#1@host/",
        "https://u:s3cr3t/1@host/",
        "https://u:1/s3cr3t@host/",
        "https://u:s3cr3t?1@host/",
        "https://host/s3cr3t@x",
        "https://u:s3cr3t@ho st/",
        " https://u:s3cr3t@host/",
        "https://u:s3cr3t@host/\n",
        "https://u:s3cr3t@host/\u3000x",
        "https://u:s3cr3t@host/\x00",
        "https://u:s3cr3t\r\nX: y@host/",
        "https://u:s3cr3t%0D%0AX@host/",
        "https://u%3As3cr3t@host/",
        "https://u:s3cr3t%zz@host/",
        "https://u:s3cr3t@host:port/",
        "https://u:s3cr3t@host:0/",
        "https://u:s3cr3t@host:65536/",
        "https://u:s3cr3t@host:-1/",
        "https://u:s3cr3t@[::1/",
        "https://u:s3cr3t@[nonsense]/",
        "https://u:s3cr3t@한국/",
        "https://u:s3cr3t@a℀b/",
        "https://u:s3cr3t@a..b/",
        "https://u:s3cr3t@" + "a" * 64 + "/",
        "https://u:s3cr3t@host\\@evil/",
        "https://u:s3cr3t@ho%73t/",
        "https://u:s3cr3t@host/" + "x" * 9000,
    ],
)
def test_url_that_cannot_be_posted_to_stops_the_start_and_shows_no_secret(url, monkeypatch):
    monkeypatch.setenv("DATA_PLATFORM_URL", url.replace("\x00", "\x01"))
    with pytest.raises(ImproperlyConfigured) as refused:
        checked("DATA_PLATFORM_URL", Destination.parse)
    assert str(refused.value).startswith("DATA_PLATFORM_URL ")
    shown = repr(refused.value) + repr(refused.value.__cause__)
    assert SECRET not in shown
    assert refused.value.__suppress_context__


@pytest.mark.parametrize(
    "source",
    [
        "/orders",
        "orders",
        "https://shop.example/orders?a=b#c",
        "urn:shop:1",
        "//[::1]/x",
        "//[::1]",
        "https://u:p@[2001:db8::1]:8443/orders",
        "https://shop.example:/orders?a=b/?",
        "./a:b",
        "%ED%95%9C",
    ],
)
def test_uri_reference_is_a_source(source):
    check_source(source)


BAD_AUTHORITIES = [
    "https://[::1/orders",
    "http://h]:x/orders",
    "//a[::1]",
    "//[::1]x/",
    "//[a.b]/",
    "//[]",
    "//h:x/",
    "//a@b@c",
]


@pytest.mark.parametrize(
    "source",
    [*BAD_AUTHORITIES, "a b", "주문", "/orders\n", "%zz", "1a:b", "/a#b#c", "/a[", "x" * 256, "<x>", '"'],
)
def test_source_that_is_no_uri_reference_is_refused(source):
    with pytest.raises(ValueError, match=r"must be a URI reference|longer"):
        check_source(source)
