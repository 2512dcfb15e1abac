"""The whole platform fails for a while."""

import pytest

from orders.models import OrderEvent
from products.factories import ProductFactory
from tests.kit.processes import until
from tests.kit.scenes import buyer
from tests.kit.shop import Shop

ORDERS = 5


@pytest.mark.parametrize(
    "faults",
    [
        {"status": 500},
        {"status": 429, "retry_after": 1},
        {"status": 301},
        {"status": 410},
        {"reset": True},
        {"delay": 6},
    ],
    ids=str,
)
def test_events_of_an_outage_arrive_when_it_is_over(shop: Shop, faults) -> None:
    user, product = buyer(shop.http), ProductFactory(price=1)
    shop.platform.fail(**faults)
    for _ in range(ORDERS):
        assert shop.http.order(user, {product.pk: 1}).status == 201
    tried_twice = OrderEvent.objects.filter(order__user=user, state="pending", attempts__gte=2)
    until(lambda: tried_twice.count() == ORDERS)
    shop.platform.fail()
    shop.deliver_all(seconds=20)
