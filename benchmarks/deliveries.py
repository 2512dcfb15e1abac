"""What the data platform sees of the shop under load: how late events come, whether all do, and a backlog.

All times are of this machine's one clock: from the client that had its 201 to the receiver that wrote the
event down.
"""

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from statistics import median

from django.db import connection

from benchmarks.rows import PRODUCTS, USERS
from benchmarks.runs import PACED_CLIENTS, QUANTILES, SHARE
from benchmarks.stand import Stand

CLIENTS = 16
BACKLOG = 10_000
PATIENCE_SECONDS = 120
ORDERS_WITHOUT_A_WEB = """
SELECT floor_order(
    1 + floor(random() * %(users)s)::bigint, 1 + floor(random() * %(products)s / 2)::bigint,
    1 + %(products)s / 2 + floor(random() * %(products)s / 2)::bigint
) FROM generate_series(1, %(backlog)s)
"""


@dataclass
class Delivered:
    """What became of the events of one run. Seconds; `cpu` is processor seconds an event."""

    events: int
    posts: int
    lost: int
    rate: float
    lag: dict[str, float]
    drained_after: float
    cpu: dict[str, float]


@dataclass
class Deliveries:
    """Medians over the runs: at full load, at SHARE of that rate, and of BACKLOG events that had waited."""

    runs: int
    full: Delivered
    paced: Delivered
    backlog: Delivered

    @property
    def lost(self) -> int:
        """How many events of answered orders were never posted."""
        return self.full.lost + self.paced.lost + self.backlog.lost


class Receipts:
    """What the receiver logs from now on."""

    def __init__(self, stand: Stand) -> None:
        self._log: Path = stand.shop.platform.file.with_name("receiver.log")
        self._size = self._log.stat().st_size

    def posts(self) -> list[tuple[str, float]]:
        """Order and moment (UNIX time) of every event posted, those it knew already included."""
        lines = [json.loads(line) for line in self._log.read_bytes()[self._size :].splitlines()]
        return [
            (line["subject"], datetime.fromisoformat(line["timestamp"]).timestamp())
            for line in lines
            if line["event"] in {"event_received", "event_known"}
        ]


def measure(stand: Stand, *, seconds: float, runs: int) -> Deliveries:
    """Take orders at full load, then at SHARE of that rate, then send a backlog; repeated `runs` times."""
    full, paced, backlog = [], [], []
    for _run in range(runs):
        full.append(under_load(stand, clients=CLIENTS, seconds=seconds))
        paced.append(under_load(stand, clients=PACED_CLIENTS, seconds=seconds, rate=SHARE * full[-1].rate))
        backlog.append(after_an_outage(stand))
    return Deliveries(runs, _medians(full), _medians(paced), _medians(backlog))


def under_load(stand: Stand, *, clients: int, seconds: float, rate: float = 0) -> Delivered:
    """Events of orders over HTTP, until the last one has arrived."""
    receipts = Receipts(stand)
    before = stand.cpu()
    orders = stand.load("orders", clients=clients, seconds=seconds, rate=rate, receipts=True)
    stand.shop.deliver_all(seconds=PATIENCE_SECONDS)
    cpu = {**stand.cpu_since(before), "clients": orders.client_cpu}
    return _delivered(receipts.posts(), orders.receipts, rate=orders.done / orders.seconds, cpu=cpu)


def after_an_outage(stand: Stand) -> Delivered:
    """A backlog: events that became due while no worker ran, timed from the start of one."""
    shop, receipts = stand.shop, Receipts(stand)
    shop.beat.stop()
    shop.worker.stop()
    made = _make_backlog()
    shop.worker.start()
    before, began = {"beat": 0.0, **stand.cpu()}, time.time()
    shop.beat.start()
    shop.deliver_all(seconds=PATIENCE_SECONDS)
    posts = receipts.posts()
    seconds = max(at for _, at in posts) - min(at for _, at in posts)
    due = dict.fromkeys(made, began)
    return _delivered(posts, due, rate=len(due) / seconds, cpu=stand.cpu_since(before))


def _make_backlog() -> list[str]:
    """Orders with their events, as checkout leaves them; their ids."""
    with connection.cursor() as cursor:
        cursor.execute(ORDERS_WITHOUT_A_WEB, {"users": USERS, "products": PRODUCTS, "backlog": BACKLOG})
        made = [str(order_id) for (order_id,) in cursor.fetchall()]
        cursor.execute("ANALYZE orders_orderevent, orders_order, orders_orderitem")
    return made


def _delivered(
    posts: Sequence[tuple[str, float]], due: dict[str, float], *, rate: float, cpu: dict[str, float]
) -> Delivered:
    first: dict[str, float] = {}
    for order_id, at in posts:
        first.setdefault(order_id, at)
    lags = sorted(first[order_id] - since for order_id, since in due.items() if order_id in first)
    return Delivered(
        events=len(due),
        posts=len(posts),
        lost=len(due) - len(lags),
        rate=rate,
        lag={name: lags[int(share * len(lags))] for name, share in QUANTILES.items()} | {"max": lags[-1]},
        drained_after=max(first.values()) - max(due.values()),
        cpu={group: seconds / len(due) for group, seconds in cpu.items()},
    )


def _medians(runs: Sequence[Delivered]) -> Delivered:
    def each(of: str) -> dict[str, float]:
        return {name: median(getattr(run, of)[name] for run in runs) for name in getattr(runs[0], of)}

    return Delivered(
        events=sum(run.events for run in runs),
        posts=sum(run.posts for run in runs),
        lost=sum(run.lost for run in runs),
        rate=median(run.rate for run in runs),
        lag=each("lag"),
        drained_after=median(run.drained_after for run in runs),
        cpu=each("cpu"),
    )
