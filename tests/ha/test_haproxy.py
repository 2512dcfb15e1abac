"""deploy/ha/haproxy.cfg in a real HAProxy, in front of web hosts that are away."""

import re
import subprocess
from collections.abc import Iterator

import pytest
import urllib3

from tests.kit.client import Client
from tests.kit.ha.configurations import filled_in
from tests.kit.processes import ROOT, free_port, open_folder, until


@pytest.fixture(scope="module")
def balancer() -> Iterator[Client]:
    port, nobody = free_port(), free_port()
    with open_folder("haproxy") as folder:
        here = {
            ":443 ssl crt /etc/haproxy/tls/shop.pem alpn http/1.1": f"127.0.0.1:{port}",
            "/etc/haproxy/unavailable.json": str(ROOT / "deploy/ha/unavailable.json"),
            "/run/haproxy": str(folder),
            "app1:8000": f"127.0.0.1:{nobody}",
            "app2:8000": f"127.0.0.1:{nobody}",
        }
        file = folder / "haproxy.cfg"
        # Without the databases' listeners, whose hosts have no address here.
        file.write_text(re.sub(r"(?ms)^listen .*?(?=^frontend )", "", filled_in("haproxy.cfg", here)))
        running = subprocess.Popen(["/usr/sbin/haproxy", "-db", "-f", file])
        try:
            until(lambda: answers(port))
            yield Client(f"http://127.0.0.1:{port}")
        finally:
            running.terminate()
            running.wait(10)


def answers(port: int) -> bool:
    try:
        return bool(urllib3.request("GET", f"http://127.0.0.1:{port}/", retries=False).status)
    except urllib3.exceptions.HTTPError:
        return False


@pytest.mark.parametrize("sent", ['a","code":"paid","x":"\\', 'good,"', '",good', "a b", "x" * 65, ""])
def test_request_id_of_another_form_is_replaced(balancer: Client, sent: str) -> None:
    answer = balancer.get("products", headers={"X-Request-Id": sent})
    assert (answer.status, answer.code) == (503, "unavailable")
    assert re.fullmatch("[0-9a-f-]{36}", answer.json["request_id"])
    assert answer.headers["X-Request-Id"] == answer.json["request_id"]


def test_good_request_id_is_kept(balancer: Client) -> None:
    answer = balancer.get("products", headers={"X-Request-Id": "of-a_Client"})
    assert answer.json["request_id"] == answer.headers["X-Request-Id"] == "of-a_Client"
