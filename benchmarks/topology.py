"""python -m benchmarks.topology: what the steps of docs/scaling.md cost and bring, in turn on one machine.

Each kind of shop answers in turn: one web host and a worker, the same behind pgbouncer, two web hosts and two
workers. Then the same reads by a session of the primary's and of a standby's. Processor time an operation is
the figure; a second host on the same processors cannot bring more answers.
"""

import argparse
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
django.setup()

from django.db import connections  # noqa: E402

from backoffice.spreadsheets.exports import make_file  # noqa: E402
from benchmarks.clients import ROOT, Measured, send  # noqa: E402
from benchmarks.load import Plan  # noqa: E402
from benchmarks.processors import spent  # noqa: E402
from benchmarks.rows import COUNTS  # noqa: E402
from benchmarks.scenarios import CREATED, READ, Scenario  # noqa: E402
from benchmarks.stand import Stand, stand  # noqa: E402
from core.db.audit import audit  # noqa: E402
from core.db.replica import PASSED_OVER, REPLICA, read_from_replica  # noqa: E402
from core.embedded.accounts import accounts_for  # noqa: E402
from core.embedded.processes import pids  # noqa: E402
from products.models import Product  # noqa: E402
from products.spreadsheets import ProductSpreadsheet  # noqa: E402
from rankings.selectors import best_sellers  # noqa: E402
from tests.kit.invariants import wrongs  # noqa: E402
from tests.kit.processes import free_port, open_folder, until  # noqa: E402
from tests.kit.shop import Part  # noqa: E402
from tests.kit.standby import open_standby  # noqa: E402


def export() -> int:
    columns = [*ProductSpreadsheet().columns]
    file = make_file(columns=columns, rows=Product.objects.order_by("pk"), is_xlsx=False)
    file.content.close()
    return file.size


SCENARIOS = (
    Scenario("orders", "order of two lines", 16, CREATED, delivered=True),
    Scenario("charges", "charge", 16, CREATED),
    Scenario("product", "product", 16, READ),
)
READS: dict[str, tuple[int, Callable[[], object]]] = {
    "best sellers": (200, lambda: read_from_replica(lambda: best_sellers(days=3, size=5))),
    "export of 1,000 products": (20, export),
    "audit of 21,000 orders": (1, audit),
}
EXAMPLE = ROOT / "deploy/pgbouncer/pgbouncer.ini"


@dataclass
class Kind:
    """A kind of shop: its web hosts and its workers, and what else stands between."""

    name: str
    webs: list[Part]
    workers: list[Part]
    others: dict[str, int]

    def cpu(self, postgres: int) -> dict[str, float]:
        """Processor seconds spent so far, by group."""
        groups = {"web": self.webs, "worker": self.workers}
        own = {
            name: sum(spent(part.running.pid) for part in parts if part.running)
            for name, parts in groups.items()
        }
        return {**own, "postgres": spent(postgres), **{name: spent(pid) for name, pid in self.others.items()}}

    def ask(self, scenario: Scenario, seconds: float) -> list[Measured]:
        """As many clients for each web host, at the same time; what each host's were answered."""
        plans = [
            Plan(
                f"http://127.0.0.1:{web.env['PORT']}",
                scenario.traffic,
                scenario.clients // len(self.webs),
                seconds,
                options=COUNTS,
            )
            for web in self.webs
        ]
        with ThreadPoolExecutor(len(plans)) as pool:
            return [*pool.map(send, plans)]


@contextmanager
def pgbouncer(here: Stand, folder: Path) -> Iterator[tuple[int, int]]:
    """The example in front of the server of this machine; its port and pid."""
    changes = {
        "host=postgres port=5432": f"host={here.servers.embedded.socket_dir} port=5432 user=postgres",
        "listen_addr = *": "listen_addr = 127.0.0.1",
        "listen_port = 6432": f"listen_port = {(port := free_port())}",
        "auth_type = scram-sha-256": "auth_type = any",
        "auth_file = /etc/pgbouncer/userlist.txt\n": "",
    }
    text = EXAMPLE.read_text()
    for theirs, ours in changes.items():
        assert theirs in text, theirs
        text = text.replace(theirs, ours)
    file, log = folder / "pgbouncer.ini", folder / "pgbouncer.log"
    file.write_text(text + "unix_socket_dir =\n")
    owner = here.servers.embedded.data.stat().st_uid
    account = next(each for each in accounts_for(here.servers.embedded.root) if each.uid == owner)
    command = [*account.prefix, "/usr/sbin/pgbouncer", file]
    who = {"user": account.uid, "group": account.gid, "extra_groups": ()}
    with log.open("wb") as output:
        running = subprocess.Popen(command, stdout=output, stderr=output, **who)
    try:
        until(lambda: b"process up" in log.read_bytes())
        yield port, running.pid
    finally:
        running.terminate()
        running.wait(10)


