"""A tiny WSGI application that shows what the web server made of a request."""

import json
import os
import threading
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from wsgiref.types import StartResponse, WSGIEnvironment

from core.http import waitress_worker

if seconds := os.environ.get("IDLE_SECONDS"):
    waitress_worker.IDLE_SECONDS = int(seconds)


def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Echo the request as JSON; `/big` answers 8 MiB, `/huge` 64 MiB, `/crash` raises.

    `/wait?<path>` first makes `<path>.begun`, then waits for `<path>`, at most 30 s.
    """
    match environ["PATH_INFO"]:
        case "/wait":
            wait_for(Path(environ["QUERY_STRING"]))
        case "/crash":
            raise RuntimeError("a secret of the application")
        case "/big":
            start_response("200 OK", [("Content-Length", str(8 * 1024 * 1024))])
            return [b"x" * 1024 * 1024] * 8
        case "/huge":
            start_response("200 OK", [("Content-Length", str(64 * 1024 * 1024))])
            return [b"x" * 1024 * 1024] * 64
    body = json.dumps(describe(environ)).encode()
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
    return [body]


def describe(environ: WSGIEnvironment) -> dict[str, Any]:
    return {
        "headers": {name: value for name, value in environ.items() if name.startswith("HTTP_")},
        "body": environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0)).decode("latin-1"),
        "pid": os.getpid(),
        "thread": threading.get_native_id(),
        "scheme": environ["wsgi.url_scheme"],
        "client": environ["REMOTE_ADDR"],
    }


def wait_for(release: Path) -> None:
    release.with_suffix(".begun").touch()
    deadline = time.monotonic() + 30
    while not release.exists() and time.monotonic() < deadline:
        time.sleep(0.01)
