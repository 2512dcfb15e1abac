"""What counts as success, whatever else the platform says."""

import time
from base64 import b64encode

import pytest
from django.utils.http import http_date

from orders.outbox.platform import DeliveryFailed, Platform
from tests.kit.platforms import answering, talking


def post(raw: bytes) -> None:
    with answering(raw) as url:
        Platform(url=url, secret="", user_agent="pointshop/1").post(event_id="e", body=b"{}")


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 204 No Content\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\n\r\nnogzi",
        b"HTTP/1.1 200 OK\r\nContent-Length: 3000000\r\n\r\n" + b"x" * 3_000_000,
    ],
    ids=["empty", "short", "bad gzip", "long"],
)
def test_answer_2xx_is_success_with_any_body(answer):
    post(answer)


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 301 Moved\r\nLocation: http://127.0.0.1:1/\r\n\r\n",
        b"HTTP/1.1 500 Oops\r\n\r\n",
        b"HTTP/1.1 199 Hm\r\n\r\n",
        b"HTTP/1.1 202 Accepted\r\nContent-Length: 100\r\n\r\ncut short",
        b"HTTP/1.1 200 OK\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Le",
        b"HTTP/1.1 2",
        b"",
        b"rubbish\r\n\r\n",
    ],
    ids=[
        "redirect",
        "error",
        "below 200",
        "cut short",
        "no headers",
        "headers without end",
        "half a header",
        "cut status",
        "nothing",
        "rubbish",
    ],
)
def test_answer_other_than_2xx_is_a_failed_attempt(answer):
    with pytest.raises(DeliveryFailed):
        post(answer)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("7", 7),
        (" 7 ", 7),
        ("0" * 12 + "120", 120),
        ("00", 0),
        ("9" * 40, 21600),
        ("soon", 0),
        ("-1", 0),
        ("1.5", 0),
        ("١", 0),
        ("", 0),
    ],
)
def test_retry_after_seconds_are_read_within_bounds(header, seconds):
    assert wait_after(f"Retry-After: {header}") == seconds


SAID = "Date: Sun, 06 Nov 1994 08:49:37 GMT"


@pytest.mark.parametrize(
    ("until", "seconds"),
    [
        ("Sun, 06 Nov 1994 08:50:07 GMT", 30),
        ("Sunday, 06-Nov-94 08:50:07 GMT", 30),
        ("Sun Nov  6 08:50:07 1994", 30),
        ("Sun, 06 Nov 1994 08:49:37 GMT", 0),
        ("Sun, 06 Nov 1994 08:00:00 GMT", 0),
        ("Mon, 07 Nov 1994 08:49:37 GMT", 21600),
        ("Sun, 06 Nov 1994 08:50:07", 0),
        ("Sun, 36 Nov 1994 08:50:07 GMT", 0),
    ],
)
def test_retry_after_date_is_read_by_the_platform_s_clock(until, seconds):
    assert wait_after(f"{SAID}\r\nRetry-After: {until}") == seconds


def test_retry_after_date_without_date_header_is_read_by_our_clock():
    assert 50 < wait_after(f"Retry-After: {http_date(time.time() + 60)}") <= 61


def wait_after(headers: str) -> int:
    """The seconds that an answer with these headers puts the event off."""
    with pytest.raises(DeliveryFailed) as failed:
        post(f"HTTP/1.1 429 Slow\r\n{headers}\r\nContent-Length: 0\r\n\r\n".encode())
    return failed.value.retry_after


def test_failure_s_reason_is_kept_short_and_printable():
    reason = str(DeliveryFailed("a\x00b\n" + "x" * 9000))
    assert reason.startswith("a\N{REPLACEMENT CHARACTER}b\N{REPLACEMENT CHARACTER}x")
    assert len(reason) == 300


def test_event_says_who_sends_it_and_authorizes_itself():
    with talking([b"HTTP/1.1 204 No Content\r\n\r\n"]) as talker:
        url = talker.url.replace("://", "://us%3fer:p%40ss%C3%A9@") + "?key=a%2Fb&x=%25"
        Platform(url=url, secret="", user_agent="pointshop/1").post(event_id="e", body=b"{}")
    ((_, request),) = talker.heard
    head = request.decode().partition("\r\n\r\n")[0].split("\r\n")
    assert head[0] == "POST /events?key=a%2Fb&x=%25 HTTP/1.1"
    assert "User-Agent: pointshop/1" in head
    assert f"Authorization: Basic {b64encode('us?er:p@ssé'.encode()).decode()}" in head


def test_path_that_is_no_ascii_is_percent_encoded():
    with talking([b"HTTP/1.1 204 No Content\r\n\r\n"]) as talker:
        url = talker.url + "/주문/%2F%zz[1]?q=é|%41"
        Platform(url=url, secret="", user_agent="x").post(event_id="e", body=b"{}")
    target = talker.heard[0][1].split()[1]
    assert target == b"/events/%EC%A3%BC%EB%AC%B8/%2F%25zz%5B1%5D?q=%C3%A9%7C%41"


def test_event_is_posted_to_an_ipv6_address():
    with talking([b"HTTP/1.1 204 No Content\r\n\r\n"], host="::1") as talker:
        Platform(url=talker.url, secret="", user_agent="x").post(event_id="e", body=b"{}")
    assert b"\r\nHost: [::1]:" in talker.heard[0][1]


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 2_00 OK\r\n\r\n",
        b"HTTP/1.1 +200 OK\r\n\r\n",
        b"HTTP/2 200\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1_0\r\n\r\n0123456789",
    ],
)
def test_answer_with_numbers_that_http_does_not_have_is_a_failed_attempt(answer):
    with pytest.raises(DeliveryFailed):
        post(answer)
