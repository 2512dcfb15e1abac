"""`make run` to a paid order in the receiver's file, and Ctrl-C to nothing left, with Python alone."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

URL = "http://127.0.0.1:8000"
EVENTS = Path(".local/events.jsonl")


def until(condition: Callable[[], object], shop: "subprocess.Popen[bytes]", *, seconds: float) -> None:
    """Wait for a condition. Raises SystemExit once the shop has ended or the time is over."""
    deadline = time.monotonic() + seconds
    while not condition():
        if shop.poll() is not None or time.monotonic() > deadline:
            sys.exit(f"make run: exit code {shop.poll()}; not true: {condition.__name__}")
        time.sleep(0.2)


def ask(path: str, **body: object) -> Any:
    """What the shop answers: to a POST where there is a body. Raises OSError."""
    headers = {"Content-Type": "application/json", "X-User-Id": "1"}
    data = json.dumps(body).encode() if body else None
    asked = urllib.request.Request(f"{URL}/{path}", data, headers)  # noqa: S310 - its own http
    return json.load(urllib.request.urlopen(asked, timeout=30))  # noqa: S310


def is_open() -> bool:
    try:
        return ask("readyz")["status"] == "ok"
    except OSError:
        return False


def processes() -> dict[str, str]:
    """All that run here but this one and its ancestors, with their command lines."""
    ours = {"1", str(os.getpid()), str(os.getppid())}
    read = {path.parent.name: path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline")}
    return {pid: str(line.replace(b"\0", b" ")) for pid, line in read.items() if line and pid not in ours}


def main() -> None:
    """Raises SystemExit with what went wrong."""
    shop = subprocess.Popen(["make", "run"], start_new_session=True)
    until(is_open, shop, seconds=600)
    product = next(each for each in ask("api/v1/products")["results"] if each["stock"])
    ask("api/v1/points/charges", amount=product["price"])
    order = ask("api/v1/orders", items=[{"product_id": product["id"], "quantity": 1}])
    assert order["status"] == "paid", order

    def is_received() -> bool:
        lines = EVENTS.read_text().splitlines() if EVENTS.exists() else []
        return any(json.loads(line)["data"]["order_id"] == order["id"] for line in lines)

    until(is_received, shop, seconds=30)
    os.killpg(shop.pid, signal.SIGINT)
    shop.wait(timeout=60)
    if left := processes():
        sys.exit(f"Still running after Ctrl-C: {left}")


if __name__ == "__main__":
    main()
