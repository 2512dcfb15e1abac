"""/metrics, over all processes of the web server."""

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.utils import timezone

from coupons.factories import CouponFactory
from orders.models import OrderEvent
from products.factories import ProductFactory
from rankings.services import recompute
from tests.kit import processes
from tests.kit.client import Client
from tests.kit.conflicts import conflicts
from tests.kit.database import held
from tests.kit.processes import until
from users.factories import UserFactory

GIVEN_UP = 'shop_transactions_given_up_total{{cause="{}"}}'
SERIALIZATION = 'shop_transaction_conflicts_total{cause="serialization"}'


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


def test_backlog_of_events_is_counted(http: Client):
    user, product = UserFactory(), ProductFactory()
    http.charge(user, 100_000)
    assert value(http, "shop_events_pending") == 0
    http.order(user, {product.pk: 1})
    assert value(http, "shop_events_pending") == 1
    assert value(http, "shop_events_oldest_seconds") > 0
    OrderEvent.objects.update(state="dead")
    assert (value(http, "shop_events_pending"), value(http, "shop_events_dead")) == (0, 1)


def test_orders_and_coupons_are_counted_over_all_processes_and_replays_are_not(http: Client):
    user, product, campaign = UserFactory(), ProductFactory(), CouponFactory()
    http.charge(user, 1_000_000)
    orders, issues = value(http, "shop_orders_total"), value(http, "shop_coupon_issues_total")
    for number in range(8):
        assert http.order(user, {product.pk: 1}, key=f"k{number}").status == 201
        assert http.order(user, {product.pk: 1}, key=f"k{number}").status == 201
        http.post(f"coupons/{campaign.pk}/issue", user=user)
    assert value(http, "shop_orders_total") == orders + 8
    assert value(http, "shop_coupon_issues_total") == issues + 1


def test_lock_waits_and_lock_timeouts_are_counted(http: Client):
    user = UserFactory()
    http.charge(user, 1)
    in_vain = value(http, GIVEN_UP.format("lock_timeout"))
    with held("points_pointaccount", "user_id", user.pk), ThreadPoolExecutor(1) as pool:
        charge = pool.submit(http.charge, user, 1)
        until(lambda: value(http, "shop_database_lock_waits") == 1)
        assert charge.result().code == "busy"
    assert value(http, GIVEN_UP.format("lock_timeout")) == in_vain + 1
    assert value(http, "shop_database_lock_waits") == 0


def test_conflicts_and_exhausted_retries_are_counted(http: Client):
    user = UserFactory()
    before = [value(http, sample) for sample in (SERIALIZATION, GIVEN_UP.format("retries"))]
    with conflicts("points_pointtransaction", 3, "40001"):
        assert http.charge(user, 1).code == "busy"
    after = [value(http, sample) for sample in (SERIALIZATION, GIVEN_UP.format("retries"))]
    assert after == [before[0] + 3, before[1] + 1]


@pytest.mark.redis
def test_work_without_redis_is_counted(transactional_db, logs):
    nobody = f"redis://127.0.0.1:{processes.free_port()}/0"
    user, product = UserFactory(), ProductFactory(price=0)
    with processes.web(log=logs / "web.log", REDIS_URL=nobody, RATE_LIMITS="*=1000/s") as url:
        http = Client(url)
        assert http.order(user, {product.pk: 1}).status == 201
        assert value(http, 'shop_redis_fallbacks_total{used_for="rate limits"}') > 0
        until(lambda: value(http, 'shop_redis_fallbacks_total{used_for="wake-ups"}') > 0)


def test_event_that_waits_for_its_next_attempt_is_old_but_not_overdue(http: Client):
    user, product = UserFactory(), ProductFactory(price=0)
    http.order(user, {product.pk: 1})
    assert value(http, "shop_events_overdue_seconds") > 0
    OrderEvent.objects.update(next_attempt_at=timezone.now() + timedelta(hours=1))
    assert value(http, "shop_events_overdue_seconds") == 0
    assert value(http, "shop_events_oldest_seconds") > 0


def test_rebuild_s_progress_is_shown(http: Client):
    recompute(days=3)
    assert 60 <= value(http, "shop_ranking_window_age_seconds") < 120


def test_database_that_is_away_is_shown_and_the_rest_still_counted(transactional_db, logs):
    nobody = f"postgresql://shop@127.0.0.1:{processes.free_port()}/shop"
    with processes.web(log=logs / "web.log", DATABASE_URL=nobody) as url:
        http = Client(url)
        assert http.get("products").code == "unavailable"
        assert value(http, "shop_database_up") == 0
        assert value(http, 'shop_problems_total{code="unavailable"}') == 1
        assert "shop_events_pending" not in http.get("/metrics").body.decode()


def test_client_s_free_choices_are_no_labels(http: Client):
    http.send("BREW", "/no/such/place")
    text = http.get("/metrics").body.decode()
    assert "no/such/place" not in text
    assert "BREW" not in text
