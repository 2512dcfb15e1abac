"""A data platform that fails, stalls or lies: what suffers waits longer and longer, all else flows."""

import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from itertools import pairwise

import pytest
from django.contrib.auth import get_user_model
from django.db.models.functions import Now
from django.test import Client as Browser

from orders.models import OrderEvent
from products.factories import ProductFactory
from tests.faults.faulty_platform import (
    answering,
    dripping,
    faulty_platform,
    hanging,
    resetting,
    saying,
)
from tests.kit.database import execute
from tests.kit.platforms import is_delivered
from tests.kit.processes import ROOT, environment, until
from tests.kit.scenes import buyer
from tests.kit.shop import Shop, open_shop

FAULTS = {
    "500": answering("500 Internal Server Error"),
    "429": answering("429 Too Many Requests", "Retry-After: 4"),
    "301": answering("301 Moved Permanently", "Location: /elsewhere"),
    "410": answering("410 Gone"),
    "hangs": hanging,
    "drips": dripping,
    "resets": resetting,
    "says nothing": saying(b""),
    "half a line": saying(b"HTTP/1.1 20"),
    "a line and no more": saying(b"HTTP/1.1 200 OK\r\n"),
    "half a body": saying(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 10\r\n\r\nhalf"),
}
ASKED_FOR_SECONDS = 4
LAST_BUT_ONE = 24
OTHERS_SECONDS = 2


@pytest.fixture(scope="module")
def module_shop(servers, folder) -> Iterator[Shop]:
    with faulty_platform() as platform, open_shop(servers=servers, platform=platform, folder=folder) as shop:
        yield shop


def nothing_waits_for_its_turn() -> bool:
    """Whether all is delivered; what is not is due, though its last attempt has failed only now."""
    return not OrderEvent.objects.filter(state="pending").update(next_attempt_at=Now())


@pytest.fixture
def shop(module_shop: Shop) -> Iterator[Shop]:
    """A whole shop; afterwards its platform takes everything, now, and all adds up."""
    yield module_shop
    module_shop.platform.faults.clear()
    module_shop.start()
    until(nothing_waits_for_its_turn, seconds=40)
    module_shop.settle()


def test_platform_s_failures_for_some_events_delay_no_other_and_are_retried_ever_later(shop: Shop) -> None:
    user, fine = buyer(shop.http), ProductFactory(price=1, stock=100_000)
    suffering = {order_of(shop, user, fault): name for name, fault in FAULTS.items()}
    waits = defaultdict(dict)

    def all_failed_thrice() -> bool:
        for order_id, attempts, wait in seen_waiting(suffering):
            waits[suffering[order_id]].setdefault(attempts, wait)
        return all(3 in waits[name] for name in FAULTS)

    while not all_failed_thrice():
        order = shop.http.order(user, {fine.pk: 1}).json
        until(lambda order=order: all_failed_thrice() or is_delivered(order), seconds=OTHERS_SECONDS)
    # Seen a moment after it was set; without being asked the first would be 1 s.
    assert min(waits.pop("429").values()) > ASKED_FOR_SECONDS - 1.5
    for by_attempt in waits.values():
        assert all(sooner < later for sooner, later in pairwise(by_attempt[n] for n in (1, 2, 3)))
    assert shop.platform.requested == {b"POST /events HTTP/1.1"}


def test_retry_wait_outlives_the_worker(shop: Shop) -> None:
    user = buyer(shop.http)
    order_of(shop, user, answering("503 Service Unavailable", f"Retry-After: {ASKED_FOR_SECONDS}"))
    (product_id,) = shop.platform.faults
    tries = shop.platform.tried[product_id]
    until(lambda: OrderEvent.objects.filter(attempts=1, state="pending", leased_until=None))
    shop.worker.kill()
    shop.worker.start()
    until(lambda: len(tries) == 2)
    assert tries[1] - tries[0] >= ASKED_FOR_SECONDS


def test_event_refused_to_the_end_is_dead_until_redelivered(
    shop: Shop,
) -> None:
    user, fine = buyer(shop.http), ProductFactory(price=1)
    by_admin, by_command = (order_of(shop, user, FAULTS["500"]) for _ in range(2))
    for order_id in (by_admin, by_command):
        refuse_for_the_last_time(order_id)
    until(lambda: OrderEvent.objects.filter(state="dead").count() == 2)
    other = shop.http.order(user, {fine.pk: 1}).json
    until(lambda: is_delivered(other), seconds=5)
    shop.platform.faults.clear()
    send_again_in_the_admin(OrderEvent.objects.get(order_id=by_admin))
    until(lambda: is_delivered({"id": by_admin}), seconds=5)
    assert not is_delivered({"id": by_command})
    manage("redeliver_events", "--state", "dead")
    until(lambda: is_delivered({"id": by_command}), seconds=5)


def order_of(shop: Shop, user, fault) -> int:
    """An order of a new product, for which the platform has that fault; its id."""
    product = ProductFactory(price=1)
    shop.platform.faults[product.pk] = fault
    return int(shop.http.order(user, {product.pk: 1}).json["id"])


def seen_waiting(order_ids) -> list[tuple[int, int, float]]:
    """Order, attempts and seconds until the next, of those that wait after an attempt."""
    return execute(
        "SELECT order_id, attempts, extract(epoch FROM next_attempt_at - now())::float FROM orders_orderevent"
        " WHERE attempts > 0 AND leased_until IS NULL AND order_id = ANY(%s)",
        list(order_ids),
    )


def refuse_for_the_last_time(order_id: int) -> None:
    """Leave the event one attempt."""
    tried = OrderEvent.objects.filter(order_id=order_id, attempts__gte=1, leased_until=None)
    until(lambda: tried.update(attempts=LAST_BUT_ONE, next_attempt_at=Now()))


def send_again_in_the_admin(event: OrderEvent) -> None:
    """Find it among the dead, and choose the action."""
    browser, url = Browser(), "/admin/orders/orderevent/"
    browser.force_login(get_user_model().objects.create_superuser("operator"))
    assert str(event.pk) in browser.get(url, {"state__exact": "dead"}).content.decode()
    assert browser.post(url, {"action": "redeliver", "_selected_action": [event.pk]}).status_code == 302


def manage(*command: str) -> None:
    """Run a command as an operator would."""
    subprocess.run([sys.executable, "-m", "manage", *command], cwd=ROOT, env=environment(), check=True)
