"""What is shown of rows is what DRF's own serializers make of them; what is read leaves nothing behind."""

import importlib
from collections.abc import Iterator
from typing import Any

import pytest
from django.apps import apps
from django.utils.module_loading import module_has_submodule
from rest_framework.exceptions import ValidationError
from rest_framework.serializers import Serializer

from core.db.pages import Page
from core.http.serializers import StrictSerializer, shown, validated
from coupons import selectors as coupons
from coupons import services as issuing
from coupons.factories import CouponFactory
from coupons.serializers import CouponSerializer, IssuedCouponSerializer
from orders import selectors as orders
from orders import services as checkout
from orders.serializers import (
    BasketSerializer,
    OrderLineSerializer,
    OrderQuoteSerializer,
    OrderSerializer,
    PlacedOrderSerializer,
)
from orders.services import Basket
from points import selectors as points
from points.serializers import LedgerEntrySerializer, PointBalanceSerializer
from points.services import charge
from products import selectors as products
from products.factories import ProductFactory
from products.serializers import ProductSerializer
from rankings.selectors import best_sellers
from rankings.serializers import BestSellerSerializer, BestSellersSerializer
from users.factories import UserFactory

PAGE = Page(20, None)


def output_serializers() -> Iterator[type[Serializer]]:
    """The serializers of every app, but for those that read what a client sends."""
    for app in apps.get_app_configs():
        if module_has_submodule(app.module, "serializers") and app.name != "rest_framework":
            module = importlib.import_module(f"{app.name}.serializers")
            for each in vars(module).values():
                if isinstance(each, type) and each.__module__ == module.__name__ and is_output(each):
                    yield each


def is_output(kind: type) -> bool:
    return issubclass(kind, Serializer) and not issubclass(kind, StrictSerializer)


@pytest.fixture
def rows(transactional_db: None) -> list[tuple[type[Serializer], Any]]:
    """What each output serializer shows of a shop with a bit of everything, NULLs too."""
    user, wares = UserFactory().pk, ProductFactory.create_batch(2, price=100)
    issued = issuing.issue(user_id=user, coupon_id=CouponFactory().pk)
    CouponFactory(discount_type="percent", discount_value=10, max_discount=50)
    charged = charge(user_id=user, amount=1_000_000).instance
    basket = Basket(user, {ware.pk: 2 for ware in wares}, issued.pk)
    quoted, placed = checkout.quote(basket=basket), checkout.checkout(basket=basket).instance
    checkout.checkout(basket=Basket(user, {wares[0].pk: 1}))
    ranking, bought = best_sellers(days=3, size=5), orders.orders_of(user_id=user, page=PAGE)
    return [
        *((ProductSerializer, row) for row in products.products(PAGE)),
        *((CouponSerializer, row) for row in coupons.shown_campaigns(PAGE)),
        *((IssuedCouponSerializer, row) for row in [issued, *held(user)]),
        *((LedgerEntrySerializer, row) for row in [charged, *points.ledger_of(user_id=user, page=PAGE)]),
        (PointBalanceSerializer, points.balance_of(user_id=user)),
        *((OrderSerializer, order) for order in bought),
        *((OrderLineSerializer, line) for order in bought for line in order.lines),
        (PlacedOrderSerializer, placed),
        (OrderQuoteSerializer, quoted),
        (BestSellersSerializer, ranking),
        *((BestSellerSerializer, entry) for entry in ranking.entries),
    ]


def held(user: int) -> list[Any]:
    return coupons.issued_coupons_of(user_id=user, status=None, page=PAGE)


def test_what_is_shown_is_what_drf_shows(rows):
    for serializer, row in rows:
        assert shown(serializer, row) == serializer(row).data
        assert list(shown(serializer, row)) == list(serializer(row).data)


def test_of_every_serializer_something_is_shown(rows):
    assert {serializer for serializer, _row in rows} == {*output_serializers()}


def state(of: Any) -> dict[str, Any]:
    """All that a serializer and its fields hold."""
    held = {name: value for name, value in vars(of).items() if name not in {"parent", "child", "fields"}}
    nested = [*getattr(of, "fields", {}).values(), *([of.child] if hasattr(of, "child") else [])]
    return {"held": {name: repr(value) for name, value in held.items()}, "nested": [*map(state, nested)]}


def test_reading_an_input_leaves_nothing_behind():
    serializer = BasketSerializer()
    line = {"product_id": 1, "quantity": 1}
    serializer.run_validation({"items": [line]})  # which looks for its fields but once
    before = state(serializer)
    for items in ([line], [line, line], [], [{}], None):
        try:
            serializer.run_validation({"items": items})
        except ValidationError:
            continue
    assert state(serializer) == before
    assert validated(BasketSerializer, {"items": [line]})["items"] == [line]
