"""python -m benchmarks.operations: what each operation costs on the history that DATABASE_URL names, as JSON.

One web process answers one request after the other, asked in Python, without sockets. Customers, products and
orders are drawn evenly from all there are, and each is asked for once before anything is timed: what is
measured is the work with its data in memory, as it is for what people touch every day. The rows written stay.
"""

import json
import logging
import os
import random
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from http.cookies import SimpleCookie
from itertools import cycle
from pathlib import Path
from statistics import median
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from django.conf import settings  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402
from django.test import RequestFactory  # noqa: E402

from benchmarks.dashboard import staff  # noqa: E402
from config.wsgi import application  # noqa: E402
from coupons.models import Coupon  # noqa: E402
from orders.models import Order  # noqa: E402
from orders.outbox.delivery import LEASE  # noqa: E402
from orders.outbox.events import claim, mark_delivered  # noqa: E402
from points.services import charge  # noqa: E402
from products.models import Product  # noqa: E402
from users.models import User  # noqa: E402

SAMPLE = 200
# Of the admin's pages, which take a hundred times as long.
FEW = 30
PLENTY = 1_000_000_000
# The one whom the history has buy most.
BUSIEST = 1

Ask = Callable[[], None]


@dataclass(frozen=True)
class Cost:
    """Medians of an operation's milliseconds, by the clock and of the processor; the average kB of WAL."""

    clock: float
    web: float
    postgres: float
    wal: float


@dataclass(frozen=True)
class Sample:
    """Ids drawn evenly, and the session cookies of a staff account."""

    users: list[int]
    products: list[int]
    orders: list[int]
    cookies: "SimpleCookie"

    def baskets(self) -> Iterator[Ask]:
        """Orders of two products, by everybody in turn."""
        for user in cycle(self.users):
            items = [{"product_id": pk, "quantity": 1} for pk in random.sample(self.products, 2)]
            yield request("POST", "orders", user=user, body={"items": items})

    def charges(self) -> Iterator[Ask]:
        """Everybody in turn."""
        return (request("POST", "points/charges", user=pk, body={"amount": 1}) for pk in cycle(self.users))

    def issues(self) -> Iterator[Ask]:
        """Everybody asks for a coupon, then for another one."""
        while True:
            coupon = Coupon.objects.create(
                name="측정", discount_type="fixed", discount_value=1, quantity=PLENTY
            )
            yield from (request("POST", f"coupons/{coupon.pk}/issue", user=pk) for pk in self.users)

    def pages(self, path: str) -> Iterator[Ask]:
        """A page of everybody's own."""
        return (request("GET", path, user=pk) for pk in cycle(self.users))

    def orders_alone(self) -> Iterator[Ask]:
        """One order at a time, for its owner."""
        owners = Order.objects.filter(pk__in=self.orders).values_list("pk", "user_id")
        return (request("GET", f"orders/{pk}", user=owner) for pk, owner in cycle(list(owners)))

    def admin(self, path: str = "") -> Iterator[Ask]:
        """The list of orders, or a page of each."""
        cookie = self.cookies.output(header="", attrs=[], sep=";")
        paths = [f"/admin/orders/order/{path.format(pk)}" for pk in self.orders]
        return (request("GET", each, cookie=cookie) for each in cycle(paths))


def request(method: str, path: str, *, user: int = 0, body: Any = None, **headers: str) -> Ask:
    """A request ready to be made, whose answer must be a success."""
    member = {"X-User-Id": str(user)} if user else {}
    given = {"host": "localhost", "X-Gateway-Secret": settings.GATEWAY_SECRET, **member, **headers}
    data = b"" if body is None else json.dumps(body).encode()
    path = path if path.startswith("/") else f"/api/v1/{path}"
    asked = RequestFactory(headers=given).generic(method, path, data, "application/json")
    return lambda: _make(asked.environ)


