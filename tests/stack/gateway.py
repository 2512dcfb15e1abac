"""deploy/nginx/pointshop.conf in a real nginx, with what stands around it."""

import json
import os
import ssl
import subprocess
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from http.client import HTTPResponse, HTTPSConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import urllib3

from tests.kit.client import Answer, Client
from tests.kit.compose import GIVEN
from tests.kit.processes import ROOT, free_port, until

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


class Silent(BaseHTTPRequestHandler):
    """Writes no log."""

    def log_message(self, *_: Any) -> None:
        pass


class Identity(Silent):
    """An identity service: the token, or the cookie, is the member's id."""

    def do_GET(self) -> None:
        token = self.headers.get("Authorization") or self.headers.get("Cookie", "")
        member = token.removeprefix("Bearer ").removeprefix("member=")
        refusal = 403 if member == "banned" else 401
        self.send_response(204 if not token or member.isdecimal() else refusal)
        if member.isdecimal():
            self.send_header("X-Member-Id", member)
        self.end_headers()


class Echo(Silent):
    """In the shop's place: what the gateway passed on."""

    def do_GET(self) -> None:
        body = json.dumps({"path": self.path, "headers": dict(self.headers)}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class Outside(Client):
    """Somebody on the internet."""

    def __init__(self, port: int, certificate: Path) -> None:
        super().__init__(f"https://127.0.0.1:{port}")
        name = {"assert_hostname": "shop.example", "server_hostname": "shop.example"}
        self.http = urllib3.PoolManager(ca_certs=str(certificate), retries=False, timeout=30, **name)
        self.port = port
        self.context = ssl.create_default_context(cafile=str(certificate))
        self.context.check_hostname = False

    def ask(
        self,
        path: str,
        *,
        method: str = "GET",
        member: int | str | None = None,
        headers: Mapping[str, str] = {},
    ) -> Answer:
        token = {} if member is None else {"Authorization": f"Bearer {member}"}
        return self.send(method, path, headers={"Host": "shop.example", **token, **headers})

    def connection(self) -> HTTPSConnection:
        """One that sends a path as it stands."""
        return HTTPSConnection("127.0.0.1", self.port, context=self.context, timeout=30)

    def ask_as_it_stands(self, path: str) -> Answer:
        connection = self.connection()
        connection.putrequest("GET", path, skip_host=True)
        connection.putheader("Host", "shop.example")
        connection.endheaders()
        response = connection.getresponse()
        answer = Answer(response.status, response.headers, response.read())
        connection.close()
        return answer

    def ask_by_lines(self, lines: Iterable[str]) -> Answer:
        """Send a request's head as it stands."""
        with closing(self.connection()) as connection:
            connection.connect()
            connection.sock.sendall("".join(f"{line}\r\n" for line in [*lines, ""]).encode())
            response = HTTPResponse(connection.sock)
            response.begin()
            return Answer(response.status, response.headers, response.read())


class Full(Silent):
    """In the shop's place: what its web server says before the shop has seen the request."""

    def do_GET(self) -> None:
        self.send_response(503)
        self.send_header("Retry-After", "5")
        self.send_header("Content-Length", "0")
        self.end_headers()


@contextmanager
def service(handler: type[BaseHTTPRequestHandler]) -> Iterator[int]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()


def make_files(folder: Path) -> None:
    """A certificate of our own and the gateway's secret."""
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=shop.example"]
    command += ["-keyout", str(folder / "shop.key"), "-out", str(folder / "shop.crt")]
    command += ["-addext", "subjectAltName=DNS:shop.example"]
    subprocess.run(command, check=True, capture_output=True)
    (folder / "secret").write_text(f'set $gateway_secret "{GIVEN["GATEWAY_SECRET"]}";\n')


def configured(folder: Path, ports: Mapping[str, int], example: str) -> Path:
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
    file = folder / f"nginx-{ports['https']}.conf"
    user = "user root;" if os.geteuid() == 0 else ""
    file.write_text(AROUND.format(folder=folder, user=user, example=altered(example, here)))
    return file


def altered(text: str, changes: Mapping[str, str]) -> str:
    """The text with each change made, which must find something to change."""
    for old, new in changes.items():
        assert old in text, old
        text = text.replace(old, new)
    return text


@contextmanager
def nginx(folder: Path, ports: Mapping[str, int], example: str = EXAMPLE) -> Iterator[Outside]:
    command = ["/usr/sbin/nginx", "-p", folder, "-c", configured(folder, ports, example)]
    subprocess.run([*command, "-t"], check=True, capture_output=True)
    running = subprocess.Popen(command)
    outside = Outside(ports["https"], folder / "shop.crt")
    try:
        until(lambda: answers(outside))
        yield outside
    finally:
        running.terminate()
        running.wait(10)


@contextmanager
def another(
    folder: Path, ports: Mapping[str, int], *, web: int | None = None, changes: Mapping[str, str] = {}
) -> Iterator[Outside]:
    """A gateway beside, perhaps in front of something else, with lines of the example replaced."""
    ports = {**ports, "http": free_port(), "https": free_port(), "web": web or ports["web"]}
    with nginx(folder, ports, altered(EXAMPLE, changes)) as running:
        yield running


def answers(outside: Outside) -> bool:
    try:
        return bool(outside.ask("/metrics").status)
    except urllib3.exceptions.HTTPError:
        return False
