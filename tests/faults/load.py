"""Members who keep buying, and all that they were told."""

import http.client
import json
import threading
import time
import uuid
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from orders.models import Order
from products.factories import ProductFactory
from tests.kit.client import Answer
from tests.kit.scenes import buyer
from tests.kit.shop import Shop
from users.models import User

LATER_SECONDS = 0.05


@dataclass
class Purchase:
    """One request; `sent` is when all of it had gone out (monotonic), `answer` what came back."""

    user: User
    product_id: int
    key: str = field(default_factory=lambda: str(uuid.uuid4()))
    sent: float | None = None
    answer: Answer | None = None

    def make(self, url: str) -> None:
        """Send it over a new connection. Raises OSError or HTTPException where that breaks."""
        body = json.dumps({"items": [{"product_id": self.product_id, "quantity": 1}]})
        headers = {"X-User-Id": str(self.user.pk), "Idempotency-Key": self.key}
        with closing(http.client.HTTPConnection(urlsplit(url).netloc, timeout=60)) as connection:
            connection.request(
                "POST", "/api/v1/orders", body, {**headers, "Content-Type": "application/json"}
            )
            self.sent = time.monotonic()
            with connection.getresponse() as response:
                self.answer = Answer(response.status, response.headers, response.read())

    @property
    def order_id(self) -> int | None:
        """The order that was acknowledged."""
        return int(self.answer.json["id"]) if self.answer and self.answer.status == 201 else None


@dataclass
class Load:
    """What the members tried."""

    shop: Shop
    purchases: list[Purchase] = field(default_factory=list)

    @property
    def acknowledged(self) -> list[int]:
        """Every acknowledged order."""
        return [order_id for each in list(self.purchases) if (order_id := each.order_id)]

    @property
    def refusals(self) -> list[Answer]:
        """Every answer that was not 201."""
        return [each.answer for each in list(self.purchases) if each.answer and each.answer.status != 201]

    def unanswered(self, *, sent_before: float = float("inf")) -> list[Purchase]:
        """Requests that were all sent by then, and never answered."""
        sent = [each for each in list(self.purchases) if each.sent and each.sent < sent_before]
        return [each for each in sent if each.answer is None]

    def everybody_bought_since(self, moment: float) -> bool:
        """Whether each member got an order that was sent after that moment."""
        sent = [each for each in list(self.purchases) if each.order_id and (each.sent or 0) > moment]
        return {each.user.pk for each in sent} == {each.user.pk for each in list(self.purchases)}

    def try_again(self) -> None:
        """Send again, with the same key, what was sent and not acknowledged; each must succeed now."""
        for each in [each for each in self.purchases if each.sent and each.order_id is None]:
            again = self.shop.http.order(each.user, {each.product_id: 1}, key=each.key)
            assert again.status == 201, again.body
            each.answer = again


def missing(order_ids: Iterable[int]) -> list[int]:
    """The acknowledged orders that do not exist."""
    return sorted(set(order_ids) - set(Order.objects.values_list("pk", flat=True)))


@contextmanager
def buying(shop: Shop, *, people: int = 8) -> Iterator[Load]:
    """A load that lasts until the block ends; by then everything sent is answered or broken."""
    load, closing_time, product = Load(shop), threading.Event(), ProductFactory(price=1, stock=1_000_000)
    members = [buyer(shop.http) for _ in range(people)]
    threads = [threading.Thread(target=_buy, args=(load, user, product.pk, closing_time)) for user in members]
    for thread in threads:
        thread.start()
    try:
        yield load
    finally:
        closing_time.set()
        for thread in threads:
            thread.join()


def _buy(load: Load, user: User, product_id: int, closing_time: threading.Event) -> None:
    while not closing_time.is_set():
        purchase = Purchase(user, product_id)
        load.purchases.append(purchase)
        if not _went_through(purchase, load.shop.http.url):
            closing_time.wait(LATER_SECONDS)


def _went_through(purchase: Purchase, url: str) -> bool:
    try:
        purchase.make(url)
    except (OSError, http.client.HTTPException):
        return False
    return purchase.order_id is not None


def durations(shop: Shop, user: Any, product_id: int, *, seconds: float) -> list[float]:
    """How long each of the orders took that one member makes in so many seconds; all succeed."""
    taken: list[float] = []
    end = time.monotonic() + seconds
    while (began := time.monotonic()) < end:
        answer = shop.http.order(user, {product_id: 1})
        assert answer.status == 201, answer.body
        taken.append(time.monotonic() - began)
    return taken
