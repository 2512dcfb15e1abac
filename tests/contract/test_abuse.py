"""Requests no honest client sends, to the shop itself, byte by byte; and servers that would fall for them."""

import json
import re
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.kit.client import Client
from tests.kit.database import nothing_written
from tests.kit.processes import environment, free_port, process, until
from tests.kit.web_server import HALF_BODY, HALF_HEADERS, Answer, read_answer
from users.factories import UserFactory

BODY = b'{"amount": 1}'
CHARGE = b"POST /api/v1/points/charges HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
SLOW = 1000


def connect(url: str) -> socket.socket:
    address = urlsplit(url)
    return socket.create_connection((str(address.hostname), int(address.port or 0)), timeout=10)


def tell(url: str, *lines: bytes, body: bytes = b"") -> Answer:
    """Send a charge with these header lines."""
    with connect(url) as connection:
        connection.sendall(CHARGE + b"".join(line + b"\r\n" for line in lines) + b"\r\n" + body)
        return read_answer(connection)


@contextmanager
def half_sent(url: str, count: int) -> Iterator[None]:
    """So many requests of which the other half never comes."""
    with ExitStack() as stack:
        for index in range(count):
            stack.enter_context(connect(url)).sendall(HALF_BODY if index % 2 else HALF_HEADERS)
        yield


def test_charge_without_a_length_in_chunks_is_credited_whole(http: Client) -> None:
    user = UserFactory()
    chunked = b"4\r\n" + BODY[:4] + b"\r\n%x\r\n" % len(BODY[4:]) + BODY[4:] + b"\r\n0\r\n\r\n"
    answer = tell(http.url, b"X-User-Id: %d" % user.pk, b"Transfer-Encoding: chunked", body=chunked)
    assert (answer.status, json.loads(answer.body)["balance_after"]) == (201, 1)


REFUSED = {
    "two lengths": ([b"Content-Length: %d" % len(BODY), b"Content-Length: 2"], 400),
    "a length and chunks": ([b"Content-Length: %d" % len(BODY), b"Transfer-Encoding: chunked"], 400),
    "a header of 20 kB": ([b"Content-Length: %d" % len(BODY), b"X-Big: " + b"a" * 20_000], 431),
    "a key of 20 kB": ([b"Content-Length: %d" % len(BODY), b"Idempotency-Key: " + b"a" * 20_000], 431),
    "a NUL in a header": ([b"Content-Length: %d" % len(BODY), b"X-Nul: a\x00b"], 400),
    "an identity over two lines": ([b"Content-Length: %d" % len(BODY), b"X-User-Id: 1", b" 2"], 401),
    "a space before the colon": ([b"Content-Length: %d" % len(BODY), b"X-Gap : a"], 400),
}


@pytest.mark.parametrize(("lines", "status"), REFUSED.values(), ids=REFUSED.keys())
def test_request_that_can_be_read_in_two_ways_charges_nothing(
    http: Client, lines: list[bytes], status: int
) -> None:
    identity = b"X-User-Id: %d" % UserFactory().pk
    with nothing_written():
        assert tell(http.url, *lines, identity, body=BODY).status == status
    assert tell(http.url, identity, b"Content-Length: %d" % len(BODY), body=BODY).status == 201


@pytest.mark.parametrize("order", [1, -1])
def test_header_spelt_with_underscores_credits_nobody_else(http: Client, order: int) -> None:
    user, victim = UserFactory.create_batch(2)
    lines = [b"X-User-Id: %d" % user.pk, b"X_User_Id: %d" % victim.pk][::order]
    assert tell(http.url, *lines, b"Content-Length: %d" % len(BODY), body=BODY).status == 201
    balances = [http.get("points", user=who).json["balance"] for who in (user, victim)]
    assert balances == [1, 0]


def test_half_sent_requests_do_not_stop_the_shop(http: Client) -> None:
    user = UserFactory()
    with half_sent(http.url, SLOW):
        assert [http.charge(user, 1).status for _ in range(20)] == [201] * 20


NASTY = (
    '"}\r{"event":"forged"}',
    '\\"}\\n{\\"event\\":\\"forged\\"}',
    "\x1b[2K\x1b[1Aforged",
    "\x85{}",
    "\u2028{}",
    "%0a{}",
    "${jndi:ldap://x}",
    "\ud800",
    "\u202e",
)


