"""Placing an order in one statement, beside the same written with the ORM."""

from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from coupons.factories import CouponFactory
from coupons.models import IssuedCoupon
from orders.models import Order, OrderEvent, OrderItem
from points.models import PointTransaction
from products.factories import ProductFactory
from products.models import Product
from tests.database import execute
from users.factories import UserFactory
from users.models import User

NOW = datetime(2026, 11, 22, 3, 4, 5, 678_901, tzinfo=UTC)
# What differs from row to row whoever writes it.
OWN = {"id", "order_id", "user_id", "issued_coupon_id"}


def place_with_the_orm(order: Order, *, request_id: str) -> None:
    """The rows one after the other."""
    order.save()
    for line in order.lines:
        line.order = order
    OrderItem.objects.bulk_create(order.lines)
    OrderEvent.objects.create(order=order, next_attempt_at=order.ordered_at, request_id=request_id)


def an_order(user: User, products: list[Product], **more: Any) -> Order:
    """One of each product for a won less than the price."""
    prices = {"subtotal": 30, "discount": 10, "total": 20, "balance_after": 7, "ordered_at": NOW}
    order = Order(user=user, **prices, **more)
    order.lines = [
        OrderItem(product=each, product_name=each.name, unit_price=each.price - 1, quantity=place)
        for place, each in enumerate(products, start=1)
    ]
    return order


def issued_to(user: User) -> IssuedCoupon:
    """A coupon that the user holds."""
    terms = {
        "name": "쿠폰",
        "discount_type": "fixed",
        "discount_value": 10,
        "expires_at": NOW.replace(year=2999),
    }
    return IssuedCoupon.objects.create(coupon=CouponFactory(), user=user, sequence=1, **terms)


def rows(order: Order) -> dict[str, list[dict[str, Any]]]:
    """Everything that stands in the tables for an order, but for ids."""
    kept = {
        "order": Order.objects.filter(pk=order.pk).values(),
        "lines": OrderItem.objects.filter(order=order).order_by("pk").values(),
        "event": OrderEvent.objects.filter(order=order).values(),
    }
    return {
        name: [{key: value for key, value in row.items() if key not in OWN} for row in found]
        for name, found in kept.items()
    }


@pytest.mark.django_db
@pytest.mark.parametrize(
    "keyed", [{}, {"idempotency_key": "k", "request_hash": "h" * 64}], ids=["plain", "keyed"]
)
@pytest.mark.parametrize("coupons", [0, 1])
def test_an_order_is_placed_as_row_by_row(keyed: dict[str, str], coupons: int) -> None:
    products, placed = ProductFactory.create_batch(3)[::-1], []
    for place in (Order.objects.place, place_with_the_orm):
        user = UserFactory()
        more = {"issued_coupon": issued_to(user)} if coupons else {}
        order = an_order(user, products, **keyed, **more)
        place(order, request_id="r")
        assert Order.objects.get(pk=order.pk).issued_coupon_id == order.issued_coupon_id
        placed.append(rows(order))
    by_hand, with_the_orm = placed
    assert by_hand == with_the_orm
    assert [len(each) for each in by_hand.values()] == [1, 3, 1]


@pytest.mark.django_db
def test_lines_are_kept_in_the_order_they_came_in() -> None:
    products = ProductFactory.create_batch(100)[::-1]
    order = an_order(UserFactory(), products)
    Order.objects.place(order, request_id="")
    kept = OrderItem.objects.filter(order=order).order_by("pk").values_list("product_id", flat=True)
    assert list(kept) == [product.pk for product in products]


def record_payment_with_the_orm(**payment: int) -> None:
    """A line of the ledger."""
    amount = -payment.pop("total")
    PointTransaction.objects.create(type=PointTransaction.Type.PAYMENT, amount=amount, **payment)


@pytest.mark.django_db
def test_a_payment_comes_into_the_ledger_as_with_the_orm() -> None:
    user, lines = UserFactory(), []
    for record in (PointTransaction.objects.record_payment, record_payment_with_the_orm):
        order = an_order(user, [ProductFactory()])
        Order.objects.place(order, request_id="")
        record(user_id=user.pk, order_id=order.pk, total=order.total, balance_after=order.balance_after)
        (line,) = PointTransaction.objects.filter(order=order).values()
        lines.append({name: value for name, value in line.items() if name not in OWN})
    assert lines[0].pop("created_at") <= lines[1].pop("created_at")
    assert lines[0] == lines[1]


@pytest.mark.django_db
def test_a_key_makes_one_order() -> None:
    user, products = UserFactory(), [ProductFactory()]
    Order.objects.place(an_order(user, products, idempotency_key="k"), request_id="")
    with pytest.raises(IntegrityError, match="order_one_a_key"), transaction.atomic():
        Order.objects.place(an_order(user, products, idempotency_key="k"), request_id="")
    assert execute("SELECT count(*) FROM orders_orderitem") == [(1,)]
