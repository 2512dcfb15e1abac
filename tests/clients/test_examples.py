"""The examples, as their README runs them: purchases and receivers in two languages."""

import shutil
import socket
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
import urllib3

from products.factories import ProductFactory
from tests.clients import tools
from tests.clients.conftest import Market
from tests.clients.tools import INSTALLED, MODULES, PYTHON
from tests.kit.platforms import SECRET, delivering_to
from tests.kit.processes import ROOT, end, free_port, until
from tests.kit.scenes import buyer
from users.factories import UserFactory

EXAMPLES = ROOT / "examples"


@pytest.fixture
def python(market: Market, folder: Path) -> Path:
    """The Python examples with their generated client."""
    place = folder / "example-python"
    if not place.exists():
        shutil.copytree(EXAMPLES / "python", place)
        generate = (tools.python_tool("openapi-python-client"), "generate", "--path", market.document)
        tools.run(*generate, "--output-path", "client", folder=place)
    return place


@pytest.fixture
def typescript(market: Market, folder: Path) -> Path:
    """The TypeScript examples, compiled against their generated types."""
    place = folder / "example-typescript"
    if not place.exists():
        shutil.copytree(EXAMPLES / "typescript", place)
        (place / "node_modules").symlink_to(MODULES)
        tools.run(tools.npm("openapi-typescript"), market.document, "--output", "schema.ts", folder=place)
        tools.run(tools.npm("tsc"), folder=place)
    return place


def check_purchase(output: str) -> None:
    product, order, refusal = output.splitlines()
    assert product.endswith(": 4500 won, 5 left")
    assert order.endswith(": paid 4500 won, 4500 left")
    assert refusal == "refused: only 4 left"


def test_python_purchase(market: Market, python: Path) -> None:
    ProductFactory(price=4500, stock=5)
    arguments = (market.http.url, str(UserFactory().pk))
    check_purchase(
        tools.run(PYTHON, "purchase.py", *arguments, folder=python, PYTHONPATH="client", LANG="C.UTF-8")
    )


def test_typescript_purchase(market: Market, typescript: Path) -> None:
    ProductFactory(price=4500, stock=5)
    check_purchase(
        tools.run("node", "purchase.js", market.http.url, str(UserFactory().pk), folder=typescript)
    )


@contextmanager
def receiving(*command: str, folder: Path, logs: Path) -> Iterator[tuple[str, Path]]:
    """A receiver of the examples; its URL and what it prints."""
    port, log = free_port(), logs / f"{Path(command[-1]).name}.log"
    env = {"DATA_PLATFORM_SECRET": SECRET, "PATH": "/usr/local/bin:/usr/bin:/bin"}
    url = f"http://127.0.0.1:{port}/events"
    with log.open("ab") as output:
        running = subprocess.Popen([*command, str(port)], cwd=folder, env=env, stdout=output, stderr=output)
    try:
        until(lambda: status_of_a_forged_event(url) == 401)
        yield url, log
    finally:
        end(running)


def status_of_a_forged_event(url: str) -> int:
    """What a receiver answers to an event that the shop did not sign; 0 while nobody listens."""
    headers = {"webhook-id": "1", "webhook-timestamp": "1", "webhook-signature": "v1,AAAA"}
    try:
        return urllib3.request("POST", url, body=b'{"id": "1"}', headers=headers, timeout=5).status
    except urllib3.exceptions.HTTPError:
        return 0


def break_off(url: str, *, head: str = "", body: bytes = b"abc") -> None:
    """Post, and hang up; the receiver may have done so before."""
    host, port = urllib3.util.parse_url(url).netloc.split(":")
    lines = ("POST /events HTTP/1.1", f"Host: {host}", *filter(None, [head]), "", "")
    with socket.create_connection((host, int(port)), timeout=20) as sender, suppress(OSError):
        sender.sendall("\r\n".join(lines).encode() + body)
        sender.shutdown(socket.SHUT_WR)
        while sender.recv(4096):
            pass


def check_receiver(market: Market, command: Sequence[str], folder: Path, logs: Path) -> None:
    """A paid order is printed once, whatever others posted before."""
    with receiving(*command, folder=folder, logs=logs) as (url, log), delivering_to(url, logs):
        break_off(url, head="Content-Length: 100")
        break_off(url, head="Content-Length: many")
        break_off(url)
        break_off(url, head="Content-Length: 2000000", body=b"a" * 2_000_000)
        assert status_of_a_forged_event(url) == 401
        assert "Traceback" not in log.read_text()
        order = market.http.order(buyer(market.http, points=10_000), {ProductFactory(price=4500).pk: 2}).json
        until(lambda: f"order {order['id']}: 9000 won\n" in log.read_text())
        assert log.read_text().count("order ") == 1


def test_python_receiver(market: Market, python: Path, logs: Path) -> None:
    tools.require(INSTALLED / "bin" / "python")
    check_receiver(market, (str(PYTHON), "receiver.py"), python, logs)


def test_typescript_receiver(market: Market, typescript: Path, logs: Path) -> None:
    check_receiver(market, ("node", "receiver.js"), typescript, logs)
