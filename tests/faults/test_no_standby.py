"""Replication is synchronous and no standby is there: a COMMIT waits, and PostgreSQL sets that no bound."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from django.db import connection

from orders.models import Order
from products.factories import ProductFactory
from products.models import Product
from tests.kit.client import Answer, Client, assert_unavailable
from tests.kit.database import execute
from tests.kit.processes import until
from tests.kit.scenes import at_once, buyer
from tests.kit.shop import Shop
from users.models import User

LONGEST_ANSWER_SECONDS = 8
LOCK_SECONDS = 3
# Of the web group under test.
PROCESSES = 2

Write = Callable[[Client, User, Product], Answer]


@contextmanager
def standby_needed() -> Iterator[None]:
    """No commit is confirmed inside, but for this process's own, which do not ask for it."""
    execute("SET synchronous_commit = local")
    require_standby("nobody")
    try:
        yield
    finally:
        require_standby("")
        until(lambda: waiting() == 0)


def require_standby(name: str) -> None:
    execute(f"ALTER SYSTEM SET synchronous_standby_names = '{name}'")
    execute("SELECT pg_reload_conf()")


def new_session() -> "psycopg.Connection[Any]":
    """Another session, whose commits wait for a standby as the shop's do."""
    return psycopg.connect(**connection.get_connection_params(), autocommit=True)


def waiting() -> int:
    ((count,),) = execute("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'")
    return int(count)


def test_write_that_no_standby_confirms_is_answered_in_time_and_its_key_tells_its_fate(shop: Shop) -> None:
    user, product = buyer(shop.http), ProductFactory(price=1, stock=100)
    http = Client(shop.http.url, timeout=LONGEST_ANSWER_SECONDS)
    with standby_needed():
        answer = http.order(user, {product.pk: 1}, key="k")
        assert (answer.status, answer.code) == (503, "unavailable")
        assert answer.headers["Retry-After"]
        assert http.get(f"products/{product.pk}").json["stock"] == 100
    answer = http.order(user, {product.pk: 1}, key="k")
    assert answer.status == 201
    assert answer.headers["Idempotent-Replayed"] == "true"
    assert http.get(f"products/{product.pk}").json["stock"] == 99


def end_sessions_that_wait() -> None:
    """What they commit is visible from then on, though no standby has it."""
    execute("SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE wait_event = 'SyncRep'")


def buy(http: Client, user: User, product: Product) -> Answer:
    return http.order(user, {product.pk: 1}, key="k")


def charge(http: Client, user: User, _product: Product) -> Answer:
    return http.charge(user, 1, key="k")


@pytest.mark.parametrize("write", [buy, charge])
def test_repeat_with_a_key_is_not_answered_before_a_standby_has_the_first_write(
    shop: Shop, write: Write
) -> None:
    user, product = buyer(shop.http, points=100), ProductFactory(price=1, stock=100)
    http = Client(shop.http.url, timeout=LONGEST_ANSWER_SECONDS)
    with standby_needed():
        assert_unavailable(write(http, user, product))
        end_sessions_that_wait()
        assert_unavailable(write(http, user, product))
    assert write(http, user, product).headers["Idempotent-Replayed"] == "true"


def test_plain_look_up_of_a_key_finds_a_write_that_no_standby_has(shop: Shop) -> None:
    """The control."""
    user, product = buyer(shop.http, points=100), ProductFactory(price=1, stock=100)
    with standby_needed():
        assert_unavailable(buy(shop.http, user, product))
        end_sessions_that_wait()
        assert Order.objects.filter(idempotency_key="k").exists()


def test_sessions_left_waiting_are_bounded_and_later_writes_refused_at_once(shop: Shop) -> None:
    """Each process finds out once: by a commit it gives up on, or by a lock that such a commit holds."""
    users, product = [buyer(shop.http) for _ in range(8)], ProductFactory(price=1, stock=1_000_000)
    http = Client(shop.http.url, timeout=LONGEST_ANSWER_SECONDS)

    def is_refused_at_once() -> bool:
        began = time.monotonic()
        for answer in at_once([lambda user=user: http.order(user, {product.pk: 1}) for user in users]):
            assert answer.status == 503, answer.body
        return time.monotonic() - began < LOCK_SECONDS

    with standby_needed():
        assert not is_refused_at_once()
        left = waiting()
        assert left > 0
        assert [is_refused_at_once() for _ in range(8)].count(False) < PROCESSES
        assert waiting() < left + len(users)  # the worker may have come to wait, too
    until(lambda: http.order(users[0], {product.pk: 1}).status == 201)


def test_commit_waits_for_a_standby_longer_than_any_timeout_of_the_server(shop: Shop) -> None:
    """The control: what the shop does not bound, nothing does."""
    member = buyer(shop.http, points=0)
    with standby_needed(), new_session() as session, ThreadPoolExecutor(1) as pool:
        session.execute("SET statement_timeout = '100ms'")
        session.execute("SET transaction_timeout = '100ms'")
        rename = f"UPDATE users_user SET name = 'x' WHERE id = {member.pk}"
        renamed = pool.submit(session.execute, rename)
        until(waiting)
        with pytest.raises(TimeoutError):
            renamed.result(timeout=1)
        require_standby("")
        assert renamed.result(timeout=10).rowcount == 1