def _make(environ: dict[str, Any]) -> None:
    said: list[str] = []
    response = application(environ, lambda status, _headers: said.append(status))
    body = b"".join(response)
    response.close()
    assert said[0][:3] in {"200", "201"}, (environ["PATH_INFO"], said, body[:500])


def deliver_one() -> None:
    """What a worker asks the database for when a single event is due."""
    (event,) = claim(limit=1, lease=LEASE)
    mark_delivered(event_ids=[event.id])


def kinds(sample: Sample) -> dict[str, Iterator[Ask]]:
    """Endless requests of each kind; the orders leave the events that are then delivered."""
    return {
        "order of two lines": sample.baskets(),
        "event claimed and marked": cycle([deliver_one]),
        "charge": sample.charges(),
        "coupon issued": sample.issues(),
        "product": (request("GET", f"products/{pk}") for pk in cycle(sample.products)),
        "balance": sample.pages("points"),
        "one order": sample.orders_alone(),
        "a page of somebody's orders": sample.pages("orders"),
        "a page of the busiest member's orders": cycle([request("GET", "orders", user=BUSIEST)]),
        "a page of the ledger": sample.pages("points/transactions"),
        "a page of coupons held": sample.pages("issued-coupons"),
        "a page of products": cycle([request("GET", "products")]),
        "best sellers": cycle([request("GET", "rankings/products")]),
        "admin: a page of orders": sample.admin(),
        "admin: one order": sample.admin("{}/change/"),
    }


def measure(requests: Iterator[Ask], *, times: int) -> Cost:
    """Make `times` requests without looking, then as many with the clock."""
    for _ in range(times):
        next(requests)()
    asked = [next(requests) for _ in range(times)]
    with connection.cursor() as cursor:
        cursor.execute("CHECKPOINT")  # the first change of a page after it writes the whole page to the WAL
    pid, written = _server()
    clock, web, postgres = zip(*(_timed(ask, pid) for ask in asked), strict=True)
    wal = (_server()[1] - written) / 1024 / times
    return Cost(*(1000 * median(seconds) for seconds in (clock, web, postgres)), wal)


def _timed(ask: Ask, pid: int) -> tuple[float, float, float]:
    """Seconds by the clock, of our processor time, and of that of the backend."""
    before = time.perf_counter(), time.process_time(), _ran(pid)
    ask()
    after = time.perf_counter(), time.process_time(), _ran(pid)
    clock, web, postgres = (end - start for end, start in zip(after, before, strict=True))
    return clock, web, postgres


def _ran(pid: int) -> float:
    """Seconds that a process of one thread has run."""
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9


def _server() -> tuple[int, int]:
    """The process that serves our connection, and how many bytes of WAL the server has written."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid(), (pg_current_wal_insert_lsn() - '0/0')::bigint")
        pid, written = cursor.fetchone()
    return int(pid), int(written)


def provide(users: list[int]) -> None:
    """Enough stock and points for all orders of this benchmark."""
    Product.objects.filter(stock__lt=PLENTY).update(stock=PLENTY)
    for user in users:
        charge(user_id=user, amount=PLENTY)
    call_command("recompute_rankings", stdout=sys.stderr)


def drawn(model: "type[User | Product | Order]") -> list[int]:
    """SAMPLE ids of a table; those of a history have no gaps."""
    ids = random.sample(range(1, model.objects.latest("pk").pk + 1), SAMPLE)
    return list(model.objects.filter(pk__in=ids).values_list("pk", flat=True))


def main() -> None:
    """Print the cost of each kind."""
    logging.disable()
    users = drawn(User)
    provide(users)
    with staff() as browser:
        sample = Sample(users, drawn(Product), drawn(Order), browser.cookies)
        costs = {
            name: asdict(measure(each, times=FEW if name.startswith("admin") else SAMPLE))
            for name, each in kinds(sample).items()
        }
    json.dump(costs, sys.stdout)


if __name__ == "__main__":
    main()
