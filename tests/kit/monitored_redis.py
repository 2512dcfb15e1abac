"""Two Redis, one of them the other's replica, and a Sentinel that promotes it."""

import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import redis

from core.embedded.servers import SERVICES
from tests.kit.processes import end, free_port, until

MASTER_NAME = "shop"
PASSWORD, SENTINEL_PASSWORD = "redis-word", "sentinel-word"


class MonitoredRedis:
    """Servers on loopback, each with a password, to kill and to freeze."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ports = [free_port(), free_port()]
        self.sentinel_port = free_port()
        self.running: dict[int, subprocess.Popen[bytes]] = {}

    @property
    def url(self) -> str:
        """Its URL for the shop; at the first Sentinel's address there is no listener."""
        return (
            f"sentinel://:{PASSWORD}@127.0.0.1:{free_port()};sentinel://127.0.0.1:{self.sentinel_port}/0"
            f"?master_name={MASTER_NAME}&sentinel_password={SENTINEL_PASSWORD}"
        )

    def start(self) -> None:
        """Start what does not run, and wait until a failover could follow."""
        for port in self.ports:
            if port not in self.running:
                self._start(port, *self._role(port))
        if self.sentinel_port not in self.running:
            self._start_sentinel()
        until(self._replica_is_ready, seconds=60)

    def stop(self) -> None:
        """End them all."""
        for process in self.running.values():
            with suppress(ProcessLookupError):
                process.send_signal(signal.SIGCONT)
            end(process)

    def master_port(self) -> int:
        """Where Sentinel says that the master is."""
        return int(self.sentinel().sentinel_get_master_addr_by_name(MASTER_NAME)[1])

    def client(self, port: int) -> "redis.Redis[bytes]":
        """One that asks this server and no other, for a second at most."""
        return redis.Redis(
            port=port, password=PASSWORD, socket_timeout=1, socket_connect_timeout=1, retry=None
        )

    def sentinel(self) -> "redis.Redis[bytes]":
        """One that asks the Sentinel."""
        return redis.Redis(port=self.sentinel_port, password=SENTINEL_PASSWORD, retry=None)

    def kill(self, port: int) -> None:
        """End a server with all that it holds."""
        process = self.running.pop(port)
        process.kill()
        process.wait()

    def freeze(self, port: int) -> None:
        """Let it keep its connections and say nothing."""
        self.running[port].send_signal(signal.SIGSTOP)

    def thaw(self, port: int) -> None:
        """Let it go on."""
        self.running[port].send_signal(signal.SIGCONT)

    def _role(self, port: int) -> list[str]:
        master = self.master_port() if self.sentinel_port in self.running else self.ports[0]
        return [] if master == port else [f"replicaof 127.0.0.1 {master}"]

    def _start(self, port: int, *lines: str) -> None:
        secrets = [f"requirepass {PASSWORD}", f"masterauth {PASSWORD}"]
        self._run(port, "redis", *secrets, 'save ""', "repl-diskless-sync-delay 0", *lines)
        until(lambda: self._answers(port))

    def _start_sentinel(self) -> None:
        self._run(
            self.sentinel_port,
            "sentinel",
            f"requirepass {SENTINEL_PASSWORD}",
            f"sentinel monitor {MASTER_NAME} 127.0.0.1 {self.ports[0]} 1",
            f"sentinel auth-pass {MASTER_NAME} {PASSWORD}",
            f"sentinel down-after-milliseconds {MASTER_NAME} 500",
            f"sentinel failover-timeout {MASTER_NAME} 1000",
        )

    def _run(self, port: int, kind: str, *lines: str) -> None:
        configuration = self.folder / f"{kind}-{port}.conf"
        configuration.write_text(
            "\n".join([f"port {port}", "bind 127.0.0.1", f"dir {self.folder}", *lines, ""])
        )
        options = ["--sentinel"] if kind == "sentinel" else []
        with (self.folder / f"{kind}-{port}.log").open("ab") as log:
            self.running[port] = subprocess.Popen(
                [SERVICES.programs.redis(), configuration, *options], cwd=self.folder, stdout=log, stderr=log
            )

    def _answers(self, port: int) -> bool:
        try:
            return bool(self.client(port).ping())
        except redis.RedisError:
            return False

    def _replica_is_ready(self) -> bool:
        try:
            master = self.sentinel().sentinel_masters()[MASTER_NAME]
            (replica,) = self.sentinel().sentinel_slaves(MASTER_NAME)
            link = self.client(replica["port"]).info("replication")["master_link_status"]
        except (redis.RedisError, ValueError, KeyError):
            return False
        return (master["flags"], replica["flags"], link) == ("master", "slave", "up")


@contextmanager
def monitored_redis(folder: Path) -> Iterator[MonitoredRedis]:
    """The three of them until the block ends."""
    made = MonitoredRedis(folder)
    try:
        made.start()
        yield made
    finally:
        made.stop()
