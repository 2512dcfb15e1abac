"""The local data platform over real HTTP."""

import json
import logging
import os
import resource
import signal
import socket
import stat
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import urllib3
from standardwebhooks import Webhook
from waitress import wasyncore

from local.receiver import EventLog, Receiver, server_of
from orders.outbox.platform import CONTENT_TYPE

ROOT = Path(__file__).resolve().parents[2]
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
# Makes the kernel send a reset instead of an orderly end.
RESET = struct.pack("ii", 1, 0)
KNOWS_SECRET = {"Authorization": f"Bearer {SECRET}"}
EVENT = {"specversion": "1.0", "id": "a-1", "source": "/orders", "type": "order.paid.v1", "subject": "7"}


@contextmanager
def receiving(file: Path, *, secret: str = SECRET) -> Iterator[str]:
    """The URL of a receiver that answers until the block ends."""
    listening = socket.create_server(("127.0.0.1", 0))
    server = server_of(Receiver(file=file, secret=secret), listening)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/events"
    finally:
        # Its loop ends with its last connection, and closes them itself; it may be awake to do so already.
        with suppress(OSError):
            server.trigger.pull_trigger(lambda: wasyncore.close_all(server._map))
        thread.join()
        server.task_dispatcher.shutdown()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "made" / "events.jsonl"


@pytest.fixture
def receiver(file: Path) -> Iterator[str]:
    with receiving(file) as url:
        yield url


def send(
    receiver: str, body: bytes, method: str = "POST", path: str = "/events", **headers: str
) -> urllib3.BaseHTTPResponse:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    url = receiver.replace("/events", path)
    with urllib3.PoolManager(retries=False, timeout=10) as http:
        return http.request(method, url, body=body, headers=named)


def post(
    receiver: str, *, secret: str = SECRET, at: float = 0, **changes: object
) -> urllib3.BaseHTTPResponse:
    """Post an event, signed as if `at` seconds from now."""
    event = {**EVENT, **changes}
    body = json.dumps(event, ensure_ascii=False).encode()
    moment = datetime.fromtimestamp(time.time() + at, tz=UTC)
    signature = Webhook(secret).sign(str(event["id"]), moment, body.decode())
    stamp = str(int(moment.timestamp()))
    signed = {"webhook_id": str(event["id"]), "webhook_timestamp": stamp, "webhook_signature": signature}
    return send(receiver, body, Content_Type=CONTENT_TYPE, **signed)


def connected(receiver: str) -> socket.socket:
    return socket.create_connection(("127.0.0.1", urlsplit(receiver).port or 0), timeout=10)


def lines(file: Path) -> list[Any]:
    return [json.loads(line) for line in file.read_text().splitlines()]


def test_signed_event_is_accepted_and_becomes_a_line(receiver: str, file: Path) -> None:
    assert post(receiver, data={"name": "아메리카노"}).status == 202
    assert lines(file) == [{**EVENT, "data": {"name": "아메리카노"}}]
    assert "아메리카노" in file.read_text()


def test_known_event_is_answered_200_and_written_once(receiver: str, file: Path) -> None:
    assert [post(receiver).status for _ in range(3)] == [202, 200, 200]
    assert len(lines(file)) == 1


def test_events_of_an_earlier_run_are_known(file: Path) -> None:
    for expected in (202, 200):
        with receiving(file) as receiver:
            assert post(receiver).status == expected
    assert len(lines(file)) == 1


def test_line_cut_short_by_a_crash_does_not_swallow_the_next(file: Path) -> None:
    file.parent.mkdir()
    file.write_text('{"specversion": "1.0", "id": "a-')
    with receiving(file) as receiver:
        assert post(receiver).status == 202
    assert json.loads(file.read_text().splitlines()[1]) == EVENT


def test_same_event_posted_by_many_at_once_is_written_once(receiver: str, file: Path) -> None:
    statuses: list[int] = []
    posts = [threading.Thread(target=lambda: statuses.append(post(receiver).status)) for _ in range(16)]
    for each in posts:
        each.start()
    for each in posts:
        each.join()
    assert sorted(statuses) == [200] * 15 + [202]
    assert len(lines(file)) == 1


def test_wrong_missing_or_old_signature_is_refused(receiver: str, file: Path) -> None:
    assert post(receiver, secret="whsec_" + "b" * 32).status == 401
    assert post(receiver, at=-600).status == 401
    assert send(receiver, json.dumps(EVENT).encode(), Content_Type=CONTENT_TYPE).status == 401
    garbled = {"webhook_id": "a-1", "webhook_timestamp": str(int(time.time())), "webhook_signature": "v1"}
    assert send(receiver, json.dumps(EVENT).encode(), Content_Type=CONTENT_TYPE, **garbled).status == 401
    assert not file.exists()


def test_event_without_a_secret_is_unsigned(file: Path) -> None:
    with receiving(file, secret="") as receiver:
        assert send(receiver, json.dumps(EVENT).encode(), Content_Type=CONTENT_TYPE).status == 202


@pytest.mark.parametrize("path", ["/events", "/"])
def test_page_without_the_secret_shows_nothing(file: Path, path: str) -> None:
    said = (
        {},
        {"Authorization": "Bearer "},
        {"Authorization": f"Bearer {SECRET}x"},
        {"Authorization": SECRET},
    )
    for secret in (SECRET, ""):
        with receiving(file, secret=secret) as receiver:
            answers = [send(receiver, b"", "GET", path, **each) for each in said]
            assert [answer.status for answer in answers] == [403] * len(said)


