"""The shop on one machine: its own servers and processes."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from core.embedded.servers import EmbeddedServices
from tests.chaos import faults
from tests.chaos.schedule import ONE_MACHINE
from tests.kit.platforms import SECRET, Receiver
from tests.kit.processes import free_port, until
from tests.kit.shop import Part, Shop, open_shop, own_servers


@dataclass(frozen=True)
class OneMachine:
    """The whole shop and the data platform."""

    shop: Shop
    platform: Part
    plan = ONE_MACHINE
    longest_answer = None  # of a database that is frozen
    ca = None

    @property
    def servers(self) -> EmbeddedServices:
        return self.shop.servers

    @property
    def url(self) -> str:
        return self.shop.http.url

    @property
    def receiver(self) -> Receiver:
        assert isinstance(self.shop.platform, Receiver)
        return self.shop.platform

    @property
    def taken(self) -> Path:
        return self.receiver.file

    def mend(self) -> None:
        self._start()
        self.receiver.fail()
        until(lambda: self.shop.answers("/readyz"))

    def _start(self) -> None:
        self.shop.start()
        self.platform.start()

    @contextmanager
    def _flushed(self) -> Iterator[None]:
        """Redis forgets everything."""
        self.servers.redis().flushall()
        yield

    @contextmanager
    def _everything_killed(self) -> Iterator[None]:
        """Kill every process at once, as a power cut does."""
        self.servers.kill_redis()
        self.servers.crash_postgres()
        for part in (self.shop.web, self.shop.worker, self.shop.beat, self.platform):
            part.kill()
        yield
        self._start()

    breaks: ClassVar[dict[str, faults.Break]] = {
        "web killed": lambda stage: faults.killed(stage.shop.web),
        "one web process killed": lambda stage: faults.one_killed(stage.shop.web),
        "web restarted": lambda stage: faults.restarted(stage.shop.web),
        "redis killed": lambda stage: faults.ended(stage.servers.kill_redis, stage.servers.start),
        "redis frozen": lambda stage: faults.frozen(stage.servers.signal_redis),
        "redis flushed": _flushed,
        "postgres crashed": lambda stage: faults.ended(stage.servers.crash_postgres, stage.servers.start),
        "postgres frozen": lambda stage: faults.frozen(stage.servers.signal_postgres),
        "everything killed": _everything_killed,
        "worker killed": lambda stage: faults.killed(stage.shop.worker),
        "one worker process killed": lambda stage: faults.one_killed(stage.shop.worker),
        "worker restarted": lambda stage: faults.restarted(stage.shop.worker),
        "beat killed": lambda stage: faults.killed(stage.shop.beat),
        **faults.PLATFORM_FAULTS,
    }


@contextmanager
def one_machine(folder: Path) -> Iterator[OneMachine]:
    """New servers, receiver and shop, all running."""
    platform, process = _platform(folder)
    try:
        with own_servers(folder) as servers:
            process.start()
            with open_shop(servers=servers, platform=platform, folder=folder) as shop:
                yield OneMachine(shop, process)
    finally:
        process.kill()


def _platform(folder: Path) -> tuple[Receiver, Part]:
    port, file = str(free_port()), folder / "events.jsonl"
    file.touch()
    process = Part(
        *("tests.kit.faulty_receiver", port, str(file)),
        log=folder / "receiver.log",
        ready=lambda log: b" land in " in log,
        DATA_PLATFORM_SECRET=SECRET,
    )
    return Receiver(f"http://127.0.0.1:{port}", file), process
