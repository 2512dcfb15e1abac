"""HAProxy on the balancer, as deploy/ha sets it up."""

import csv
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.kit.ha.configurations import write
from tests.kit.ha.network import Machine
from tests.kit.ha.redis_sentinel import PASSWORD
from tests.kit.processes import ROOT, until


@dataclass
class HAProxy:
    """The balancer's program; its certificate is made when it starts."""

    machine: Machine
    folder: Path

    @property
    def ca(self) -> Path:
        """Whom clients of the shop trust."""
        return self.folder / "tls" / "shop.crt"

    def start(self) -> None:
        tls = self.folder / "tls"
        tls.mkdir(exist_ok=True)
        name = f"subjectAltName=IP:{self.machine.address}"
        new = ("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=shop")
        files = ("-keyout", tls / "shop.key", "-out", self.ca, "-addext", name)
        subprocess.run(["openssl", *new, *files], check=True, capture_output=True)
        (tls / "shop.pem").write_text(self.ca.read_text() + (tls / "shop.key").read_text())
        place = self.folder / self.machine.name
        changes = {
            "/etc/haproxy/tls": str(tls),
            "/etc/haproxy/unavailable.json": str(ROOT / "deploy/ha/unavailable.json"),
            "/run/haproxy": str(place),
            "change-me": PASSWORD,
        }
        file = write(place, "haproxy.cfg", changes)
        log = self.folder / "haproxy.log"
        self.machine.start("haproxy", "haproxy", "-db", "-f", file, log=log, as_root=True)

    @contextmanager
    def taken_out(self, app: str) -> Iterator[None]:
        """Inside the block the balancer sends this machine nothing, and has an answer to all that it sent."""
        self._tell(f"set server web/{app} state drain")
        until(lambda: self._is(app, "scur", "0"))
        yield
        self._tell(f"set server web/{app} state ready")
        until(lambda: self._is(app, "status", "UP"))

    def _is(self, app: str, column: str, value: str) -> bool:
        """What HAProxy says of a web host."""
        rows = csv.DictReader(self._tell("show stat").removeprefix("# ").splitlines())
        return next(row[column] for row in rows if (row["pxname"], row["svname"]) == ("web", app)) == value

    def _tell(self, command: str) -> str:
        with socket.socket(socket.AF_UNIX) as asked:
            asked.connect(str(self.folder / self.machine.name / "admin.sock"))
            asked.sendall(command.encode() + b"\n")
            return asked.makefile().read()