def test_file_and_its_folder_are_for_their_owner_alone_whatever_the_umask(file: Path) -> None:
    before = os.umask(0)
    try:
        with receiving(file) as receiver:
            post(receiver)
            assert (mode(file.parent), mode(file)) == (0o700, 0o600)
        file.chmod(0o644)  # as an older run left it
        with receiving(file):
            assert mode(file) == 0o600
    finally:
        os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


RUBBISH = [b"", b"{", b"[]", b"7", b"\xff", b"[" * 100_000, b"{}", json.dumps({**EVENT, "id": 7}).encode()]
RUBBISH += [
    json.dumps({**EVENT, **change}).encode()
    for change in ({"id": ""}, {"specversion": "0.3"}, {"id": "\ud800"})
]


@pytest.mark.parametrize("body", RUBBISH, ids=lambda body: repr(body[:30]))
def test_invalid_event_is_refused(file: Path, body: bytes) -> None:
    with receiving(file, secret="") as receiver:
        assert send(receiver, body, Content_Type=CONTENT_TYPE).status == 400
        assert post(receiver).status == 202


def test_id_that_is_not_the_signed_one_is_refused(receiver: str) -> None:
    body = json.dumps(EVENT)
    now = datetime.now(tz=UTC)
    signed = {"webhook_id": "b-2", "webhook_timestamp": str(int(now.timestamp()))}
    signed["webhook_signature"] = Webhook(SECRET).sign("b-2", now, body)
    assert send(receiver, body.encode(), Content_Type=CONTENT_TYPE, **signed).status == 400


def test_content_types_lengths_and_urls_of_other_kinds_are_refused(receiver: str) -> None:
    assert send(receiver, b"{}", Content_Type="application/json").status == 415
    assert send(receiver, b"x" * (1024 * 1024 + 1), Content_Type=CONTENT_TYPE).status == 413
    assert send(receiver, b"", Content_Type=CONTENT_TYPE, Content_Length="x").status == 400
    assert send(receiver, b"", Content_Type=CONTENT_TYPE, Content_Length="9" * 4_000).status == 413
    assert send(receiver, b"{}", path="/").status == 404


@pytest.mark.parametrize(
    ("length", "answer"),
    [("Content-Length: 500", b""), ("Content-Length: {0}\r\nContent-Length: {0}", b"HTTP/1.1 400 ")],
)
def test_body_that_breaks_off_or_has_two_lengths_is_refused(file: Path, length: str, answer: bytes) -> None:
    body = json.dumps(EVENT)
    head = f"POST /events HTTP/1.1\r\nContent-Type: {CONTENT_TYPE}\r\n{length.format(len(body))}\r\n\r\n"
    with receiving(file, secret="") as receiver, connected(receiver) as connection:
        connection.sendall((head + body).encode())
        connection.shutdown(socket.SHUT_WR)
        assert connection.recv(len("HTTP/1.1 400 ")) == answer
    assert not file.exists()


def test_client_that_hangs_up_half_way_leaves_no_trace(receiver: str, caplog: Any, capsys: Any) -> None:
    with connected(receiver) as connection:
        connection.sendall(b"POST /events HTTP/1.1\r\n")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    assert post(receiver).status == 202
    assert [record.message for record in caplog.records if record.levelno >= logging.WARNING] == []
    assert capsys.readouterr().err == ""


def test_page_shows_how_many_events_there_are_and_the_last_twenty(receiver: str) -> None:
    for number in range(25):
        post(receiver, id=f"e-{number}")
    shown = send(receiver, b"", method="GET", **KNOWS_SECRET).json()
    assert shown["count"] == 25
    assert [event["id"] for event in shown["last"]] == [f"e-{number}" for number in range(5, 25)]


def test_connection_carries_several_events(receiver: str) -> None:
    with urllib3.connection_from_url(receiver, retries=False) as pool:
        for _ in range(3):
            assert pool.request("GET", "/events", headers=KNOWS_SECRET).status == 200
        assert pool.num_connections == 1


def test_command_takes_events_until_sigterm(file: Path) -> None:
    with command("--port=0", f"--file={file}") as process:
        url = said(process).split()[3]
        assert urllib3.request("POST", url, body=b"{}", retries=False).status == 415
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=10) == 0


def test_command_says_when_its_port_is_taken(file: Path) -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as other,
        command(f"--port={other.getsockname()[1]}", f"--file={file}") as process,
    ):
        assert "Address already in use" in process.communicate()[0]
        assert process.returncode == 1


@contextmanager
def command(*options: str) -> Iterator["subprocess.Popen[str]"]:
    process = subprocess.Popen(
        [sys.executable, "manage.py", "receive_events", *options],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def said(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    return process.stdout.readline()


def test_event_for_which_there_is_half_the_room_is_not_taken(file: Path) -> None:
    log = EventLog(file=file)
    assert log.add(event=EVENT)
    size, (soft, hard) = file.stat().st_size, resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size + 20, hard))
    try:
        with pytest.raises(OSError, match="No space left"):
            log.add(event={**EVENT, "id": "a-2"})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert file.stat().st_size == size
    assert log.add(event={**EVENT, "id": "a-3"})
    assert EventLog(file=file).ids == {"a-1", "a-3"}
