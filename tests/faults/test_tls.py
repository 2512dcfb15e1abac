"""A data platform behind TLS, whose answers share a record or come late."""

import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from orders.outbox.platform import Platform
from tests.kit.platforms import Said, Talker, outcome, talking

TAKEN = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
REFUSED = b"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n"
HINTS = b"HTTP/1.1 103 Early Hints\r\n\r\n"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory) -> Path:
    """A certificate for 127.0.0.1 with its key, in one file."""
    folder = tmp_path_factory.mktemp("tls")
    made = ("-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=platform")
    files = ("-keyout", str(folder / "key"), "-out", str(folder / "cert"))
    subprocess.run(
        ["openssl", "req", *made, "-addext", "subjectAltName=IP:127.0.0.1", *files],
        check=True,
        capture_output=True,
    )
    both = folder / "both"
    both.write_bytes((folder / "key").read_bytes() + (folder / "cert").read_bytes())
    return both


@contextmanager
def platform_that_says(*says: list[Said], certificate: Path) -> Iterator[tuple[Platform, Talker]]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with talking(*says, tls=context) as talker:
        yield Platform(url=talker.url, secret="", user_agent="x"), talker


@pytest.mark.parametrize(
    ("first", "connections"),
    [([HINTS, 0.1, TAKEN], 2), ([HINTS + TAKEN], 2), ([TAKEN + TAKEN], 3), ([TAKEN, TAKEN], 3)],
    ids=["hints", "hints in one record", "two in one record", "two records"],
)
def test_answer_over_tls_counts_for_one_event(first, connections, certificate, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with platform_that_says(first, [REFUSED], [TAKEN], certificate=certificate) as (platform, talker):
        assert [outcome(platform) for _ in range(3)] == ["taken", "HTTP 500", "taken"]
    assert talker.connections == connections


def test_certificate_that_is_not_trusted_is_a_failed_attempt(certificate):
    with platform_that_says([TAKEN], certificate=certificate) as (platform, talker):
        assert "certificate verify failed" in outcome(platform)
    assert talker.heard == []