@pytest.mark.parametrize("header", [b"X-User-Id", b"X-Request-Id", b"User-Agent", b"Idempotency-Key"])
def test_header_cannot_forge_a_line_of_the_log(http: Client, logs: Path, header: bytes) -> None:
    log = logs / "web.log"
    size, length = log.stat().st_size, b"Content-Length: %d" % len(BODY)
    headers = [header + b": " + nasty.encode("utf-8", "surrogatepass") for nasty in NASTY]
    answers = [tell(http.url, each, length, body=BODY) for each in headers]
    assert {answer.status for answer in answers} == {400, 401}  # 400: the parser refused it, and logs nothing
    http.get("/livez", headers={"X-Request-Id": "the-last"})
    until(lambda: b"the-last" in log.read_bytes()[size:])
    lines = log.read_bytes()[size:].splitlines()
    assert len(lines) == [answer.status for answer in answers].count(401) + 1
    assert forged(lines) == []


def forged(lines: list[bytes]) -> list[bytes]:
    """The lines that are not one request as the shop tells of it."""
    return [line for line in lines if not is_honest(line)]


def is_honest(line: bytes) -> bool:
    try:
        told = json.loads(line)
    except ValueError:
        return False
    return told["event"] == "request" and not re.search(rb"[\x00-\x1f\x7f-\x9f]|forged", line)


def test_forged_line_would_be_noticed() -> None:
    honest = b'{"event": "request", "path": "/"}'
    dishonest = [
        b'{"event": "forged"}',
        b'{"event": "request", "path":',
        b'{"event": "request", "a": "\x1b[2K"}',
    ]
    assert forged([honest, *dishonest]) == dishonest


@contextmanager
def careless_server(log: Path) -> Iterator[str]:
    """Gunicorn's own threads, four of them, and its leave to spell headers as one likes."""
    port = str(free_port())
    options = ("-k", "gthread", "--threads", "4", "-w", "1", "--header-map", "dangerous")
    command = (
        "gunicorn",
        "-c",
        "/dev/null",
        "-b",
        f"127.0.0.1:{port}",
        *options,
        "tests.contract.echo_app:application",
    )
    with process(*command, env=environment(), log=log):
        until(lambda: listens(f"http://127.0.0.1:{port}"))
        yield f"http://127.0.0.1:{port}"


def listens(url: str) -> bool:
    try:
        connect(url).close()
    except ConnectionError:
        return False
    return True


def test_careless_server_would_fail_each_of_these(transactional_db: None, logs: Path) -> None:
    with careless_server(logs / "careless.log") as url:
        length = b"Content-Length: %d" % len(BODY)
        told = tell(url, b"X-User-Id: 1", b"X_User_Id: 2", length, body=BODY)
        assert "2" in told.echo["headers"]["HTTP_X_USER_ID"]
        chunked = tell(url, b"Transfer-Encoding: chunked", body=b"5\r\nhello\r\n0\r\n\r\n")
        assert chunked.echo["body"] == ""
        with half_sent(url, 16), connect(url) as connection:
            connection.settimeout(2)
            connection.sendall(CHARGE + length + b"\r\n\r\n" + BODY)
            with pytest.raises(TimeoutError):
                read_answer(connection)


CONTENT_TYPES = [
    b"text/plain; charset=hex",
    b"text/plain; charset=utf-7",
    b"text/plain; charset=idna",
    b"text/plain; x*=nonsense''a",
    b"multipart/form-data; boundary=x; y*=nonsense''a",
    b"multipart/form-data; boundary=x; charset=base64",
]


@pytest.mark.parametrize("kind", CONTENT_TYPES)
@pytest.mark.parametrize("path", [b"/api/v1/products?page_size=5", b"/admin/login/?q=%2B2AA-", b"/livez"])
def test_charset_that_a_client_names_is_never_an_error(http: Client, kind: bytes, path: bytes) -> None:
    with connect(http.url) as connection:
        lines = (b"GET " + path + b" HTTP/1.1", b"Host: localhost", b"Content-Type: " + kind, b"", b"")
        connection.sendall(b"\r\n".join(lines))
        assert read_answer(connection).status == 200


@pytest.mark.parametrize("kind", CONTENT_TYPES)
def test_charset_of_a_form_is_never_an_error(http: Client, kind: bytes) -> None:
    body = b'--x\r\nContent-Disposition: form-data; name="username"\r\n\r\n+2AA-\r\n--x--\r\n'
    with connect(http.url) as connection:
        lines = (b"POST /admin/login/ HTTP/1.1", b"Host: localhost", b"Content-Type: " + kind)
        connection.sendall(b"\r\n".join((*lines, b"Content-Length: %d" % len(body), b"", body)))
        assert read_answer(connection).status in {400, 403}
