"""Log lines: for people in development; in production, where `make test-stack` reads them all, JSON."""

import json
import os
import re
import socket
import subprocess
import sys
from urllib.parse import urlsplit

import pytest

from config.logs import MAX_LINE, Line
from tests.kit import processes

# Ends of lines, an escape sequence, an override of direction, half a character; and a line that is not ours.
FORGERY = (
    'a\r\n{"event": "forged"}\n2026-01-01 [info     ] forged\x1b[2K\x00\u2028\u2029\x85\u202e\ud800\U0001f600'
)
SECRET = "a-secret/of 'the' shop"
LOGGERS = ("shop", "gunicorn.error", "celery.worker", "celery.task", "django.security", "waitress", "root")
SCRIPT = """
import logging, logging.config, sys, structlog
from config.logs import logging_config
logging.config.dictConfig(logging_config(readable={readable}))
text = {text!r}
for name in {names!r}:
    logging.getLogger(name).warning("says %s", text)
structlog.get_logger("ours").warning(text, path=text, number=10 ** 5000, what=[text], raw=b"\\n")
try:
    raise ValueError(text)
except ValueError:
    structlog.get_logger("ours").exception("bug")
    logging.getLogger("theirs").exception(text)
"""


def written(text: str, *, readable: bool, **environment: str) -> list[str]:
    """What every kind of logger writes about a text: its lines, as a terminal or a reader would tell them."""
    said = run(SCRIPT.format(readable=readable, text=text, names=LOGGERS), **environment)
    assert said.isascii()
    return said.decode().splitlines()


def run(script: str, **environment: str) -> bytes:
    done = subprocess.run(
        [sys.executable, "-"],
        input=script.encode(),
        cwd=processes.ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        check=True,
    )
    assert done.stdout == b""
    return done.stderr


def test_log_line_in_production_is_json_whatever_a_text_contains():
    lines = [json.loads(line) for line in written(FORGERY, readable=False)]
    assert len(lines) == len(LOGGERS) + 3
    assert {line["event"] for line in lines} == {f"says {FORGERY}", FORGERY, "bug"}


def test_plain_formatter_would_let_a_text_forge_a_line():
    script = f"import logging; logging.basicConfig(format='%(message)s'); logging.error({FORGERY!r})"
    assert '{"event": "forged"}' in run(script).decode().splitlines()


def test_log_text_in_development_begins_no_line_of_its_own():
    lines = written(FORGERY, readable=True)
    own = [line for line in lines if not line.startswith("    ")]
    assert len(own) == len(LOGGERS) + 3
    assert all(line.startswith("20") and ("[error" in line or "[warning" in line) for line in own)
    assert not any(character < " " or character == "\x7f" for line in lines for character in line)


@pytest.mark.parametrize(("character", "readable"), [("x", True), ("\n", True), ("\U0001f600", False)])
def test_long_text_is_cut_in_the_middle(character, readable):
    lines = written("begin" + character * 1_000_000 + "end", readable=readable)
    assert sum(map(len, lines)) <= (len(LOGGERS) + 3) * MAX_LINE
    assert all(len(line) <= MAX_LINE for line in lines)
    assert any("characters..." in line and "begin" in line and "end" in line for line in lines)


REFUSAL = """
import logging, logging.config
from config.logs import logging_config
logging.config.dictConfig(logging_config(readable=True))
logging.getLogger("django.security.DisallowedHost").error("Invalid HTTP_HOST", exc_info=ValueError("seen"))
logging.getLogger("django.request").error("a bug", exc_info=ValueError("seen"))
"""


def test_refusal_leaves_one_line_and_a_bug_its_trace():
    refusal, bug, *trace = run(REFUSAL).decode().splitlines()
    assert ("Invalid HTTP_HOST" in refusal, "a bug" in bug, "seen" in trace[-1]) == (True, True, True)


@pytest.mark.parametrize("readable", [False, True])
def test_secrets_of_the_environment_are_not_logged(readable):
    secrets = {
        "GATEWAY_SECRET": SECRET,
        "DATABASE_URL": "postgresql://shop:pass%2Fword@db/shop",
        "REDIS_URL": "unix:///run/redis.sock?password=redis-password",
        "OTEL_EXPORTER_OTLP_ENDPOINT": "https://shop:otlp-password@collector",
        "OTEL_EXPORTER_OTLP_HEADERS": "tenant=shop-tenant, authorization=Bearer%20otlp-token",
    }
    text = f"{SECRET} {secrets['DATABASE_URL']} pass/word redis-password otlp-password Bearer otlp-token"
    lines = "".join(written(text, readable=readable, **secrets))
    assert "***" in lines
    secret = ("a-secret", "pass%2Fword", "pass/word", "redis-password", "otlp")
    assert not any(each in lines for each in secret)


@pytest.mark.parametrize(
    "url",
    [
        "sentinel://:first-word@a;sentinel://:other-word@b/0",
        "https://a:first-word@b/x?mail=me@c&other_password=other-word",
        "redis://:first-word@other-word@a/0",
    ],
)
def test_every_password_of_a_url_is_a_secret(monkeypatch, url):
    monkeypatch.setattr(os, "environ", {"REDIS_URL": url})
    line = Line(render=lambda _logger, _name, event: event["event"])
    said = "first-word@other-word" if url.startswith("redis:") else "first-word, other-word"
    assert not re.search("first-word|other-word", line(None, "", {"event": said}))


def test_request_for_a_long_path_leaves_one_short_line(transactional_db, tmp_path):
    with processes.web(log=tmp_path / "web.log") as url:
        for host in ("localhost", "x" * 8000):
            path = "/nowhere" + "%0A%E2%80%A8" * 500
            request = f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
            with socket.create_connection((urlsplit(url).hostname, urlsplit(url).port)) as client:
                client.sendall(request.encode())
                assert client.recv(100).startswith(b"HTTP/1.1 4")
        lines = (tmp_path / "web.log").read_bytes().splitlines()
    assert all(line.isascii() and json.loads(line) and len(line) <= MAX_LINE for line in lines)
    assert any(b"characters..." in line and b'"request"' in line for line in lines)


def test_worker_writes_all_lines_in_the_form_of_the_shop(tmp_path):
    script = (
        "from config.celery import app; import django, logging; django.setup()"
        "; app.log.setup(loglevel='INFO', redirect_stdouts=True)"
        "; logging.getLogger('celery.task').info('a\\nb'); print('c')"
    )
    environment = {**processes.environment(), "DEBUG": "0"}
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, cwd=processes.ROOT, env=environment, capture_output=True, check=True)
    said = {json.loads(line)["event"] for line in done.stderr.splitlines()}
    assert said >= {"a\nb", "c"}


def test_web_server_in_development_logs_for_people(transactional_db, tmp_path):
    with processes.web(log=tmp_path / "web.log", DEBUG="1") as url:
        assert url
    lines = (tmp_path / "web.log").read_text().splitlines()
    assert any("[info     ] Listening at" in line for line in lines)
    assert not any(line.startswith("{") for line in lines)
