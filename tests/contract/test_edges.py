"""The edges of time over HTTP, to the microsecond: the shop's clock stands where the test puts it."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from coupons.factories import CouponFactory
from products.factories import ProductFactory
from rankings import services
from tests.kit.client import Client
from tests.kit.clock import by_that_clock, set_clock, shop_with_own_clock
from tests.kit.database import lock_waiters, nothing_written
from tests.kit.faults import commits_held
from tests.kit.processes import until
from tests.kit.sales import ranked
from tests.kit.scenes import buyer, hold_coupon
from users.factories import UserFactory

# A full hour, so that it is also an edge of what the ranking's batch adds up.
T = datetime(2031, 1, 31, 15, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
HOUR = timedelta(hours=1)
LIFETIME = timedelta(hours=30 * 24)
WINDOW = timedelta(hours=3 * 24)


@pytest.fixture(scope="module")
def own_clock(django_db_setup, django_db_blocker, logs: Path) -> Iterator[Client]:
    """The shop with a clock of its own."""
    with django_db_blocker.unblock(), shop_with_own_clock(log=logs / "web.log") as client:
        yield client


@pytest.fixture
def shop(own_clock: Client, transactional_db: None) -> Iterator[Client]:
    """The clock stands at T."""
    set_clock(T)
    yield own_clock
    set_clock(None)


def test_clock_of_the_test_is_set_and_goes_on(shop: Client) -> None:
    """Did it read another clock, no test here could fail at an edge."""
    user, product = buyer(shop), ProductFactory(price=1)
    assert at(shop.order(user, {product.pk: 1}).json["ordered_at"]) == T
    assert at(shop.get("rankings/products").json["to"]) == T
    set_clock(None)
    assert at(shop.order(user, {product.pk: 1}).json["ordered_at"]) < T


@pytest.mark.parametrize("age", [timedelta(0), LIFETIME - MICROSECOND])
def test_coupon_pays_from_its_issue_to_the_last_microsecond(shop: Client, age: timedelta) -> None:
    user, product, coupon = holder(shop)
    set_clock(T + age)
    assert shows(shop, user, coupon) == "usable"
    basket = {"items": [{"product_id": product.pk, "quantity": 1}], "issued_coupon_id": coupon}
    assert shop.post("orders/quote", basket, user=user).json["total"] == 0
    assert shop.post("orders", basket, user=user).status == 201


@pytest.mark.parametrize("age", [LIFETIME, LIFETIME + MICROSECOND, -MICROSECOND])
def test_coupon_pays_nothing_at_its_end_nor_before_its_issue(shop: Client, age: timedelta) -> None:
    user, product, coupon = holder(shop)
    set_clock(T + age)
    assert shows(shop, user, coupon) == "expired"
    basket = {"items": [{"product_id": product.pk, "quantity": 1}], "issued_coupon_id": coupon}
    with nothing_written():
        refusals = [shop.post(path, basket, user=user).code for path in ("orders/quote", "orders")]
    assert refusals == ["coupon_expired", "coupon_expired"]


@pytest.mark.parametrize(
    ("moment", "is_open"),
    [(-MICROSECOND, False), (timedelta(0), True), (HOUR - MICROSECOND, True), (HOUR, False)],
)
def test_campaign_includes_its_opening_and_excludes_its_closing(
    shop: Client,
    moment: timedelta,
    is_open: bool,  # noqa: FBT001
) -> None:
    campaign = CouponFactory(opens_at=T, closes_at=T + HOUR)
    set_clock(T + moment)
    answer = shop.post(f"coupons/{campaign.pk}/issue", user=UserFactory())
    assert (answer.status, answer.json.get("code")) == ((201, None) if is_open else (409, "coupon_not_open"))


@pytest.mark.parametrize("rebuilt", [False, True], ids=["from the order lines", "after the batch"])
@pytest.mark.parametrize(
    ("later", "counts"),
    [
        (-MICROSECOND, False),
        (timedelta(0), True),
        (MICROSECOND, True),
        (WINDOW - MICROSECOND, True),
        (WINDOW, False),
        (WINDOW + MICROSECOND, False),
    ],
)
@pytest.mark.parametrize("sold_at", [T, T - MICROSECOND, T + MICROSECOND], ids=["hour", "before", "after"])
def test_sale_counts_from_its_time_until_three_days_later(
    shop: Client,
    sold_at: datetime,
    later: timedelta,
    counts: bool,  # noqa: FBT001
    rebuilt: bool,  # noqa: FBT001
) -> None:
    set_clock(sold_at)
    product = ProductFactory(price=1)
    assert shop.order(buyer(shop), {product.pk: 2}).status == 201
    set_clock(sold_at + later)
    if rebuilt:
        with by_that_clock():
            services.recompute(days=3)
    assert ranked(shop) == [(product.pk, 2, 2)] * counts


def test_ranking_drops_sales_three_days_old(shop: Client) -> None:
    """All of the leaders' sales leave the window after the batch has added them up."""
    user = buyer(shop)
    leaders, behind = (ProductFactory.create_batch(count, price=1) for count in (5, 2))
    assert shop.order(user, {product.pk: 5 for product in leaders}).status == 201
    set_clock(T + timedelta(hours=2))
    assert shop.order(user, {product.pk: 1 for product in behind}).status == 201
    set_clock(T + timedelta(hours=4))
    with by_that_clock():
        services.recompute(days=3)
    assert [row[0] for row in ranked(shop)] == [product.pk for product in leaders]
    set_clock(T + WINDOW + timedelta(hours=1))
    assert ranked(shop) == [(product.pk, 1, 1) for product in behind]


def test_sale_that_commits_after_the_batch_closed_its_hour_still_counts(shop: Client) -> None:
    user, product = buyer(shop), ProductFactory(price=1)
    set_clock(T - MICROSECOND)
    with ThreadPoolExecutor(1) as pool:
        with commits_held(user):
            late = pool.submit(shop.order, user, {product.pk: 1})
            until(lock_waiters)
            set_clock(T + timedelta(minutes=9))
            with by_that_clock():
                services.recompute(days=3)
        assert late.result().status == 201
    assert ranked(shop) == [(product.pk, 1, 1)]


def holder(shop: Client) -> tuple[Any, Any, int]:
    """Somebody with a coupon issued at T that pays a product whole."""
    user = buyer(shop)
    coupon = hold_coupon(shop, user, discount_type="fixed", discount_value=500)
    assert at(coupon["issued_at"]) == T
    return user, ProductFactory(price=500), coupon["id"]


def shows(shop: Client, user: Any, coupon: int) -> str:
    """The coupon's status, the same wherever it is shown."""
    found = {
        status: [row["id"] for row in shop.get(f"issued-coupons?status={status}", user=user).json["results"]]
        for status in ("usable", "used", "expired")
    }
    status = shop.get(f"issued-coupons/{coupon}", user=user).json["status"]
    assert found == {each: [coupon] * (each == status) for each in found}
    return str(status)


def at(text: str) -> datetime:
    """A moment that the API gave."""
    return datetime.fromisoformat(text)
