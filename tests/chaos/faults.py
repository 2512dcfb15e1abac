"""Breaking the shop as the schedule says, and mending it."""

import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

from django.db import connection

from tests.chaos.schedule import TRACKS, Fault
from tests.kit.shop import Part, Shop

# There is some traffic between two faults, even where mending took longer than planned.
CALM_SECONDS = 1


@dataclass(frozen=True)
class Stage:
    """The whole shop and the data platform."""

    shop: Shop
    platform: Part

    @property
    def parts(self) -> tuple[Part, ...]:
        """What is started after the servers."""
        return self.shop.web, self.shop.worker, self.shop.beat, self.platform

    def mend(self) -> None:
        """Start what does not run, and have the platform take events."""
        self.shop.start()
        self.platform.start()
        self.shop.platform.fail()


@contextmanager
def killed(part: Part) -> Iterator[None]:
    """`kill -9` to it and its children."""
    part.kill()
    yield
    part.start()


@contextmanager
def one_killed(part: Part) -> Iterator[None]:
    """`kill -9` to one of its children, which it replaces by itself."""
    part.kill_one_child()
    yield


@contextmanager
def restarted(part: Part) -> Iterator[None]:
    """SIGTERM, and a start some time after it has ended."""
    part.stop()
    yield
    part.start()


@contextmanager
def frozen(send: Callable[[signal.Signals], None]) -> Iterator[None]:
    """SIGSTOP, and SIGCONT later: alive, and mute."""
    send(signal.SIGSTOP)
    try:
        yield
    finally:
        send(signal.SIGCONT)


@contextmanager
def ended(end: Callable[[], object], mend: Callable[[], object]) -> Iterator[None]:
    """A server ended, and started later."""
    end()
    yield
    mend()


@contextmanager
def failing(stage: Stage, **faults: Any) -> Iterator[None]:
    """The platform fails."""
    stage.shop.platform.fail(**faults)
    yield
    stage.shop.platform.fail()


@contextmanager
def flushed(stage: Stage) -> Iterator[None]:
    """Redis forgets everything."""
    stage.shop.servers.redis().flushall()
    yield


@contextmanager
def everything_killed(stage: Stage) -> Iterator[None]:
    """What a power cut does."""
    stage.shop.servers.kill_redis()
    stage.shop.servers.crash_postgres()
    for part in stage.parts:
        part.kill()
    yield
    stage.shop.start()
    stage.platform.start()


BREAK: dict[str, Callable[[Stage], AbstractContextManager[None]]] = {
    "web killed": lambda stage: killed(stage.shop.web),
    "one web process killed": lambda stage: one_killed(stage.shop.web),
    "web restarted": lambda stage: restarted(stage.shop.web),
    "redis killed": lambda stage: ended(stage.shop.servers.kill_redis, stage.shop.servers.start),
    "redis frozen": lambda stage: frozen(stage.shop.servers.signal_redis),
    "redis flushed": flushed,
    "postgres crashed": lambda stage: ended(stage.shop.servers.crash_postgres, stage.shop.servers.start),
    "postgres frozen": lambda stage: frozen(stage.shop.servers.signal_postgres),
    "everything killed": everything_killed,
    "worker killed": lambda stage: killed(stage.shop.worker),
    "one worker process killed": lambda stage: one_killed(stage.shop.worker),
    "worker restarted": lambda stage: restarted(stage.shop.worker),
    "beat killed": lambda stage: killed(stage.shop.beat),
    "platform killed": lambda stage: killed(stage.platform),
    "platform frozen": lambda stage: frozen(stage.platform.send),
    "platform failing": lambda stage: failing(stage, status=500),
    "platform hanging": lambda stage: failing(stage, delay=6),
    "platform resetting": lambda stage: failing(stage, reset=True),
}


@dataclass(frozen=True)
class Happened:
    """A fault as it was: broken at `began`, mended (asked to start, and ready) from `mending` to `ended`."""

    kind: str
    planned_at: float
    began: float
    mending: float
    ended: float


class Trouble:
    """Both tracks of a schedule, played on a stage."""

    def __init__(self, stage: Stage, faults: Iterable[Fault], now: Callable[[], float]) -> None:
        self.stage = stage
        self.faults = list(faults)
        self.now = now
        self.happened: list[Happened] = []
        self.failures: list[str] = []
        # A power cut and a fault of the other track would start the same process twice.
        self._back = threading.Lock()

    @contextmanager
    def brewing(self) -> Iterator[None]:
        """Play it to its end, however long that takes; an exception in the block ends it sooner."""
        closing = threading.Event()
        threads = [threading.Thread(target=self._play, args=(track, closing)) for track in TRACKS]
        for thread in threads:
            thread.start()
        try:
            yield
        except BaseException:
            closing.set()
            raise
        finally:
            for thread in threads:
                thread.join()

    def _play(self, track: str, closing: threading.Event) -> None:
        for fault in self.faults:
            if fault.track == track and not closing.wait(max(CALM_SECONDS, fault.at - self.now())):
                self._break(fault, closing)
        connection.close()

    def _break(self, fault: Fault, closing: threading.Event) -> None:
        with ExitStack() as alone:
            if fault.track == "back" or fault.kind == "everything killed":
                alone.enter_context(self._back)
            began = mending = self.now()
            try:
                with BREAK[fault.kind](self.stage):
                    closing.wait(fault.seconds)
                    mending = self.now()
            except Exception as error:  # noqa: BLE001 - the run goes on, and fails at its end
                self.failures.append(f"{fault.kind} at {began:.1f} s was not mended: {error!r:.2000}")
            self.happened.append(Happened(fault.kind, fault.at, began, mending, self.now()))
