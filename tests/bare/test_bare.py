"""What only a run without Redis can show; the rest of it is the tests that other runs have too."""

import pytest
import redis
from django.conf import settings
from django.db.models.functions import Now

from orders.models import OrderEvent
from products.factories import ProductFactory
from tests.kit.invariants import broken_rules
from tests.kit.processes import environment, until
from tests.kit.variables import EVERY_NAME

INDISPENSABLE = {"DATABASE_URL", "REDIS_URL", "SECRET_KEY", "ALLOWED_HOSTS", "CSRF_TRUSTED_ORIGINS"}


def test_events_of_orders_wait_for_a_worker_untouched_and_due(http, buyer, logs):
    for _ in range(3):
        assert http.order(buyer, {ProductFactory(price=1).pk: 1}).status == 201
    until(lambda: b"wakeup_failed" in (logs / "web.log").read_bytes())
    events = OrderEvent.objects.filter(next_attempt_at__lte=Now())
    assert list(events.values_list("state", "attempts", "leased_until")) == [("pending", 0, None)] * 3
    assert broken_rules() == []


def test_redis_refuses_every_client(web):
    with pytest.raises(redis.ConnectionError, match="refused"):
        redis.Redis.from_url(settings.REDIS_URL, retry=None).ping()


def test_shop_has_no_optional_setting(web):
    assert set(environment()) & EVERY_NAME == INDISPENSABLE
