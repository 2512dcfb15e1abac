"""`kill -9` to the web server, before and after its commit."""

import random
import signal
import time
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import ExitStack, contextmanager

from products.factories import ProductFactory
from tests.kit.client import Answer
from tests.kit.database import held, lock_waiters, nothing_written
from tests.kit.faults import (
    assert_unanswered,
    commits_held,
    deliver_in_time,
    gone,
    never,
    order_made_with,
    sent,
)
from tests.kit.platforms import is_delivered
from tests.kit.processes import until
from tests.kit.scenes import buyer
from tests.kit.shop import Shop

ROUNDS = 20


def test_web_killed_before_commit_wrote_nothing_and_the_retry_makes_one_order(shop: Shop) -> None:
    """The product's row is held, so the request has written all else and cannot have committed.

    It has sent its COMMIT as well; its session notices that nobody is there any more, while it waits.
    """
    user, product = buyer(shop.http), ProductFactory(price=1, stock=ROUNDS)
    for key in map(str, range(ROUNDS)):
        shop.deliver_all()
        with nothing_written():
            kill_while_it_waits_for_its_last_row(shop, user, product, key)
        shop.web.start()
        answer = shop.http.order(user, {product.pk: 1}, key=key)
        assert (answer.status, "Idempotent-Replayed" in answer.headers) == (201, False)
    product.refresh_from_db()
    assert (product.stock, product.units_sold) == (0, ROUNDS)


def test_web_killed_after_commit_has_its_event_delivered_and_the_retry_replays(shop: Shop) -> None:
    """The COMMIT is done when its sender dies: no wake-up is sent and no answer."""
    user, product = buyer(shop.http), ProductFactory(price=1, stock=ROUNDS)
    for key in map(str, range(ROUNDS)):
        kill_while_it_commits(shop, user, product, key)
        shop.web.start()
        deliver_in_time(shop, order_made_with(user, key), seconds=5)
        answer = shop.http.order(user, {product.pk: 1}, key=key)
        assert (answer.status, answer.headers["Idempotent-Replayed"]) == (201, "true")
    product.refresh_from_db()
    assert (product.stock, product.units_sold) == (0, ROUNDS)


def test_web_killed_at_any_moment_is_replayed_as_it_committed(shop: Shop) -> None:
    user, product = buyer(shop.http), ProductFactory(price=1, stock=ROUNDS)
    for key in map(str, range(ROUNDS)):
        with sent(lambda key=key: shop.http.order(user, {product.pk: 1}, key=key)):
            time.sleep(random.uniform(0, 0.03))
            shop.web.kill()
        shop.web.start()
        was_made = bool(order_made_with(user, key))
        answer = shop.http.order(user, {product.pk: 1}, key=key)
        assert (answer.status, "Idempotent-Replayed" in answer.headers) == (201, was_made)
        deliver_in_time(shop, order_made_with(user, key), seconds=5)
    product.refresh_from_db()
    assert (product.stock, product.units_sold) == (0, ROUNDS)


def test_shop_killed_as_a_whole_comes_back_and_delivers(shop: Shop) -> None:
    user, product = buyer(shop.http), ProductFactory(price=1)
    with committed_unnoticed(shop, user, product, "k") as request:
        shop.kill()
        assert_unanswered(request)
    shop.start()
    deliver_in_time(shop, order_made_with(user, "k"), seconds=5)


def test_event_would_stay_without_the_sweep_and_the_wakeup(shop: Shop) -> None:
    user, product = buyer(shop.http), ProductFactory(price=1)
    shop.beat.kill()
    kill_while_it_commits(shop, user, product, "k")
    shop.web.start()
    order = order_made_with(user, "k")
    assert never(lambda: is_delivered(order))
    shop.beat.start()
    until(lambda: is_delivered(order), seconds=5)


def kill_while_it_waits_for_its_last_row(shop, user, product, key) -> None:
    with (
        held("products_product", "id", product.pk),
        sent(lambda: shop.http.order(user, {product.pk: 1}, key=key)) as request,
    ):
        asking = until(lock_waiters)
        shop.web.kill()
        assert_unanswered(request)
        until(lambda: gone(asking), seconds=1)


def kill_while_it_commits(shop, user, product, key) -> None:
    with committed_unnoticed(shop, user, product, key) as request:
        shop.web.kill()
        assert_unanswered(request)


@contextmanager
def committed_unnoticed(shop, user, product, key) -> Iterator["Future[Answer]"]:
    """The order is made while the web server is frozen."""
    with ExitStack() as waiting:
        with commits_held(user):
            request = waiting.enter_context(sent(lambda: shop.http.order(user, {product.pk: 1}, key=key)))
            until(lock_waiters)
            assert not order_made_with(user, key)
            shop.web.send(signal.SIGSTOP)
        until(lambda: order_made_with(user, key))
        yield request
