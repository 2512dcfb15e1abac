"""deploy/nginx/pointshop.conf in a real nginx, in front of the running stack."""

import os
import re
import subprocess
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import urllib3

from tests.client import Answer, Client
from tests.processes import ROOT, free_port, until
from tests.stack.compose import GIVEN
from tests.stack.machine import Machine

EXAMPLE = (ROOT / "deploy/nginx/pointshop.conf").read_text()
AROUND = """
daemon off;
worker_processes 1;
{user}
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    {example}
}}
"""
FORGED = [
    {"X-User-Id": "7"},
    {"X_User_Id": "7"},
    {"x-user-id": "7", "X-Gateway-Secret": GIVEN["GATEWAY_SECRET"]},
    {"X_User_Id": "7", "X_Gateway_Secret": GIVEN["GATEWAY_SECRET"]},
]


class Identity(BaseHTTPRequestHandler):
    """An identity service: the token is the member's id."""

    def do_GET(self) -> None:
        token = self.headers.get("Authorization", "")
        member = token.removeprefix("Bearer ")
        self.send_response(204 if not token or member.isdecimal() else 401)
        if member.isdecimal():
            self.send_header("X-Member-Id", member)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        pass


class Outside(Client):
    """Somebody on the internet."""

    def __init__(self, port: int, certificate: Path) -> None:
        super().__init__(f"https://127.0.0.1:{port}")
        name = {"assert_hostname": "shop.example", "server_hostname": "shop.example"}
        self.http = urllib3.PoolManager(ca_certs=str(certificate), retries=False, timeout=30, **name)

    def ask(self, path: str, *, member: int | str | None = None, headers: Mapping[str, str] = {}) -> Answer:
        token = {} if member is None else {"Authorization": f"Bearer {member}"}
        return self.get(path, headers={"Host": "shop.example", **token, **headers})


@contextmanager
def identity_service() -> Iterator[int]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Identity)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()


def configured(folder: Path, ports: Mapping[str, int], example: str = EXAMPLE) -> Path:
    """The example as it stands, with its ports and files on this machine."""
    here = {
        "listen 80;": f"listen 127.0.0.1:{ports['http']};",
        "listen 443 ssl;": f"listen 127.0.0.1:{ports['https']} ssl;",
        "127.0.0.1:8000": f"127.0.0.1:{ports['web']}",
        "127.0.0.1:9000": f"127.0.0.1:{ports['identity']}",
        "/etc/nginx/tls/shop.example": str(folder / "shop"),
        "/etc/nginx/pointshop.secret": str(folder / "secret"),
        "/var/log/nginx": str(folder),
    }
    for theirs, ours in here.items():
        assert theirs in example, theirs
        example = example.replace(theirs, ours)
    file = folder / "nginx.conf"
    user = "user root;" if os.geteuid() == 0 else ""
    file.write_text(AROUND.format(folder=folder, user=user, example=example))
    return file


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A certificate of our own and the gateway's secret."""
    made = tmp_path_factory.mktemp("nginx")
    key = ["-newkey", "rsa:2048", "-nodes", "-keyout", made / "shop.key", "-out", made / "shop.crt"]
    subprocess.run(
        [
            "openssl",
            "req",
            "-x509",
            *key,
            "-subj",
            "/CN=shop.example",
            "-addext",
            "subjectAltName=DNS:shop.example",
        ],
        check=True,
        capture_output=True,
    )
    (made / "secret").write_text(f'set $gateway_secret "{GIVEN["GATEWAY_SECRET"]}";\n')
    return made


@contextmanager
def nginx(folder: Path, ports: Mapping[str, int], example: str = EXAMPLE) -> Iterator[Outside]:
    file = configured(folder, ports, example)
    command = ["/usr/sbin/nginx", "-p", folder, "-c", file]
    subprocess.run([*command, "-t"], check=True, capture_output=True)
    running = subprocess.Popen(command)
    outside = Outside(ports["https"], folder / "shop.crt")
    try:
        until(lambda: answers(outside))
        yield outside
    finally:
        running.terminate()
        running.wait(10)


def answers(outside: Outside) -> bool:
    try:
        return bool(outside.ask("/metrics").status)
    except urllib3.exceptions.HTTPError:
        return False


@pytest.fixture(scope="module")
def ports(stack: Machine) -> Iterator[dict[str, int]]:
    with identity_service() as identity:
        yield {
            "http": free_port(),
            "https": free_port(),
            "web": stack.port("web"),
            "identity": identity,
        }


@pytest.fixture(scope="module")
def outside(folder: Path, ports) -> Iterator[Outside]:
    with nginx(folder, ports) as running:
        yield running


def test_a_member_is_who_the_identity_service_says(outside: Outside):
    assert outside.ask("points", member=3).json["user_id"] == 3
    assert outside.ask("points", member=4).json["user_id"] == 4


@pytest.mark.parametrize("forged", FORGED, ids=repr)
def test_nobody_becomes_a_member_by_a_header(outside: Outside, forged):
    assert outside.ask("points", headers=forged).code == "not_registered"
    assert outside.ask("points", member="wrong", headers=forged).code == "not_registered"
    assert outside.ask("points", member=3, headers=forged).json["user_id"] == 3


def test_a_gateway_that_passed_the_header_on_would_be_noticed(folder, ports):
    careless = re.sub(r"proxy_set_header X-User-Id \$member;", "", EXAMPLE)
    ports = {**ports, "http": free_port(), "https": free_port()}
    with nginx(folder, ports, careless) as open_door:
        assert open_door.ask("points", headers={"X-User-Id": "7"}).json["user_id"] == 7


def test_visitors_see_what_is_public(outside: Outside):
    assert outside.ask("products").status == 200
    assert outside.ask("products", member="wrong").status == 200
    assert outside.ask("/api/docs").status == 200


def test_what_is_for_operators_is_not_there_outside(outside: Outside):
    assert {outside.ask(path).status for path in ("/metrics", "/readyz", "/livez", "/_identity")} == {404}


def test_a_request_keeps_its_id_if_it_has_a_good_one(outside: Outside):
    assert (
        outside.ask("products", headers={"X-Request-Id": "of-a-client"}).headers["X-Request-Id"]
        == "of-a-client"
    )
    made = outside.ask("products", headers={"X-Request-Id": 'no "good" id'}).headers["X-Request-Id"]
    assert re.fullmatch("[0-9a-f]{32}", made)


def test_the_shop_words_its_own_refusals(outside: Outside):
    body = b'{"amount": ' + b" " * 70_000 + b"1}"
    token = {"Authorization": "Bearer 3", "Host": "shop.example", "Content-Type": "application/json"}
    assert outside.send("POST", "points/charges", body=body, headers=token).code == "too_large"


def test_a_shop_that_is_away_is_a_problem_with_a_time_to_come_back(folder, ports):
    gone = {**ports, "http": free_port(), "https": free_port(), "web": free_port()}
    with nginx(folder, gone) as outside:
        answer = outside.ask("products")
        assert (answer.code, answer.headers["Retry-After"]) == ("unavailable", "2")


def test_plain_http_is_sent_to_tls(outside: Outside, ports):
    answer = urllib3.request("GET", f"http://127.0.0.1:{ports['http']}/api/v1/products", redirect=False)
    assert answer.status == 308
    assert answer.headers["Location"].startswith("https://")
