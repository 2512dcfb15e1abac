"""/metrics, over all processes of the web server."""

import re

from orders.models import OrderEvent
from products.factories import ProductFactory
from tests.client import Client
from users.factories import UserFactory


def value(http: Client, sample: str) -> float:
    """One sample of the exposition; 0 where it is not there yet."""
    text = http.get("/metrics").body.decode()
    found = re.search(rf"^{re.escape(sample)} (\S+)$", text, re.MULTILINE)
    return float(found[1]) if found else 0.0


def test_requests_and_refusals_are_counted_over_all_processes(http: Client):
    route = 'shop_http_requests_total{method="GET",route="coupon-detail",status="404"}'
    requests, refusals = value(http, route), value(http, 'shop_problems_total{code="not_found"}')
    for _ in range(20):
        assert http.get("coupons/99999999").code == "not_found"
    assert value(http, route) == requests + 20
    assert value(http, 'shop_problems_total{code="not_found"}') == refusals + 20


def test_the_backlog_of_events_is_told(http: Client):
    user, product = UserFactory(), ProductFactory()
    http.charge(user, 100_000)
    assert value(http, "shop_events_pending") == 0
    http.order(user, {product.pk: 1})
    assert value(http, "shop_events_pending") == 1
    assert value(http, "shop_events_oldest_seconds") > 0
    OrderEvent.objects.update(state="dead")
    assert (value(http, "shop_events_pending"), value(http, "shop_events_dead")) == (0, 1)


def test_what_a_client_chooses_freely_is_no_label(http: Client):
    http.send("BREW", "/no/such/place")
    text = http.get("/metrics").body.decode()
    assert "no/such/place" not in text
    assert "BREW" not in text
