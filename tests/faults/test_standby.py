"""The server becomes a hot standby and is promoted, under the same web processes, worker and beat."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from products.factories import ProductFactory
from tests.kit.client import assert_unavailable
from tests.kit.database import execute
from tests.kit.processes import until
from tests.kit.scenes import buyer
from tests.kit.shop import Shop

BACK_SECONDS = 10


def turn_into_standby(shop: Shop) -> None:
    """Stop the server and start it in standby mode: it answers reads and waits for a primary's WAL."""
    embedded = shop.servers.embedded
    shop.servers.stop_postgres()
    marker, owner = embedded.data / "standby.signal", embedded.data.stat()
    marker.touch()
    os.chown(marker, owner.st_uid, owner.st_gid)
    shop.servers.start()
    assert execute("SELECT pg_is_in_recovery()") == [(True,)]


@contextmanager
def standby(shop: Shop) -> Iterator[None]:
    """The server stands by for the block; afterwards it is promoted, as Patroni does."""
    turn_into_standby(shop)
    try:
        yield
    finally:
        assert execute("SELECT pg_promote(true, 60)") == [(True,)]


@contextmanager
def same_processes(shop: Shop) -> Iterator[Callable[[], bytes]]:
    """The same processes go on and write no trace; yields what the worker has written meanwhile."""
    before = parts(shop)
    said = len(shop.worker.log.read_bytes())
    yield lambda: shop.worker.log.read_bytes()[said:]
    assert parts(shop) == before
    assert all(part.poll() is None for part in before)
    assert b"Traceback" not in shop.worker.log.read_bytes()[said:] + shop.web.log.read_bytes()


def parts(shop: Shop) -> list[Any]:
    return [shop.worker.running, shop.beat.running, shop.web.running]


def test_standby_serves_reads_and_once_promoted_writes(shop: Shop) -> None:
    user, product = buyer(shop.http), ProductFactory(price=1, stock=100)
    bought = shop.http.order(user, {product.pk: 1}, key="before").json
    shop.http.charge(user, 1, key="before")
    shop.deliver_all()
    with same_processes(shop) as worker_log:
        with standby(shop):
            until(lambda: shop.http.get(f"products/{product.pk}").status == 200, seconds=BACK_SECONDS)
            assert_unavailable(shop.http.order(user, {product.pk: 1}, key="k"))
            assert_unavailable(shop.http.charge(user, 1, key="k"))
            # It may be a former primary, and its successor without them.
            assert_unavailable(shop.http.order(user, {product.pk: 1}, key="before"))
            assert_unavailable(shop.http.charge(user, 1, key="before"))
            assert_unavailable(shop.http.get("/readyz"))
            assert shop.http.get("orders", user=user).json["results"][0]["id"] == bought["id"]
            assert shop.http.get("rankings/products").status == 200
            until(lambda: b"sweep_put_off" in worker_log())
        until(lambda: shop.answers("/readyz"), seconds=BACK_SECONDS)
        assert shop.http.order(user, {product.pk: 1}, key="k").status == 201
        assert shop.http.order(user, {product.pk: 1}, key="before").json == bought
        shop.deliver_all(seconds=BACK_SECONDS)


def test_server_set_read_only_and_back_is_followed(shop: Shop) -> None:
    """ALTER SYSTEM and a reload reach the sessions that there are, this one too but for its own setting."""
    user, product = buyer(shop.http), ProductFactory(price=1, stock=100)
    try:
        read_only(on=True)
        until(lambda: shop.http.get("/readyz").status == 503)
        assert shop.http.order(user, {product.pk: 1}, key="k").code == "unavailable"
        assert shop.http.get("orders", user=user).status == 200
    finally:
        read_only(on=False)
    until(lambda: shop.answers("/readyz"), seconds=BACK_SECONDS)
    assert shop.http.order(user, {product.pk: 1}, key="k").status == 201


def read_only(*, on: bool) -> None:
    execute("SET default_transaction_read_only = off")
    execute(f"ALTER SYSTEM SET default_transaction_read_only = {'on' if on else 'off'}")
    execute("SELECT pg_reload_conf()")
