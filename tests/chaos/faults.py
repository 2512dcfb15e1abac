"""The faults of a schedule: break the shop, and mend it."""

import signal
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from django.db import connection

from tests.chaos.schedule import Fault, Plan
from tests.kit.platforms import Receiver
from tests.kit.shop import Part

Break = Callable[[Any], AbstractContextManager[None]]

# The least time between two faults, also where mending took longer than planned.
CALM_SECONDS = 1


class Stage(Protocol):
    """A topology under test, with the data platform: how to break and mend its parts.

    `breaks` has for each kind of fault a block of such a stage: broken at its begin, mended at its end.
    `longest_answer` is in seconds; `ca` is whom clients trust.
    """

    plan: Plan
    longest_answer: float | None
    ca: Path | None
    platform: Part
    breaks: Mapping[str, Break]

    @property
    def url(self) -> str: ...

    @property
    def taken(self) -> Path: ...

    @property
    def receiver(self) -> Receiver: ...

    def mend(self) -> None:
        """Start what does not run, have the platform take events, and wait until the shop is ready."""


@contextmanager
def killed(part: Part) -> Iterator[None]:
    """`kill -9` to it and its children."""
    part.kill()
    yield
    part.start()


@contextmanager
def one_killed(part: Part) -> Iterator[None]:
    """`kill -9` to one of its child processes, which the parent starts again."""
    part.kill_one_child()
    yield


@contextmanager
def restarted(part: Part) -> Iterator[None]:
    """SIGTERM, and a start some time after the process has ended."""
    part.stop()
    yield
    part.start()


@contextmanager
def frozen(send: Callable[[signal.Signals], None]) -> Iterator[None]:
    """SIGSTOP, and SIGCONT later: the process is alive but does not answer."""
    send(signal.SIGSTOP)
    try:
        yield
    finally:
        send(signal.SIGCONT)


@contextmanager
def ended(end: Callable[[], object], mend: Callable[[], object]) -> Iterator[None]:
    """Stop a server, and start it later."""
    end()
    yield
    mend()


@contextmanager
def failing(receiver: Receiver, **faults: Any) -> Iterator[None]:
    """The platform fails."""
    receiver.fail(**faults)
    yield
    receiver.fail()


# The data platform's, in every topology.
PLATFORM_FAULTS: dict[str, Break] = {
    "platform killed": lambda stage: killed(stage.platform),
    "platform frozen": lambda stage: frozen(stage.platform.send),
    "platform failing": lambda stage: failing(stage.receiver, status=500),
    "platform hanging": lambda stage: failing(stage.receiver, delay=6),
    "platform resetting": lambda stage: failing(stage.receiver, reset=True),
}


@dataclass(frozen=True)
class Happened:
    """A fault that happened: broken at `began`; started again at `mending`, ready at `ended`."""

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
        """Play the schedule to its end; an exception in the block ends it sooner."""
        closing = threading.Event()
        threads = [
            threading.Thread(target=self._play, args=(track, closing)) for track in self.stage.plan.tracks
        ]
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
                with self.stage.breaks[fault.kind](self.stage):
                    closing.wait(fault.seconds)
                    mending = self.now()
            except Exception as error:  # noqa: BLE001 - the run goes on, and fails at its end
                self.failures.append(f"{fault.kind} at {began:.1f} s was not mended: {error!r:.2000}")
            self.happened.append(Happened(fault.kind, fault.at, began, mending, self.now()))
