"""Serializers that every thread shares: what is shown is as DRF shows it, and nothing stays in them."""

import importlib
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Event
from typing import Any

import pytest
from django.apps import apps
from django.utils.module_loading import module_has_submodule
from rest_framework.exceptions import ValidationError
from rest_framework.serializers import Serializer

from core.db.pages import Page
from core.http.serializers import (
    StrictIntegerField,
    StrictSerializer,
    _shared,
    serialize,
    validate_input,
)
from coupons import selectors as coupons
from coupons import services as issuing
from coupons.factories import CouponFactory
from coupons.serializers import CouponSerializer, IssuedCouponSerializer
from orders import selectors as orders
from orders import services as checkout
from orders.serializers import (
    BasketLineSerializer,
    BasketSerializer,
    OrderLineSerializer,
    OrderQuoteSerializer,
    OrderSerializer,
    PlacedOrderSerializer,
)
from orders.services import Basket
from points import selectors as points
from points.serializers import ChargeSerializer, LedgerEntrySerializer, PointBalanceSerializer
from points.services import charge
from products import selectors as products
from products.factories import ProductFactory
from products.serializers import ProductSerializer
from rankings.selectors import best_sellers
from rankings.serializers import BestSellerSerializer, BestSellersSerializer
from users.factories import UserFactory

PAGE = Page(20, None)


# Of each serializer of inputs, two that differ in everything.
INPUTS: dict[type[Serializer], tuple[dict[str, Any], dict[str, Any]]] = {
    ChargeSerializer: ({"amount": 1}, {"amount": 2}),
    BasketLineSerializer: ({"product_id": 1, "quantity": 2}, {"product_id": 3, "quantity": 4}),
    BasketSerializer: (
        {"items": [{"product_id": 1, "quantity": 2}], "issued_coupon_id": 3, "expected_total": 4},
        {
            "items": [{"product_id": 5, "quantity": 6}, {"product_id": 6, "quantity": 1}],
            "issued_coupon_id": 7,
            "expected_total": 8,
        },
    ),
}


class HoldsOn(StrictSerializer):
    """As a control: it keeps what it reads until it returns it."""

    amount = StrictIntegerField()
    currency = StrictIntegerField()

    def validate_amount(self, amount: int) -> int:
        self.amount = amount
        return amount

    def validate(self, attrs: Any) -> Any:
        return {**attrs, "amount": self.amount}


AMOUNTS = ({"amount": 1, "currency": 2}, {"amount": 3, "currency": 4})


class Delayed(dict[str, Any]):
    """An input whose value of `key` is read only once it is `released`."""

    def __init__(self, values: Mapping[str, Any], key: str) -> None:
        super().__init__(values)
        self.key, self.reached, self.released = key, Event(), Event()

    def get(self, key: str, default: Any = None) -> Any:
        if key == self.key:
            self.reached.set()
            assert self.released.wait(10)
        return super().get(key, default)


def serializers_of_apps() -> Iterator[type[Serializer]]:
    for app in apps.get_app_configs():
        if module_has_submodule(app.module, "serializers") and app.name != "rest_framework":
            module = importlib.import_module(f"{app.name}.serializers")
            for each in vars(module).values():
                if (
                    isinstance(each, type)
                    and each.__module__ == module.__name__
                    and issubclass(each, Serializer)
                ):
                    yield each


def output_serializers() -> set[type[Serializer]]:
    """The serializers of every app, but for those that read what a client sends."""
    return {each for each in serializers_of_apps() if not issubclass(each, StrictSerializer)}


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
        *((CouponSerializer, row) for row in coupons.campaigns(PAGE)),
        *((IssuedCouponSerializer, row) for row in [issued, *held(user)]),
        *((LedgerEntrySerializer, row) for row in [charged, *points.ledger_of(user_id=user, page=PAGE)]),
        (PointBalanceSerializer, points.balance_of(user_id=user)),
        *((OrderSerializer, order) for order in bought),
        *((OrderLineSerializer, line) for order in bought for line in order.items),
        (PlacedOrderSerializer, placed),
        (OrderQuoteSerializer, quoted),
        (BestSellersSerializer, ranking),
        *((BestSellerSerializer, entry) for entry in ranking.best_sellers),
    ]


def held(user: int) -> list[Any]:
    return coupons.issued_coupons_of(user_id=user, status=None, page=PAGE)


def test_serialize_gives_what_drf_gives(rows):
    for serializer, row in rows:
        assert serialize(serializer, row) == serializer(row).data
        assert list(serialize(serializer, row)) == list(serializer(row).data)


def test_serializers_are_all_tried_for_output(rows):
    assert {serializer for serializer, _row in rows} == output_serializers()


def test_serializers_are_all_tried_for_input():
    assert INPUTS.keys() == {*serializers_of_apps()} - output_serializers()


def state(of: Any) -> dict[str, Any]:
    """All that a serializer and its fields hold."""
    held = {name: value for name, value in vars(of).items() if name not in {"parent", "child", "fields"}}
    nested = [*getattr(of, "fields", {}).values(), *([of.child] if hasattr(of, "child") else [])]
    return {"held": {name: repr(value) for name, value in held.items()}, "nested": [*map(state, nested)]}


def is_left_as_it_was(kind: type[Serializer], inputs: tuple[dict[str, Any], dict[str, Any]]) -> bool:
    """Whether the one serializer that every thread reads with is the same after inputs good and bad."""
    shared = _shared(kind)
    validate_input(kind, inputs[0])  # looks for its fields, but once
    before = state(shared)
    wrong = [{name: value} for name in inputs[0] for value in (None, "x", [], [{}], -1)]
    for data in (*inputs, {}, None, {**inputs[0], "unknown": 1}, *wrong):
        with suppress(ValidationError):
            validate_input(kind, data)
    return state(shared) == before


@pytest.mark.parametrize("kind", INPUTS)
def test_reading_an_input_leaves_nothing_in_the_serializer(kind):
    assert is_left_as_it_was(kind, INPUTS[kind])


def read_at_once(
    kind: type[Serializer], inputs: tuple[dict[str, Any], dict[str, Any]]
) -> list[dict[str, Any]]:
    """What two threads read, of which the second comes and goes while the first is at its last field."""
    delayed = Delayed(inputs[0], [*inputs[0]][-1])
    with ThreadPoolExecutor(1) as another:
        first = another.submit(validate_input, kind, delayed)
        assert delayed.reached.wait(10)
        second = validate_input(kind, inputs[1])
        delayed.released.set()
        return [first.result(), second]


@pytest.mark.parametrize("kind", INPUTS)
def test_threads_that_read_with_one_serializer_each_get_their_own(kind):
    assert read_at_once(kind, INPUTS[kind]) == [*INPUTS[kind]]


def test_serializer_that_holds_on_to_an_input_would_be_noticed():
    assert not is_left_as_it_was(HoldsOn, AMOUNTS)
    assert read_at_once(HoldsOn, AMOUNTS) == [{"amount": 3, "currency": 2}, AMOUNTS[1]]


def test_showing_a_row_leaves_nothing_in_the_serializer(rows):
    for kind, row in rows:
        serialize(kind, row)  # looks for its fields, but once
        before = state(_shared(kind))
        assert serialize(kind, row) == kind(row).data
        assert state(_shared(kind)) == before
