"""The shop on the six machines of deploy/ha, in network namespaces."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from tests.chaos import faults
from tests.chaos.schedule import SEVERAL_MACHINES
from tests.kit.ha.network import OUTSIDE, Machine, apart
from tests.kit.ha.postgres import Cluster
from tests.kit.ha.topology import PLATFORM_PORT, Topology, open_topology
from tests.kit.platforms import Receiver
from tests.kit.processes import until
from tests.kit.shop import Part

SUCCESSION_SECONDS = 60


def _power_cut(machine: Machine) -> None:
    machine.pull_cable()
    machine.kill()


@dataclass(frozen=True)
class SeveralMachines:
    """The whole topology and the data platform.

    The faults behind break the first worker and beat, those in front never do, as two threads play them.
    """

    topology: Topology
    plan = SEVERAL_MACHINES
    longest_answer = 8.0

    @property
    def cluster(self) -> Cluster:
        return self.topology.cluster

    @property
    def url(self) -> str:
        return self.topology.url

    @property
    def ca(self) -> Path:
        return self.topology.ca

    @property
    def platform(self) -> Part:
        return self.topology.platform

    @property
    def receiver(self) -> Receiver:
        return Receiver(f"http://{OUTSIDE}:{PLATFORM_PORT}", self.taken)

    @property
    def taken(self) -> Path:
        return self.topology.taken

    def mend(self) -> None:
        self.topology.mend()
        self.receiver.fail()

    def _mend_databases(self) -> None:
        for machine in self.topology.databases:
            machine.plug_cable()
        self.topology.redises.start()
        self.cluster.start()

    @contextmanager
    def succeeded(self, break_primary: Callable[[Machine], None]) -> Iterator[None]:
        """Break the primary in one of several ways, so that a standby takes over."""
        old = self.cluster.primary()
        break_primary(old)
        self.cluster.wait_for_successor(old, seconds=SUCCESSION_SECONDS)
        yield
        self._mend_databases()

    @contextmanager
    def _partitioned(self) -> Iterator[None]:
        """The primary is cut off from the others, while clients reach it."""
        cluster = self.cluster
        old = cluster.primary()
        with apart(old, *cluster.standbys()):
            cluster.wait_for_successor(old, seconds=SUCCESSION_SECONDS)
            yield
        self._mend_databases()

    @contextmanager
    def _switched(self) -> Iterator[None]:
        self.cluster.switch_over()
        yield
        self.cluster.wait_until_whole()

    @contextmanager
    def _standby_killed(self) -> Iterator[None]:
        """The synchronous standby."""
        self.cluster.kill_postgres(self.cluster.synchronous_standby())
        yield
        self._mend_databases()

    @contextmanager
    def _redis_killed(self) -> Iterator[None]:
        master = until(self.topology.redises.master)
        master.kill([master.running["valkey"].pid])
        yield
        self.topology.redises.start()

    @contextmanager
    def _web_machine_killed(self) -> Iterator[None]:
        machine, parts = self.topology.apps[1], self.topology.parts
        machine.pull_cable()
        for name in ("web2", "worker2"):
            parts[name].kill()
        yield
        machine.plug_cable()
        for name in ("web2", "worker2"):
            parts[name].start()

    @contextmanager
    def _each_web_restarted(self) -> Iterator[None]:
        """Restart the web groups one at a time, as a deployment does."""
        for number in (1, 2):
            with self.topology.haproxy.taken_out(f"app{number}"):
                self.topology.parts[f"web{number}"].stop()
                self.topology.parts[f"web{number}"].start()
        yield

    breaks: ClassVar[dict[str, faults.Break]] = {
        "postgres primary killed": lambda stage: stage.succeeded(stage.cluster.kill_postgres),
        "postgres patroni killed": lambda stage: stage.succeeded(stage.cluster.kill_patroni),
        "postgres machine killed": lambda stage: stage.succeeded(_power_cut),
        "postgres machine unplugged": lambda stage: stage.succeeded(Machine.pull_cable),
        "postgres primary partitioned": _partitioned,
        "postgres primary switched": _switched,
        "postgres standby killed": _standby_killed,
        "redis master killed": _redis_killed,
        "web group killed": lambda stage: faults.killed(stage.topology.parts["web1"]),
        "web machine killed": _web_machine_killed,
        "each web restarted": _each_web_restarted,
        "worker killed": lambda stage: faults.killed(stage.topology.parts["worker1"]),
        "beat killed": lambda stage: faults.killed(stage.topology.parts["beat"]),
        **faults.PLATFORM_FAULTS,
    }


@contextmanager
def several_machines(folder: Path) -> Iterator[SeveralMachines]:
    """All machines, running. Raises NoNamespaces."""
    with open_topology(folder) as topology:
        yield SeveralMachines(topology)