def another_web(here: Stand, name: str, **env: str) -> Part:
    """A web host like the stand's, on a port of its own."""
    shop, port = here.shop, str(free_port())
    folder = shop.folder / name
    folder.mkdir()
    own = {**shop.web.env, "PORT": port, "PROMETHEUS_MULTIPROC_DIR": str(folder), **env}
    log = shop.folder / f"{name}.log"
    return Part(*shop.web.command, log=log, ready=lambda said: b"Booting worker" in said, **own)


@contextmanager
def kinds(here: Stand, folder: Path) -> Iterator[list[Kind]]:
    """Every kind, with all but the second worker running."""
    shop = here.shop
    with pgbouncer(here, folder) as (port, pid):
        url = f"postgresql://postgres@127.0.0.1:{port}/pointshop?DISABLE_SERVER_SIDE_CURSORS=True"
        pooled = another_web(here, "pooled", DATABASE_URL=url, PREPARED_STATEMENTS="0")
        two = [another_web(here, f"host-{number}", WEB_CONCURRENCY="1") for number in (1, 2)]
        second = shop.another_worker("second")
        try:
            for part in (pooled, *two):
                part.start()
            yield [
                Kind("one web host, one worker", [shop.web], [shop.worker], {}),
                Kind("the same behind pgbouncer", [pooled], [shop.worker], {"pgbouncer": pid}),
                Kind("two web hosts, two workers", two, [shop.worker, second], {}),
            ]
        finally:
            for part in (pooled, *two, second):
                part.kill()


def turn(here: Stand, kind: Kind, scenario: Scenario, seconds: float) -> dict[str, float]:
    """Processor ms an operation by group, their sum, and operations a second."""
    for worker in kind.workers:
        worker.start()
    kind.ask(scenario, 1)
    here.shop.deliver_all(seconds=60)
    (postgres,) = pids(here.servers.embedded.postmaster_pattern)
    before = kind.cpu(postgres)
    measured = kind.ask(scenario, seconds)
    here.shop.deliver_all(seconds=60)
    after = kind.cpu(postgres)
    for worker in kind.workers[1:]:
        worker.stop()
    for each in measured:
        assert not scenario.unexpected(each.outcomes), each.outcomes
    answered = sum(scenario.answered(each.outcomes) for each in measured)
    cost = {group: (after[group] - before[group]) * 1000 / answered for group in after}
    return {**cost, "sum": sum(cost.values()), "a second": answered / max(each.seconds for each in measured)}


def compare(here: Stand, folder: Path, *, turns: int, seconds: float) -> None:
    """Print each kind's medians, and the median of its ratios to the first kind of the same round."""
    with kinds(here, folder) as every:
        for scenario in SCENARIOS:
            rounds = []
            for number in range(turns):
                order = every[:: -1 if number % 2 else 1]
                rounds.append({kind.name: turn(here, kind, scenario, seconds) for kind in order})
            for kind in every:
                mine = [each[kind.name] for each in rounds]
                medians = {group: round(median(each[group] for each in mine), 2) for group in mine[0]}
                first = [each[every[0].name] for each in rounds]
                ratios = {
                    group: f"{median(a[group] / b[group] for a, b in zip(mine, first, strict=True)):.2f}"
                    for group in ("sum", "a second", "postgres")
                }
                print(f"{scenario.title}; {kind.name}: {medians}; beside the first {ratios}", flush=True)


def read_from_a_standby(here: Stand, folder: Path, *, turns: int) -> None:
    """Print the milliseconds of the primary's processor that each read takes, without and with a standby."""
    (primary,) = pids(here.servers.embedded.postmaster_pattern)
    with open_standby(folder, here.servers) as standby:
        kept = connections.settings[REPLICA]
        for name, (times, read) in READS.items():
            taken: dict[str, list[float]] = {"primary": [], "standby": []}
            for _turn in range(turns):
                for where, costs in taken.items():
                    connections.settings.pop(REPLICA, None)
                    if where == "standby":
                        connections.settings[REPLICA] = kept
                        standby.catch_up()
                    costs.append(_cost(read, times, lambda: spent(primary)))
            connections.settings[REPLICA] = kept
            print(
                f"{name}, primary's ms: { {where: round(median(each), 3) for where, each in taken.items()} }"
            )
    passed = {
        sample.labels["reason"]: sample.value for metric in PASSED_OVER.collect() for sample in metric.samples
    }
    assert not any(passed.values()), passed


def _cost(read: Callable[[], object], times: int, clock: Callable[[], float]) -> float:
    read()  # connects, and prepares
    before = clock()
    for _time in range(times):
        read()
    return (clock() - before) * 1000 / times


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.topology", description=main.__doc__)
    parser.add_argument("--turns", type=int, default=5, help="how many turns each has")
    parser.add_argument("--seconds", type=float, default=3, help="how long a turn takes")
    options = parser.parse_args()
    with open_folder("topology") as folder, open_folder("standby") as other, stand(folder) as here:
        compare(here, folder, turns=options.turns, seconds=options.seconds)
        here.shop.kill()
        read_from_a_standby(here, other, turns=options.turns)
        broken = wrongs()
    print(f"audit: {broken or 'clean'}; load {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")
    sys.exit(bool(broken))


if __name__ == "__main__":
    main()
