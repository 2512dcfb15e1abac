"""What counts as success, whatever else the platform says."""

import pytest

from orders.platform import DeliveryFailed, Platform
from tests.platforms import answering


def post(raw: bytes) -> None:
    with answering(raw) as url:
        Platform.at(url=url, secret="", connections=1).post(event_id="e", body=b"{}")


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
def test_any_whole_2xx_is_success_whatever_it_says(answer):
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
def test_anything_else_is_a_failed_attempt(answer):
    with pytest.raises(DeliveryFailed):
        post(answer)


@pytest.mark.parametrize(
    ("header", "seconds"), [("7", 7), ("999999999", 21600), ("soon", 0), ("-1", 0), ("١", 0)]
)
def test_the_wait_that_the_platform_asks_for_is_read_within_bounds(header, seconds):
    with pytest.raises(DeliveryFailed) as failed:
        post(f"HTTP/1.1 429 Slow\r\nRetry-After: {header}\r\nContent-Length: 0\r\n\r\n".encode())
    assert failed.value.retry_after == seconds
