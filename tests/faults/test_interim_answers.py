"""A data platform behind an edge that sends 103 Early Hints before each answer."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from orders.models import OrderEvent
from products.factories import ProductFactory
from tests.kit.platforms import Said, Talker, talking
from tests.kit.processes import until
from tests.kit.scenes import buyer
from tests.kit.shop import Shop, open_shop

HINTS = b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n"
TAKEN = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
REFUSED = b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n"
ORDERS = 40


@dataclass
class EarlyHints(Talker):
    """It takes the events of odd orders and refuses those of even ones, 0.3 s after the hints."""

    refused: set[int] = field(default_factory=set)

    def answer(self, number: int, request: bytes) -> list[Said]:
        """Hints, and then the answer."""
        self.heard.append((number, request))
        order_id = int(json.loads(request.partition(b"\r\n\r\n")[2])["subject"])
        if order_id % 2 == 0:
            self.refused.add(order_id)
        return [HINTS, 0.3, TAKEN if order_id % 2 else REFUSED]


@pytest.fixture(scope="module")
def shop(servers, folder) -> Iterator[Shop]:
    with (
        talking(kind=EarlyHints) as platform,
        open_shop(servers=servers, platform=platform, folder=folder) as shop,
    ):
        yield shop


def test_refused_events_are_not_marked_delivered_and_all_others_are(shop: Shop) -> None:
    user, product = buyer(shop.http), ProductFactory(price=1, stock=ORDERS)
    placed = {shop.http.order(user, {product.pk: 1}).json["id"] for _ in range(ORDERS)}
    even = {order_id for order_id in placed if order_id % 2 == 0}
    events = OrderEvent.objects.filter(order_id__in=placed)

    def tried_and_refused_twice() -> bool:
        return events.filter(order_id__in=even, attempts__gte=2, leased_until=None).count() == len(even)

    until(lambda: events.filter(order_id__in=placed - even, state="delivered").count() == ORDERS - len(even))
    until(tried_and_refused_twice)
    assert shop.platform.refused == even
    assert not events.filter(order_id__in=even).exclude(state="pending").exists()
    assert set(events.filter(order_id__in=even).values_list("last_error", flat=True)) == {"HTTP 500"}
    # Connections are used again, or nothing could be mistaken.
    assert len({number for number, _ in shop.platform.heard}) < len(shop.platform.heard)
